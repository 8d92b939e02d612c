"""Every arm against every other on the units they all share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.compare.family import holm
from bench.compare.paired import DRAWS, EXACT_PAIRS, ROUNDING, minus
from models.errors import InvalidRequest

Floats = NDArray[np.float64]
_AT_ONCE = 2**22  # sums held at a time


@dataclass(frozen=True, eq=False)
class Pairwise:
    """All pairs of arms; NaN where no complete unit exists.

    Attributes:
        arms: number of arms.
        units: units on which every arm has a score; the others are left out.
        first: one arm of each pair, shape (pairs,).
        second: the other, always the later one, shape (pairs,).
        difference: mean of first - second, in the unit of the score.
        p: two-sided p of each pair.
        holm: p adjusted over all pairs.
    """

    arms: int
    units: int
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    difference: Floats
    p: Floats
    holm: Floats

    def matrix(self, values: ArrayLike, diagonal: float = np.nan, mirrored: int = 1) -> Floats:
        """Return values of pairs as (arms, arms), [i, j] = i against j; ``mirrored`` -1 for differences."""
        table = np.full((self.arms, self.arms), float(diagonal))
        table[self.first, self.second] = np.asarray(values, dtype=np.float64)
        table[self.second, self.first] = mirrored * np.asarray(values, dtype=np.float64)
        return table


def pairwise(
    scores: ArrayLike,
    generator: np.random.Generator,
    test: Callable[[Floats], float] | None = None,
) -> Pairwise:
    """Test every pair of arms on their paired differences, with step-down Holm over all pairs.

    The test of a pair reads the scores of that pair alone. Tests on mean ranks (Nemenyi) do not: there
    whether two arms differ depends on which others take part, so that a result can be had or lost by adding
    arms (Benavoli, Corani & Mangili 2016). Assumes what :func:`bench.compare.sign_flip` assumes. Not for a
    study whose question is arms against one baseline: that family is smaller and decides more.

    Args:
        scores: one row a unit, NaN where there is none, shape (units, arms).
        generator: used only beyond 20 units, where sign patterns are sampled, the same for all pairs.
        test: paired differences (units,) -> two-sided p; the sign-flip test on the mean by default.

    Raises:
        InvalidRequest: ``scores`` is not a table.
    """
    table, _ = complete(scores)
    first, second = np.triu_indices(table.shape[1], 1)
    left, right = table[:, first], table[:, second]
    difference = minus(left, right)
    if not len(table):
        p = mean = np.full(first.size, np.nan)
    else:
        mean = difference.mean(axis=0)
        p = sign_flips(difference, generator) if test is None else np.array([test(d) for d in difference.T])
    return Pairwise(table.shape[1], len(table), first, second, mean, p, holm(p))


def complete(scores: ArrayLike) -> tuple[Floats, int]:
    """Return the rows without a gap, and how many were left out.

    Raises:
        InvalidRequest: ``scores`` is not a table.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2:
        raise InvalidRequest(
            f"scores must be a table of units and arms, got shape {table.shape}; give one row a unit"
        )
    whole = np.isfinite(table).all(axis=1) if table.shape[1] else np.zeros(len(table), dtype=bool)
    return table[whole], int((~whole).sum())


def sign_flips(differences: Floats, generator: np.random.Generator, draws: int = DRAWS) -> Floats:
    """Return :func:`bench.compare.sign_flip` p-values of many pairs at once, shape (pairs,).

    Args:
        differences: one column a pair, finite, shape (units, pairs); at least one unit.
        generator: source of the patterns beyond 20 units.
        draws: number of random patterns there.
    """
    units, pairs = differences.shape
    bar = np.abs(differences.sum(axis=0)) - ROUNDING * np.abs(differences).sum(axis=0)
    if units <= EXACT_PAIRS:
        return _exact(differences, bar)
    hits, rows = np.zeros(pairs), max(1, _AT_ONCE // max(1, pairs))
    for start in range(0, draws, rows):
        signs = 2.0 * generator.integers(0, 2, size=(min(rows, draws - start), units)) - 1.0
        hits += np.count_nonzero(np.abs(signs @ differences) >= bar, axis=0)
    return (hits + 1) / (draws + 1)


def _exact(differences: Floats, bar: Floats) -> Floats:
    """Return the share of all sign patterns that reach ``bar``, without listing them.

    The sums of either half of the units are listed; for each sum of one half a search in the sorted sums of
    the other counts its partners. One sign is held: the mirrored half of the patterns is alike.
    """
    half = (len(differences) + 1) // 2
    left, right = _sums(differences[:half])[: 2 ** (half - 1)], np.sort(_sums(differences[half:]), axis=0)
    p = np.ones(differences.shape[1])
    for pair in np.flatnonzero(bar > 0):
        one, other = left[:, pair], right[:, pair]
        above = other.size - np.searchsorted(other, bar[pair] - one, side="left")
        below = np.searchsorted(other, -bar[pair] - one, side="right")
        p[pair] = float(above.sum() + below.sum()) / (one.size * other.size)
    return p


def _sums(differences: Floats) -> Floats:
    """Return the sum of each column under every sign pattern, those with a plus first, (patterns, pairs)."""
    sums = np.zeros((1, differences.shape[1]))
    for row in differences[::-1]:
        sums = np.concatenate([sums + row, sums - row])
    return sums
