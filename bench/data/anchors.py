"""Known scores of simple methods on the real data: what an intact copy of the files reproduces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from bench.data.milling import RATE, Milling, MillingParameters
from bench.data.recording import Recording
from bench.data.skab import REFERENCE, Skab, SkabParameters
from models.errors import InvalidRequest, unknown

Floats = NDArray[np.float64]

CLIP = 6.0
SEED = 0
AUROC_TOLERANCE = 0.03
F1_TOLERANCE = 0.005
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# A detector that reads nothing but the row number: the faults last from about the first to the second.
CLOCK = (570, 975)
ALARM_QUANTILE = 0.99


@dataclass(frozen=True)
class Anchor:
    """A number that is known, and what these files give for it.

    Attributes:
        name: what is counted or scored.
        expected: the known value: a count, an AUROC or an F1.
        measured: the value on these files.
        tolerance: largest difference that is put down to versions of libraries.
    """

    name: str
    expected: float
    measured: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether the measured value lies within the tolerance."""
        return abs(self.measured - self.expected) <= self.tolerance


@dataclass(frozen=True)
class Stack:
    """Raw windows of all recordings: samples, label and row of the last sample, fold."""

    current: Floats
    video: Floats
    label: NDArray[np.int64]
    row: NDArray[np.int64]
    fold: NDArray[np.int64]


def check(name: str, path: Path | str) -> list[Anchor]:
    """Reproduce the anchors of a data set, ``milling`` or ``skab``, from the files at ``path``.

    Raises:
        InvalidRequest: the data set has no anchors, its files are broken, or a fold of them holds
            one class only.
    """
    known = {"milling": milling, "skab": skab}
    if name not in known:
        raise unknown("data set with anchors", name, known)
    return known[name](path)


def milling(path: Path | str) -> list[Anchor]:
    """Anchors of the milling data: worn at VB >= 0.5 mm, one of the eight conditions held out at a time."""
    source = Milling(MillingParameters(wear=0.5, folds="condition"), path)
    size = round(source.windows.video_seconds * RATE)
    raw = stack(source.recordings(), size=size, stride=size)
    weak, strong = spectral_statistics(raw.current), spectral_statistics(raw.video)
    every = np.ones(len(raw.label), dtype=bool)
    return [
        Anchor("windows", 1872, len(raw.label), 0),
        Anchor("current AUROC, logistic", 0.760, auroc(weak, raw, every, "logistic"), AUROC_TOLERANCE),
        Anchor("current AUROC, boosting", 0.738, auroc(weak, raw, every, "boosting"), AUROC_TOLERANCE),
        Anchor("video AUROC, logistic", 0.821, auroc(strong, raw, every, "logistic"), AUROC_TOLERANCE),
        Anchor("video AUROC, boosting", 0.882, auroc(strong, raw, every, "boosting"), AUROC_TOLERANCE),
    ]


def skab(path: Path | str) -> list[Anchor]:
    """Anchors of SKAB: windows in the five folds of files, and the published per-file protocol.

    The protocol fits on rows 0-399 of a file, calls every later row normal or not, and pools the
    counts of all files before F1 is taken.
    """
    recordings = list(Skab(SkabParameters(), path).recordings())
    raw = stack(recordings, size=60, stride=5)
    weak, strong = trend_statistics(raw.current), trend_statistics(raw.video)
    scored = raw.row >= REFERENCE
    truth = [np.asarray(recording.label.values[REFERENCE:]) > 0.5 for recording in recordings]
    rows = [np.arange(REFERENCE, REFERENCE + len(part)) for part in truth]
    always = [np.ones(len(part), dtype=bool) for part in truth]
    clock = [(part >= CLOCK[0]) & (part < CLOCK[1]) for part in rows]
    electrical = [t2_alarms(np.asarray(recording.current.values[:])) for recording in recordings]
    return [
        Anchor("windows", 7095, len(raw.label), 0),
        Anchor("scored windows", 4749, int(scored.sum()), 0),
        Anchor("current AUROC, logistic", 0.477, auroc(weak, raw, scored, "logistic"), AUROC_TOLERANCE),
        Anchor("current AUROC, boosting", 0.527, auroc(weak, raw, scored, "boosting"), AUROC_TOLERANCE),
        Anchor("video AUROC, logistic", 0.810, auroc(strong, raw, scored, "logistic"), AUROC_TOLERANCE),
        Anchor("video AUROC, boosting", 0.896, auroc(strong, raw, scored, "boosting"), AUROC_TOLERANCE),
        Anchor("protocol F1, always anomalous", 0.70, pooled_f1(truth, always), F1_TOLERANCE),
        Anchor("protocol F1, clock", 0.93, pooled_f1(truth, clock), F1_TOLERANCE),
        Anchor("protocol F1, T2 on the current", 0.03, pooled_f1(truth, electrical), F1_TOLERANCE),
    ]


