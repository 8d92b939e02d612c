"""Do any of several arms differ, and which: ranks on the units they share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from bench.compare.cliques import cliques
from bench.compare.paired import SAME
from bench.compare.pairwise import Pairwise, complete, pairwise
from models.errors import InvalidRequest

Floats = NDArray[np.float64]
FEW_ARMS = "fewer than three arms: the paired difference of the two says it all"
FEW_UNITS = "fewer than two units with a score of every arm: ranks cannot be compared"
ALL_TIED = "every unit scores all arms alike: there is nothing to rank"
_EXACT_TABLES = 20_000  # ways to permute the ranks that are enumerated


@dataclass(frozen=True, eq=False)
class Ranks:
    """Arms ranked within each unit, 1 = best, ties averaged; NaN where a number does not exist.

    Attributes:
        units: units on which every arm has a score.
        left_out: units on which one has none.
        mean: mean rank of each arm, shape (arms,).
        tie_correction: 1 without ties; ``chi2`` times it is the statistic without the correction.
        chi2: Friedman's statistic, corrected for ties.
        chi2_p: its p from the chi-squared distribution.
        f: the statistic of Iman & Davenport (1980), which is the F of a two-way layout of the ranks;
            infinite where all units agree.
        f_p: its p from the F distribution; NaN where ``f`` is infinite.
        p: p of the same statistics when ranks are permuted within units.
        p_error: Monte Carlo standard error of ``p``; 0 where every permutation was enumerated.
        critical: Nemenyi's critical difference of mean ranks at ``alpha``.
        pairs: every pair of arms by its own paired test.
        alpha: level of ``critical`` and of ``cliques``.
        note: why numbers are missing; empty otherwise.
    """

    units: int
    left_out: int
    mean: Floats
    tie_correction: float
    chi2: float
    chi2_p: float
    f: float
    f_p: float
    p: float
    p_error: float
    critical: float
    pairs: Pairwise
    alpha: float
    note: str = ""

    @property
    def order(self) -> tuple[int, ...]:
        """The arms by mean rank, the best first; ties as given."""
        return tuple(int(arm) for arm in np.argsort(self.mean, kind="stable"))

    @property
    def joined(self) -> NDArray[np.bool_]:
        """Whether the pairwise tests (Holm) leave two arms untold apart, shape (arms, arms)."""
        told: NDArray[np.bool_] = self.pairs.matrix(self.pairs.holm, diagonal=1.0) <= self.alpha
        return ~told

    @property
    def cliques(self) -> tuple[tuple[int, ...], ...]:
        """The groups of arms that no pairwise test tells apart (:func:`bench.compare.cliques`)."""
        return cliques(self.order, self.joined)


def ranked(
    scores: ArrayLike,
    generator: np.random.Generator,
    higher: bool = True,
    alpha: float = 0.05,
    draws: int = 10_000,
) -> Ranks:
    """Rank the arms on every unit and test whether any differ (Friedman 1937, Iman & Davenport 1980).

    Assumes independent units; nothing about the distribution of scores. The chi-squared approximation is
    poor below about ten units and the F one below about five: ``p`` permutes the ranks and holds for any
    number. A rank says nothing of the size of a difference. Not for fewer than 3 arms or 2 complete units
    (NaN with a note), not for arms measured on different units, and not for two arms picked after a look.

    Nemenyi's critical difference is reported because diagrams carry it (Demšar 2006, section 3.2.2); groups
    are formed by pairwise tests, see :func:`bench.compare.pairwise`.

    Args:
        scores: one row a unit, NaN where there is none, shape (units, arms). Units with a gap are left out.
        generator: of the permutations, where they are too many to enumerate.
        higher: whether a higher score is better.
        alpha: level of the critical difference and of the groups.
        draws: permutations where they are sampled; the cost is draws x units x arms.

    Raises:
        InvalidRequest: ``scores`` is not a table.
    """
    table, left_out = complete(scores)
    units, arms = table.shape
    pairs = pairwise(table, generator)
    ranks = _ranks(table if not higher else -table)
    mean = ranks.mean(axis=0) if units else np.full(arms, math.nan)
    correction = _tie_correction(ranks)
    note = FEW_ARMS if arms < 3 else FEW_UNITS if units < 2 else ALL_TIED if correction == 0 else ""
    if note:
        nan = math.nan
        return Ranks(units, left_out, mean, correction, nan, nan, nan, nan, nan, 0.0, nan, pairs, alpha, note)
    spread = float(np.sum((mean - (arms + 1) / 2) ** 2))
    chi2 = 12 * units * spread / (arms * (arms + 1)) / correction
    rest = units * (arms - 1) - chi2
    alike = rest <= SAME * chi2
    f = math.inf if alike else (units - 1) * chi2 / rest
    f_p = math.nan if alike else float(stats.f.sf(f, arms - 1, (arms - 1) * (units - 1)))
    p, error = _permuted(ranks, generator, draws)
    return Ranks(
        units,
        left_out,
        mean,
        correction,
        chi2,
        float(stats.chi2.sf(chi2, arms - 1)),
        f,
        f_p,
        p,
        error,
        nemenyi(arms, units, alpha),
        pairs,
        alpha,
    )


@lru_cache(maxsize=256)
def nemenyi(arms: int, units: int, alpha: float = 0.05) -> float:
    """Return the critical difference of mean ranks over all pairs (Nemenyi 1963; Demšar 2006, section 3.2.2).

    From the studentised range with infinite degrees of freedom, so for many units; with few it lets too
    much pass. Not for comparisons with one baseline.

    Raises:
        InvalidRequest: fewer than 2 arms or no unit.
    """
    if arms < 2 or units < 1:
        raise InvalidRequest(f"a critical difference needs 2 arms and a unit, got {arms} and {units}")
    quantile = float(stats.studentized_range.isf(alpha, arms, np.inf))
    return float(quantile / math.sqrt(2) * math.sqrt(arms * (arms + 1) / (6 * units)))


def _ranks(table: Floats) -> Floats:
    """Return ranks within rows; scores that differ by rounding only are tied."""
    if not table.size:
        return table
    ordered = np.sort(table, axis=1)
    size = np.maximum(np.abs(ordered[:, 1:]), np.abs(ordered[:, :-1]))
    steps = np.cumsum(np.diff(ordered, axis=1) > SAME * size, axis=1)
    levels = np.concatenate([np.zeros((len(table), 1)), steps], axis=1)
    place = np.argsort(np.argsort(table, axis=1, kind="stable"), axis=1, kind="stable")
    found: Floats = stats.rankdata(np.take_along_axis(levels, place, axis=1), axis=1)
    return found


def _tie_correction(ranks: Floats) -> float:
    units, arms = ranks.shape
    if not units or arms < 2:
        return math.nan
    sizes = [np.unique(row, return_counts=True)[1] for row in ranks]
    ties = sum(int(np.sum(count**3 - count)) for count in sizes)
    return float(1 - ties / (units * (arms**3 - arms)))


def _permuted(ranks: Floats, generator: np.random.Generator, draws: int) -> tuple[float, float]:
    """Return the share of permutations whose rank sums spread at least as much, and its error."""
    units, arms = ranks.shape
    bar = float(np.sum(ranks.sum(axis=0) ** 2)) * (1 - SAME)
    if (units - 1) * special.gammaln(arms + 1) <= math.log(_EXACT_TABLES):
        sums = ranks[:1]  # one unit is held: naming the arms anew changes nothing
        for row in ranks[1:]:
            sums = (sums[:, None, :] + np.array(list(permutations(row)))).reshape(-1, arms)
        return float(np.mean(np.sum(sums**2, axis=1) >= bar)), 0.0
    hits, block = 0, max(1, 2_000_000 // ranks.size)
    for start in range(0, draws, block):
        shape = (min(block, draws - start), units, arms)
        sums = generator.permuted(np.broadcast_to(ranks, shape), axis=2).sum(axis=1)
        hits += int(np.count_nonzero(np.sum(sums**2, axis=1) >= bar))
    p = (hits + 1) / (draws + 1)
    return p, math.sqrt(p * (1 - p) / draws)
