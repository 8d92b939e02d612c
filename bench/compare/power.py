"""What a design can find before it is run: power, the smallest gap, the seeds it takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from bench.compare.family import fewest_pairs
from bench.compare.noncentral import exceeds
from bench.compare.paired import DRAWS, EXACT_PAIRS

Floats = NDArray[np.float64]
Test = Literal["verdict", "t"]

_ENUMERATED = 16  # pairs up to which every subset of a pattern is looked at
_LOWEST = 13  # beyond, subsets of this many: the few that decide leave out what is large
_FEW = 1024  # subsets that may decide; with more of them the sign-flip test is as good as the t test
_SUBSETS = 2**23  # subsets over all draws of a design
_DRAWS = 4096
_POINTS = 128  # quantiles that stand for the distribution of critical values
_MANY = 10_000  # pairs beyond which the normal approximation of a number of pairs is exact enough


def power_of(
    sd: float, gap: float, n: int, alpha: float = 0.05, family: int = 1, test: Test = "verdict"
) -> float:
    """Return the probability that a true mean difference is found.

    ``t`` is the two-sided paired t test at ``alpha / family``, from the noncentral t distribution.
    ``verdict`` is the rule the report decides by: sign-flip p at most ``alpha / family`` (Holm's first step,
    the hardest) and a (1 - ``alpha``) t interval without 0. The sign-flip test is a t test whose critical
    value depends on the pattern of the residuals (Hoeffding 1952): with normal differences the pattern is
    independent of mean and spread, so its power is that of the noncentral t averaged over critical values.
    With few pairs and a large family the two differ a lot: with 8 pairs and 5 comparisons the gap for which
    the t test has power .80 is found in 63 % of studies, because only 8 equal signs are then enough.

    Assumes independent, normal differences; it speaks of a design, not of a difference already tested
    (post-hoc power is a function of p alone). The average is over a fixed sample of patterns: its error is
    below .005 up to 16 pairs. Beyond 20 pairs the sign-flip test of the report is sampled: with a family of a
    thousand few of its draws may reach the mean; that is followed to about .05. Where the level leaves the
    sign-flip test enough patterns, the t test stands for both.

    Args:
        sd: standard deviation of the differences, in the unit of the score.
        gap: true mean difference, in the same unit.
        n: number of pairs.
        alpha: two-sided family-wise level.
        family: number of comparisons.
        test: ``verdict`` or ``t``.

    Returns:
        Power; 0 where the design can never decide, NaN below 2 pairs or where ``sd`` is not positive.
    """
    if n < 2 or not 0 < sd < math.inf or math.isnan(gap):
        return math.nan
    if math.isinf(gap):
        return 1.0
    return _power(abs(gap) / sd * math.sqrt(n), n, alpha, family, test)


def detectable_gap(
    sd: float, n: int, alpha: float = 0.05, power: float = 0.8, family: int = 1, test: Test = "verdict"
) -> float:
    """Return the smallest true mean difference that is found with the given power, see :func:`power_of`.

    In the unit of ``sd``. NaN below 2 pairs, where ``sd`` is not a positive number, and where so few pairs
    can never decide. It speaks of the design: not evidence about a difference already tested.
    """
    return sd * _effect(n, alpha, power, family, test) if n >= 2 and 0 < sd < math.inf else math.nan


def seeds_needed(
    sd: float, gap: float, alpha: float = 0.05, power: float = 0.8, family: int = 1, test: Test = "verdict"
) -> int | None:
    """Return the fewest pairs that find a true mean difference with the given power, see :func:`power_of`.

    Give the gap that matters (the rope), not the one observed. None where ``sd`` or ``gap`` is not a positive
    number. A standard deviation from a few pairs is uncertain itself (8 pairs: by a factor of .66 to 2.04 at
    95 %), and the number goes with its square.
    """
    if not (0 < sd < math.inf and 0 < abs(gap) < math.inf):
        return None
    about = (special.ndtri(1 - alpha / family / 2) + special.ndtri(power)) * sd / abs(gap)
    start = max(2, fewest_pairs(family, alpha) if test == "verdict" else 2)
    return _fewest(lambda n: power_of(sd, gap, n, alpha, family, test) >= power, float(about), start)


def equivalence_power(sd: float, rope: float, n: int, alpha: float = 0.05) -> float:
    """Return the probability of the verdict *equivalent* if the true mean difference is 0.

    Both one-sided t tests must reject, that is |mean| < rope - t sd / sqrt(n) (Phillips 1990). Assumes
    independent, normal differences. NaN below 2 pairs or where ``sd`` is not positive.

    Args:
        sd: standard deviation of the differences, in the unit of the score.
        rope: half-width of the region of practical equivalence, in the same unit, >= 0.
        n: number of pairs.
        alpha: level of each one-sided test.
    """
    if n < 2 or not 0 < sd < math.inf:
        return math.nan
    df, room = n - 1, rope / sd * math.sqrt(n)
    bar = float(stats.t.isf(alpha, df)) / math.sqrt(df)
    nodes, weights = np.polynomial.legendre.leggauss(256)
    low, high = float(stats.chi.ppf(1e-16, df)), min(float(stats.chi.isf(1e-16, df)), room / bar)
    if high <= low:
        return 0.0
    chi = (high - low) / 2 * nodes + (high + low) / 2
    inside = 2 * special.ndtr(room - bar * chi) - 1
    return float((high - low) / 2 * np.sum(weights * stats.chi.pdf(chi, df) * inside))


def seeds_for_equivalence(sd: float, rope: float, alpha: float = 0.05, power: float = 0.8) -> int | None:
    """Return the fewest pairs that give *equivalent* with the given power if the true difference is 0.

    None where ``sd`` or ``rope`` is not a positive number; see :func:`equivalence_power`.
    """
    if not (0 < sd < math.inf and 0 < rope < math.inf):
        return None
    about = (special.ndtri(1 - alpha) + special.ndtri((1 + power) / 2)) * sd / rope
    return _fewest(lambda n: equivalence_power(sd, rope, n, alpha) >= power, float(about), 2)


def _fewest(enough: Callable[[int], bool], root: float, start: int) -> int:
    """Return the fewest pairs that are enough, ``root`` squared being their number for a known spread."""
    if root**2 > _MANY:
        return math.ceil(root**2)
    n = max(start, math.floor(root**2))  # a spread that has to be estimated never needs fewer
    while not enough(n):
        n += 1
    return n


def _power(shift: float, n: int, alpha: float, family: int, test: Test) -> float:
    level = alpha / family if test == "t" else _level(n, alpha / family)
    patterns = math.floor(level * 2.0 ** min(n - 1, 60) * (1 + 1e-12))  # mirrored pairs that may reject
    if test == "verdict" and patterns == 0:
        return 0.0
    if test == "verdict" and (n <= _ENUMERATED or patterns <= _FEW):
        bars = np.maximum(_critical(n, patterns), stats.t.isf(alpha / 2, n - 1))
    else:
        bars = np.asarray(stats.t.isf(level / 2, n - 1))
    return float(np.mean(exceeds(bars, n - 1, shift) + exceeds(bars, n - 1, -shift)))


def _level(n: int, level: float) -> float:
    """Return the p, were all patterns counted, below which the sign-flip test of the report rejects.

    Beyond the pairs that are enumerated, (hits + 1) / (draws + 1) must not exceed the level. Hits are
    roughly Poisson; half of the samples have no more than are allowed where that many + 2/3 are expected.
    """
    if n <= EXACT_PAIRS:
        return level
    allowed = math.floor(level * (DRAWS + 1) * (1 + 1e-12)) - 1
    return min(level, (allowed + 2 / 3) / DRAWS) if allowed >= 0 else 0.0


@lru_cache(maxsize=1024)
def _effect(n: int, alpha: float, power: float, family: int, test: Test) -> float:
    high = 10.0
    while _power(high, n, alpha, family, test) < power:
        if high > 1e6:
            return math.nan
        high *= 2
    found = optimize.brentq(
        lambda shift: _power(shift, n, alpha, family, test) - power, 0.0, high, xtol=1e-12
    )
    return float(found) / math.sqrt(n)


@lru_cache(maxsize=256)
def _critical(n: int, patterns: int) -> Floats:
    """Return quantiles of the t that the sign-flip test asks for over patterns of normal residuals.

    Differences are a d + r, d the mean. The test rejects a positive mean if fewer than ``patterns`` non-empty
    subsets sum to 0 or less, that is if d is above the mean of -r over all but the first few of them: above
    the ``patterns``-th largest such mean. The quotient of that bar and the spread of r is the critical t.
    Beyond 16 pairs only subsets of the lowest r are looked at, which are those with the largest means of -r.
    """
    looked_at = n if n <= _ENUMERATED else _LOWEST
    draws = min(_DRAWS, _SUBSETS >> (n if n <= _ENUMERATED else _ENUMERATED - 1))
    residuals = np.random.default_rng(0).normal(size=(draws, n))
    residuals -= residuals.mean(axis=1, keepdims=True)
    spread = residuals.std(axis=1, ddof=1) / math.sqrt(n)
    residuals = np.sort(residuals, axis=1)[:, :looked_at]
    members = (np.arange(1, 2**looked_at)[:, None] >> np.arange(looked_at)) & 1
    weights = members / members.sum(axis=1, keepdims=True)
    bars = [
        np.partition(part @ weights.T, patterns - 1, axis=1)[:, patterns - 1]
        for part in np.array_split(residuals, max(1, (draws << looked_at) >> 20))
    ]
    found: Floats = np.quantile(-np.concatenate(bars) / spread, (np.arange(_POINTS) + 0.5) / _POINTS)
    found.flags.writeable = False
    return found
