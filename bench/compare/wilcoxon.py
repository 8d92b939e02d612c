"""Signed ranks: a test and an interval that one extreme pair cannot rule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from bench.compare.paired import ROUNDING
from models.errors import InvalidRequest

Floats = NDArray[np.float64]
Zeros = Literal["pratt", "wilcox"]

EXACT_RANKS = 100  # pairs up to which every sign pattern is counted


@dataclass(frozen=True)
class Wilcoxon:
    """A two-sided signed-rank test.

    Attributes:
        p: two-sided p; 1 where every difference is 0, NaN without a pair.
        statistic: the smaller of the rank sums of positive and of negative differences.
        n: pairs with a difference other than 0: those that carry a sign.
        zeros: how pairs without a difference were treated.
        exact: whether ``p`` comes from all sign patterns rather than from the normal approximation.
    """

    p: float
    statistic: float
    n: int
    zeros: Zeros
    exact: bool


def wilcoxon(difference: ArrayLike, zeros: Zeros = "pratt") -> Wilcoxon:
    """Return Wilcoxon's signed-rank test that the differences are symmetric about 0.

    Zeros: ``pratt`` ranks them and drops their ranks (Pratt 1959), so that many ties with the baseline
    weaken the evidence; ``wilcox`` drops them before ranking (Wilcoxon 1945), which discards it. Equal
    sizes share the mean of their ranks. Given the ranks, all sign patterns are equally likely: up to 100
    pairs their rank sums are counted exactly, ties and zeros included; beyond, the normal approximation
    with variance sum(rank^2) / 4, which contains the corrections for ties and zeros.

    Assumes independent pairs and symmetry under the null. Not a test of the mean, nor of the median
    without symmetry; with 5 pairs or fewer it cannot reach .05.

    Args:
        difference: paired differences, NaN left out, shape (pairs,).
        zeros: treatment of differences that are 0.

    Raises:
        InvalidRequest: an unknown treatment.
    """
    if zeros not in ("pratt", "wilcox"):
        raise InvalidRequest(f"zeros must be 'pratt' or 'wilcox', got {zeros!r}; choose one")
    values = np.asarray(difference, dtype=np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return Wilcoxon(math.nan, math.nan, 0, zeros, True)
    if zeros == "wilcox":
        values = values[values != 0]
    ranks = _ranks(np.abs(values))[values != 0]
    positive = float(ranks[values[values != 0] > 0].sum())
    statistic = min(positive, float(ranks.sum()) - positive)
    if ranks.size <= EXACT_RANKS:
        return Wilcoxon(_exact(ranks, statistic), statistic, ranks.size, zeros, True)
    z = (statistic - ranks.sum() / 2) / math.sqrt(np.square(ranks).sum() / 4)
    return Wilcoxon(float(2 * special.ndtr(z)), statistic, ranks.size, zeros, False)


def hodges_lehmann(difference: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
    """Return the Hodges-Lehmann estimate of the centre of symmetry and its signed-rank interval.

    The estimate is the median of all pairwise means, each value with itself included (Hodges & Lehmann
    1963); the ends are the order statistics of these means that the exact signed-rank test does not reject,
    so the coverage is at least ``level`` for any continuous symmetric distribution. The robust companion
    of the mean and its t interval: one collapsed run moves it little. Where collapses are part of the
    claim, that is a reason to read both, not to prefer this one.

    Args:
        difference: paired differences, NaN left out, shape (pairs,).
        level: coverage, between 0 and 1.

    Returns:
        Estimate, lower, upper; the ends are NaN where so few pairs cannot reach the level (5 at 95 %), and
        where all differences are equal, which say nothing of their spread.
    """
    values = np.asarray(difference, dtype=np.float64)
    values = values[np.isfinite(values)]
    n = values.size
    if n == 0:
        return math.nan, math.nan, math.nan
    means = np.sort(((values[:, None] + values) / 2)[np.triu_indices(n)])
    cut = _cut(n, (1 - level) / 2)
    known = cut >= 0 and means[0] < means[-1]
    ends = (float(means[cut]), float(means[-1 - cut])) if known else (math.nan, math.nan)
    return float(np.median(means)), *ends


def _ranks(sizes: Floats) -> Floats:
    """Return mean ranks, sizes that differ by rounding alone being equal."""
    order = np.argsort(sizes, kind="stable")
    steps = np.diff(sizes[order], prepend=0.0) > ROUNDING * sizes.max(initial=0.0)
    level = np.empty(sizes.size)
    level[order] = np.cumsum(steps)
    ranks: Floats = stats.rankdata(level)
    return ranks


def _counts(doubled: NDArray[np.int64]) -> Floats:
    """Return the share of sign patterns by (doubled) sum of positive ranks."""
    share = np.zeros(int(doubled.sum()) + 1)
    share[0] = 1.0
    for rank in doubled:
        share[rank:] = (share[rank:] + share[: share.size - rank]) / 2
        share[:rank] /= 2
    return share


def _exact(ranks: Floats, statistic: float) -> float:
    share = _counts(np.rint(2 * ranks).astype(np.int64))
    return min(1.0, 2 * float(share[: round(2 * statistic) + 1].sum()))


def _cut(n: int, tail: float) -> int:
    """Return how many pairwise means to leave out at each end, less one; -1 where none can be."""
    if n <= EXACT_RANKS:
        below = np.cumsum(_counts(np.arange(1, n + 1)))
        return int(np.searchsorted(below, tail * (1 + 1e-12), side="right")) - 1
    mean, sd = n * (n + 1) / 4, math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    return math.floor(mean - 0.5 + sd * float(special.ndtri(tail)))
