"""Batch fingerprints: can the recording be told from the codes of a window?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.cell.readout import Readout
from bench.data.dataset import Dataset
from bench.data.split import Split
from bench.data.windows import Windows
from models.method import MODALITIES

PRIOR = 0.5
"""Added to every count, so that a code never seen in a recording does not rule it out."""
Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
#: What is learnt from, and what is then named: each modality by itself, and the current by the video.
PROBES = {"current": ("current", "current"), "video": ("video", "video"), "shared": ("video", "current")}


def batch_probe(readout: Readout, dataset: Dataset, windows: Windows, parts: Split) -> dict[str, float]:
    """Return how well codes name the recording (production batch) that a window is of; {} without codes.

    Of two recordings, which one is a window from? Code histograms of one half of each recording are the
    classes of a naive Bayes classifier, windows of the other half are named, and the other way round; between
    the halves lies a gap in which no window touches both. The skill is ``2 a - 1`` with ``a`` the mean over
    all ordered pairs of recordings of the share of windows named rightly: 0 at chance and 1 if always right,
    however many recordings there are. Only windows labelled normal enter, or a recording would be known by
    how long it was abnormal.

    ``batch_probe.<part>.current`` and ``.video`` name by codes of the modality itself; ``.shared`` names
    windows of the *current* by what was learnt of the *video*'s codes: the shortcut by which pre-training on
    pairs can match them without any condition of the plant. Parts are ``learnt`` (the training part) and
    ``new`` (the test part). None of it is a score, and nothing is chosen by it.

    *Not to be read* as a share of windows, nor across codebooks of very different size: a finer codebook
    tells more of everything.
    """
    codes = len(readout.method.codebooks()[0])
    if codes < 2:
        return {}
    names = sorted({track.group for track in dataset.tracks})
    group = np.array([names.index(track.group) for track in dataset.tracks])[windows.recording]
    found = {}
    for part, rows in (("learnt", parts.train), ("new", parts.test)):
        halves = list(_halves(rows, group, windows))
        if len(halves) < 2:
            continue
        used = {m: _counts(readout.codes(m, rows)[1].cpu().numpy(), codes) for m in MODALITIES}
        for name, (learnt, named) in PROBES.items():
            skills = [
                pair_skill(
                    [used[learnt][half[one]] for half in halves],
                    [used[named][half[other]] for half in halves],
                )
                for one, other in ((0, 1), (1, 0))
            ]
            found[f"batch_probe.{part}.{name}"] = float(np.mean(skills))
    return found


def pair_skill(learnt: list[Floats], named: list[Floats]) -> float:
    """Return ``2 a - 1``, ``a`` being how often the right one of two recordings is named; ties count half.

    Args:
        learnt: of each recording, code counts ``(windows, codes)`` that its histogram is made of.
        named: of each recording, those of the windows to be named.
    """
    histograms = np.stack([each.sum(axis=0) for each in learnt]).astype(np.float64) + PRIOR
    likelihood = np.log(histograms / histograms.sum(axis=1, keepdims=True)).astype(np.float32)
    right = []
    for own, counts in enumerate(named):
        evidence = counts @ likelihood.T
        margin = evidence[:, [own]] - np.delete(evidence, own, axis=1)
        right.append(float(((margin > 0) + 0.5 * (margin == 0)).mean()))
    return 2 * float(np.mean(right)) - 1


def _halves(rows: Ints, group: Ints, windows: Windows) -> Iterator[tuple[Ints, Ints]]:
    """Yield of each recording the places in ``rows`` of normal windows, early and late, a gap between."""
    normal = np.flatnonzero(windows.label[rows] == 0)
    for name in np.unique(group[rows]):
        own = normal[group[rows[normal]] == name]
        own = own[np.argsort(windows.end[rows[own]], kind="stable")]
        early = own[: len(own) // 2]
        if not len(early):
            continue
        late = own[windows.begin[rows[own]] >= windows.end[rows[early]].max()]
        if len(late):
            yield early, late


def _counts(index: Ints, codes: int) -> Floats:
    """Return how often each window takes each code, ``(n, codes)``."""
    count = len(index)
    flat = (np.arange(count)[:, None] * codes + index).ravel()
    return np.bincount(flat, minlength=count * codes).reshape(count, codes).astype(np.float32)
