"""AUROC, and the interval of a difference of AUROCs when whole recordings are resampled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]
_ROUNDS = 50  # attempts at resamples that hold both classes


@dataclass(frozen=True, eq=False)
class Predictions:
    """Test predictions of one unit: an arm and one or more control runs on the same samples.

    Attributes:
        fold: units of one fold share their test groups and are resampled together.
        group: recording or case of each sample, shape (samples,).
        label: 1 = abnormal, 0 = normal, shape (samples,).
        score: score of the arm, higher = more abnormal, shape (samples,).
        controls: scores of the control runs (permutations), each of shape (samples,).
    """

    fold: int
    group: NDArray[np.generic]
    label: NDArray[np.generic]
    score: Floats
    controls: tuple[Floats, ...]


@dataclass(frozen=True)
class GroupInterval:
    """A mean difference of AUROCs with its by-group interval (NaN where it does not exist).

    Attributes:
        mean: mean over units of AUROC(arm) - mean AUROC(controls).
        low: lower end of the percentile interval.
        high: upper end of the percentile interval.
        units: units that entered.
        groups: distinct (fold, group) that were resampled.
    """

    mean: float
    low: float
    high: float
    units: int
    groups: int


def auroc(label: ArrayLike, score: ArrayLike) -> float:
    """Return the area under the ROC curve, ties counted half; NaN where a class is missing.

    It is P(score of an abnormal sample > score of a normal one), the Mann-Whitney statistic over the
    number of pairs (Hanley & McNeil 1982). It knows no threshold: not a measure of a warning that
    has to be given at one.
    """
    positive = np.asarray(label) == 1
    n_positive = int(positive.sum())
    n_negative = positive.size - n_positive
    if n_positive == 0 or n_negative == 0:
        return math.nan
    ranks = stats.rankdata(np.asarray(score, dtype=np.float64))
    above = ranks[positive].sum() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * n_negative))


def paired_auroc_by_group(
    units: Iterable[Predictions],
    generator: np.random.Generator,
    draws: int = 2000,
    level: float = 0.95,
) -> GroupInterval:
    """Return the mean AUROC difference arm - control with a paired bootstrap over groups.

    Samples of one recording depend on each other, so recordings are resampled whole. In one draw
    the recordings of a fold are resampled once and the same resample is read by all units of the
    fold, by the arm and by all controls: what they share cancels. Resamples of a fold that lack a
    class for one of its units are drawn again. The interval speaks of new recordings with the
    models as trained; it does not contain the spread of training beyond these units. Not to be used
    with fewer than about ten groups (percentile intervals are then too narrow); a fold with a
    single group has nothing to resample and gives no interval.

    Units whose test samples hold one class only are left out.
    """
    usable = [u for u in units if u.controls and len(np.unique(np.asarray(u.label) == 1)) == 2]
    folds: dict[int, list[Predictions]] = {}
    for unit in usable:
        folds.setdefault(unit.fold, []).append(unit)
    if not usable:
        return GroupInterval(math.nan, math.nan, math.nan, 0, 0)
    total, total_draws, groups = 0.0, np.zeros(draws), 0
    resampled = True
    for _, members in sorted(folds.items(), key=lambda item: item[0]):
        names = np.unique(np.concatenate([unit.group for unit in members]))
        groups += names.size
        counts = [_Counts.of(unit, names) for unit in members]
        whole = np.ones((1, names.size))
        total += float(sum(c.difference(whole)[0] for c in counts))
        weights = _resamples(counts, names.size, draws, generator)
        if weights is None:
            resampled = False
        elif resampled:
            total_draws += sum(c.difference(weights) for c in counts)
    n = len(usable)
    if not resampled:
        return GroupInterval(total / n, math.nan, math.nan, n, groups)
    tail = (1 - level) / 2
    low, high = np.quantile(total_draws / n, [tail, 1 - tail])
    return GroupInterval(total / n, float(low), float(high), n, groups)


@dataclass(frozen=True, eq=False)
class _Counts:
    """What the AUROC of any resample of groups needs: it is a quadratic form in the group weights.

    With w_g copies of group g, AUROC = w' A w / ((w' P) (w' N)), where A[g, h] counts the pairs
    (positive of g, negative of h) in the right order, ties half. The mean over controls is taken in A.
    """

    margin: Floats  # A of the arm minus the mean A of the controls, (groups, groups)
    positives: Floats
    negatives: Floats

    @classmethod
    def of(cls, unit: Predictions, names: NDArray[np.generic]) -> _Counts:
        index = np.searchsorted(names, unit.group)
        positive = np.asarray(unit.label) == 1
        size = names.size
        ordered = [_ordered_pairs(s, positive, index, size) for s in (unit.score, *unit.controls)]
        margin = ordered[0] - np.mean(ordered[1:], axis=0)
        count = [np.bincount(index[mask], minlength=size).astype(float) for mask in (positive, ~positive)]
        return cls(margin, count[0], count[1])

    def difference(self, weights: Floats) -> Floats:
        pairs = (weights @ self.positives) * (weights @ self.negatives)
        above: Floats = np.sum((weights @ self.margin) * weights, axis=1)
        return above / pairs

    def defined(self, weights: Floats) -> NDArray[np.bool_]:
        return (weights @ self.positives > 0) & (weights @ self.negatives > 0)


def _ordered_pairs(score: Floats, positive: NDArray[np.bool_], index: NDArray[np.int_], size: int) -> Floats:
    result = np.zeros((size, size))
    upper = np.asarray(score, dtype=np.float64)[positive]
    for group in np.unique(index[~positive]):
        lower = np.sort(np.asarray(score, dtype=np.float64)[~positive & (index == group)])
        below = np.searchsorted(lower, upper, side="left") + np.searchsorted(lower, upper, side="right")
        result[:, group] = np.bincount(index[positive], weights=below / 2, minlength=size)
    return result


def _resamples(
    counts: Sequence[_Counts], groups: int, draws: int, generator: np.random.Generator
) -> Floats | None:
    """Return (draws, groups) multinomial weights under which every unit has both classes, or None."""
    if groups < 2:
        return None
    kept: list[Floats] = []
    missing = draws
    for _ in range(_ROUNDS):
        weights = generator.multinomial(groups, np.full(groups, 1 / groups), size=draws).astype(float)
        valid = np.logical_and.reduce([c.defined(weights) for c in counts])
        kept.append(weights[valid][:missing])
        missing -= len(kept[-1])
        if missing == 0:
            return np.concatenate(kept)
    return None
