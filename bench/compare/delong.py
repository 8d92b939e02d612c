"""The difference of two AUROCs on the same samples, without resampling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from models.errors import InvalidRequest

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DeLong:
    """Two correlated AUROCs; NaN where a number does not exist.

    Attributes:
        first: AUROC of the first score, ties counted half.
        second: AUROC of the second score.
        difference: first - second.
        se: its standard error.
        p: two-sided p of no difference (normal); NaN where ``se`` is 0.
        low: lower end of the interval.
        high: upper end of the interval.
    """

    first: float
    second: float
    difference: float
    se: float
    p: float
    low: float
    high: float


def delong(label: ArrayLike, first: ArrayLike, second: ArrayLike, level: float = 0.95) -> DeLong:
    """Compare two scores of the same samples by AUROC (DeLong, DeLong & Clarke-Pearson 1988).

    Structural components by midranks, O(n log n) (Sun & Xu 2014, algorithm 2). Assumes *independent samples*
    and enough of each class (about 30) for the normal approximation. Not for windows of one recording: they
    repeat each other and the interval is then far too narrow (use :func:`bench.compare.paired_auroc_by_group`
    or :func:`bench.compare.two_level`); not for two models of which one holds the other, trained on these
    samples, where the difference is not normal if nothing was gained (Demler, Pencina & D'Agostino 2012).

    Args:
        label: 1 = abnormal, 0 = normal, shape (samples,).
        first: higher = more abnormal, shape (samples,). Samples with a score or label that is
            not finite are left out.
        second: the other score of the same samples.
        level: of the interval.

    Raises:
        InvalidRequest: the three differ in shape.
    """
    truth = np.asarray(label)
    scores = [np.asarray(score, dtype=np.float64) for score in (first, second)]
    if truth.ndim != 1 or any(score.shape != truth.shape for score in scores):
        shapes = ", ".join(str(value.shape) for value in (truth, *scores))
        raise InvalidRequest(f"label and scores must have one entry a sample, got {shapes}; join them first")
    kept = np.isfinite(scores[0]) & np.isfinite(scores[1]) & np.isfinite(truth.astype(np.float64))
    positive, nan = truth[kept] == 1, math.nan
    if positive.all() or not positive.any():
        return DeLong(nan, nan, nan, nan, nan, nan, nan)
    (above_a, below_a), (above_b, below_b) = (_components(score[kept], positive) for score in scores)
    a, b = float(above_a.mean()), float(above_b.mean())
    difference = a - b
    if min(above_a.size, below_a.size) < 2:
        return DeLong(a, b, difference, nan, nan, nan, nan)
    parts = [above_a - above_b, below_a - below_b]
    se = math.sqrt(sum(float(part.var(ddof=1)) / part.size for part in parts))
    if se <= 1e-12:
        return DeLong(a, b, difference, 0.0, nan, nan, nan)
    half = float(stats.norm.isf((1 - level) / 2)) * se
    p = float(2 * stats.norm.sf(abs(difference) / se))
    return DeLong(a, b, difference, se, p, difference - half, difference + half)


def _components(score: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return, for each abnormal sample, the share of normal ones below it, and the mirror of that."""
    ranks = stats.rankdata(score)
    above = ranks[positive] - stats.rankdata(score[positive])
    below = ranks[~positive] - stats.rankdata(score[~positive])
    return above / below.size, 1 - below / above.size
