"""The interval of the mean difference that the sign-flip test does not reject."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.compare.paired import EXACT_PAIRS

Floats = NDArray[np.float64]

DRAWS = 3999  # random subsets beyond


def sign_flip_interval(
    difference: ArrayLike, generator: np.random.Generator, level: float = 0.95
) -> tuple[float, float]:
    """Return all centres c for which the sign-flip test of ``difference - c`` is not significant.

    The mean of a subset of n values that are symmetric about c lies below c as often as above, and the
    2^n - 1 subset means divide the line into 2^n pieces that hold c with equal probability (Hartigan 1969,
    theorem 1): the k-th smallest and the k-th largest are the ends of an interval of coverage 1 - k /
    2^(n - 1), exactly, whatever the symmetric distribution; k is the largest that keeps ``level``. It is
    the interval that belongs to the sign-flip p, where the t interval is one for normal differences and
    covers too much when runs collapse. Beyond 20 pairs random subsets do, of which the same holds.

    Assumes independent pairs and symmetry about the centre. Not for differences that are skewed (one arm
    collapses more often than the other): no interval of few pairs contains what none of them shows. Coarse
    and wide for fewer than eight pairs.

    Args:
        difference: paired differences, NaN left out, shape (pairs,), in the unit of the score.
        generator: source of the random subsets; untouched up to 20 pairs.
        level: coverage, between 0 and 1.

    Returns:
        Lower and upper end; NaN where so few pairs cannot reach the level (5 at 95 %), and where all
        differences are equal, which say nothing of their spread.
    """
    values = np.asarray(difference, dtype=np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0 or np.ptp(values) == 0:
        return math.nan, math.nan
    means = _every(values) if values.size <= EXACT_PAIRS else _some(values, generator)
    cut = math.floor((1 - level) / 2 * (means.size + 1) + 1e-9)
    if cut < 1:
        return math.nan, math.nan
    low, high = np.partition(means, [cut - 1, means.size - cut])[[cut - 1, means.size - cut]]
    return float(low), float(high)


def _every(values: Floats) -> Floats:
    """Return the means of all subsets but the empty one."""
    sums, sizes = np.zeros(1), np.zeros(1)
    for value in values:
        sums, sizes = np.concatenate([sums, sums + value]), np.concatenate([sizes, sizes + 1])
    found: Floats = sums[1:] / sizes[1:]
    return found


def _some(values: Floats, generator: np.random.Generator) -> Floats:
    chosen = generator.random((DRAWS, values.size), dtype=np.float32) < 0.5
    chosen[~chosen.any(axis=1), 0] = True
    found: Floats = chosen @ values / chosen.sum(axis=1)
    return found