def stack(recordings: Iterable[Recording], size: int, stride: int) -> Stack:
    """Cut recordings into windows of ``size`` samples, one every ``stride``; both signals share a clock."""
    columns: list[tuple[NDArray[Any], ...]] = []
    for recording in recordings:
        stop = np.arange(size, len(recording.label.values) + 1, stride)
        inside = (stop[:, None] - size) + np.arange(size)
        weak, strong, named = (
            np.asarray(signal.values[:]) for signal in (recording.current, recording.video, recording.label)
        )
        label, fold = named[stop - 1].astype(np.int64), np.full(len(stop), recording.fold)
        columns.append((weak[inside], strong[inside], label, stop - 1, fold))
    return Stack(*(np.concatenate(column) for column in zip(*columns, strict=True)))


def spectral_statistics(windows: Floats) -> Floats:
    """Return 21 statistics a channel of ``(windows, samples, channels)``.

    Mean, sd, root mean square, extremes, five quantiles, skewness, excess kurtosis, log power in
    eight bands of equal ratio, and the centroid of the spectrum.
    """
    mean, sd = windows.mean(axis=1), windows.std(axis=1)
    centred = windows - mean[:, None]
    z = centred / (sd[:, None] + 1e-9)
    power = np.abs(np.fft.rfft(centred, axis=1)) ** 2
    edges = np.round(np.geomspace(1, power.shape[1], 9)).astype(int)
    bands = [
        np.log(power[:, low:high].mean(axis=1) + 1e-12)
        for low, high in zip(edges[:-1], edges[1:], strict=True)
    ]
    bins = np.arange(power.shape[1])
    centroid = np.einsum("nfc,f->nc", power, bins) / (power.sum(axis=1) + 1e-12)
    level = [mean, sd, np.sqrt((windows**2).mean(axis=1)), windows.min(axis=1), windows.max(axis=1)]
    shape = [*np.quantile(windows, QUANTILES, axis=1), (z**3).mean(axis=1), (z**4).mean(axis=1) - 3]
    return np.concatenate([*level, *shape, *bands, centroid], axis=1)


def trend_statistics(windows: Floats) -> Floats:
    """Return 7 statistics a channel: mean, sd, minimum, maximum, slope, mean absolute difference, median."""
    time = np.arange(windows.shape[1]) - (windows.shape[1] - 1) / 2
    slope = np.einsum("nsc,s->nc", windows, time) / (time**2).sum()
    jump = np.abs(np.diff(windows, axis=1)).mean(axis=1)
    level = [windows.mean(axis=1), windows.std(axis=1), windows.min(axis=1), windows.max(axis=1)]
    return np.concatenate([*level, slope, jump, np.median(windows, axis=1)], axis=1)


def auroc(features: Floats, raw: Stack, scored: NDArray[np.bool_], model: str) -> float:
    """Return the area under the ROC curve of out-of-fold probabilities, pooled over the folds.

    Features are standardised on the folds that are trained on and clipped at 6 sd. Pooling
    compares probabilities of different fits, as the known values do: a fold that is off by a
    constant costs area, so the value may lie below every fold's own.

    Raises:
        InvalidRequest: a training part, or all that is scored, holds one class only.
    """
    probability = np.full(len(raw.label), np.nan)
    for fold in np.unique(raw.fold):
        test = raw.fold == fold
        _require_both(raw.label[~test], f"what is trained on when fold {fold} is held out")
        mean, sd = features[~test].mean(axis=0), features[~test].std(axis=0) + 1e-12
        z = np.clip((features - mean) / sd, -CLIP, CLIP)
        classifier = _classifier(model).fit(z[~test], raw.label[~test])
        probability[test] = classifier.predict_proba(z[test])[:, 1]
    _require_both(raw.label[scored], "what is scored")
    return float(roc_auc_score(raw.label[scored], probability[scored]))


def t2_alarms(channels: Floats) -> NDArray[np.bool_]:
    """Alarms of Hotelling's T2 after the reference rows, ``(rows - 400,)``.

    Fitted on the reference rows of the file itself; the limit is the 0.99 quantile of their own T2
    (Hotelling, Multivariate quality control, 1947).
    """
    normal = channels[:REFERENCE]
    centred = channels - normal.mean(axis=0)
    distance = np.einsum("ni,ij,nj->n", centred, np.linalg.pinv(np.cov(normal.T)), centred)
    return np.asarray(distance[REFERENCE:] > np.quantile(distance[:REFERENCE], ALARM_QUANTILE))


def pooled_f1(truth: list[NDArray[np.bool_]], alarms: list[NDArray[np.bool_]]) -> float:
    """Return F1 = TP / (TP + (FN + FP) / 2) of the counts of all files together; 0 without any."""
    true, said = np.concatenate(truth), np.concatenate(alarms)
    return float(2 * (true & said).sum() / max(true.sum() + said.sum(), 1))


def _classifier(model: str) -> Any:
    if model == "logistic":
        return LogisticRegression(C=0.1, class_weight="balanced", max_iter=3000)
    return HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.05, max_leaf_nodes=15, early_stopping=False, random_state=SEED
    )


def _require_both(label: NDArray[np.int64], where: str) -> None:
    if len(np.unique(label)) < 2:
        raise InvalidRequest(
            f"anchors need both classes, but {where} holds one; give all files of the data set"
        )
