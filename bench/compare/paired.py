"""One arm against another on the units they share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from bench.compare.effect import effect_interval
from bench.compare.rates import wilson
from models.errors import InvalidRequest

Floats = NDArray[np.float64]

EXACT_PAIRS = 20  # 2^20 sums take 8 MB and a few milliseconds
DRAWS = 50_000  # random patterns beyond them
SAME = 1e-12  # relative size below which a difference of two scores is rounding
ROUNDING = 1e-9
"""Share of the differences below which sums of them are equal.

A difference of scores near 1 is off by 1e-16 whatever its own size: by 1e-10 of itself where a window in a
million is right or wrong. With less, equal gains would be as many different ones, and tied sums no ties.
"""


@dataclass(frozen=True)
class SignFlip:
    """A two-sided sign-flip permutation test on the mean.

    Attributes:
        p: share of the sign patterns whose mean is at least as far from 0 as the observed one.
        error: Monte Carlo standard error of ``p``; 0 where every pattern was enumerated.
        smallest: the smallest p this number of pairs (or draws) can give at all.
    """

    p: float
    error: float
    smallest: float


@dataclass(frozen=True)
class Paired:
    """Paired differences ``arm - control`` in summary; NaN where a number does not exist.

    Attributes:
        n: number of pairs.
        mean: mean difference, in the unit of the score.
        sd: standard deviation of the differences (n - 1); exactly 0 where all are equal.
        t_p: two-sided p of the paired t test.
        sign_flip: the sign-flip permutation test.
        win_rate: share of pairs the arm wins, ties counted half.
        d_z: mean / sd, the standardised paired effect (Cohen 1988, section 2.3.5).
        median: median difference, which a collapsed run or two cannot move far.
    """

    n: int
    mean: float
    sd: float
    t_p: float
    sign_flip: SignFlip
    win_rate: float
    d_z: float
    median: float = math.nan

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the two-sided t interval of the mean difference; NaN below 2 pairs or at zero variance."""
        return _t_interval(self.n, self.mean, self.sd, level)

    def effect_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the interval of the true d_z, see :func:`bench.compare.effect_interval`."""
        return effect_interval(self.d_z, self.n, level)

    def win_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the Wilson interval of the win rate, a tie being half a win.

        A score of 0, 1/2 or 1 varies no more than one of 0 or 1 with the same mean, so ties make the interval
        too wide rather than too narrow.
        """
        return wilson(self.win_rate * self.n if self.n else 0.0, self.n, level)


def differences(arm: ArrayLike, control: ArrayLike) -> Floats:
    """Return :func:`minus` of the two on the pairs where both scores are finite.

    Args:
        arm: scores of the arm, shape (pairs,).
        control: scores of the other arm on the same units in the same order, shape (pairs,).

    Raises:
        InvalidRequest: the two arrays differ in shape.
    """
    left, right = np.asarray(arm, dtype=np.float64), np.asarray(control, dtype=np.float64)
    if left.shape != right.shape or left.ndim != 1:
        raise InvalidRequest(
            f"paired scores must be two equally long vectors, got shapes {left.shape} and {right.shape}; "
            "join the arms by unit first"
        )
    both = np.isfinite(left) & np.isfinite(right)
    return minus(left[both], right[both])


def minus(left: Floats, right: Floats) -> Floats:
    """Return ``left - right``, 0 where the two differ by rounding alone."""
    difference: Floats = left - right
    difference[np.abs(difference) <= SAME * np.maximum(np.abs(left), np.abs(right))] = 0.0
    return difference


def paired_difference(arm: ArrayLike, control: ArrayLike, generator: np.random.Generator) -> Paired:
    """Compare two arms on the pairs where both scores are finite.

    Assumes independent pairs and, for the t interval, differences that are roughly normal; the
    sign-flip test needs only differences that are symmetric about 0 if nothing has changed. Not to
    be used on scores of unrelated units, and with care where pairs share test data (seeds on the
    same fold): the interval is then too narrow.

    Args:
        arm: scores of the arm, shape (pairs,).
        control: scores of the other arm on the same units in the same order, shape (pairs,).
        generator: used only beyond 20 pairs, where the sign-flip test is sampled.

    Raises:
        InvalidRequest: the two arrays differ in shape.
    """
    difference = differences(arm, control)
    n = int(difference.size)
    if n == 0:
        nan = math.nan
        return Paired(0, nan, nan, nan, SignFlip(nan, 0.0, 1.0), nan, nan)
    mean, sd = float(difference.mean()), spread(difference)
    d_z = mean / sd if sd > 0 else math.nan
    t_p = float(2 * special.stdtr(n - 1, -abs(d_z) * math.sqrt(n))) if sd > 0 else math.nan
    wins = float(np.mean((difference > 0) + 0.5 * (difference == 0)))
    flipped = sign_flip(difference, generator)
    return Paired(n, mean, sd, t_p, flipped, wins, d_z, float(np.median(difference)))


def sign_flip(difference: ArrayLike, generator: np.random.Generator, draws: int = DRAWS) -> SignFlip:
    """Return the two-sided sign-flip permutation test that the differences are symmetric about 0.

    Exact by full enumeration up to 20 pairs; beyond, ``draws`` random patterns with p = (hits + 1) /
    (draws + 1), which keeps the level (Phipson & Smyth 2010). Not for differences that are skewed
    under the null, nor for pairs that depend on each other: a sign is flipped for each pair alone.

    Args:
        difference: paired differences, finite, shape (pairs,).
        generator: source of the random patterns; untouched where the test is exact.
        draws: number of random patterns beyond 20 pairs.
    """
    values = np.asarray(difference, dtype=np.float64)
    n = values.size
    if n == 0:
        return SignFlip(math.nan, 0.0, 1.0)
    bar = abs(values.sum()) - ROUNDING * np.abs(values).sum()
    if n <= EXACT_PAIRS:
        sums = values[:1]  # one sign is held: the mirrored half has the same absolute sums
        for value in values[1:]:
            sums = np.concatenate([sums + value, sums - value])
        return SignFlip(float(np.mean(np.abs(sums) >= bar)), 0.0, 2.0 ** (1 - n))
    hits = int(np.count_nonzero(np.abs(_random_sums(values, generator, draws)) >= bar))
    p = (hits + 1) / (draws + 1)
    return SignFlip(p, math.sqrt(p * (1 - p) / draws), 1 / (draws + 1))


def _random_sums(values: Floats, generator: np.random.Generator, draws: int) -> Floats:
    """Return sums under random signs: a random byte looks up the signed sum of eight values."""
    padded = np.zeros(-(-values.size // 8) * 8)
    padded[: values.size] = values
    signs = 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) - 1.0
    sums = np.zeros(draws)
    for eight in padded.reshape(-1, 8):
        sums += (signs @ eight)[generator.integers(0, 256, size=draws, dtype=np.uint8)]
    return sums


def t_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Return the two-sided t interval of a mean; NaN for fewer than 2 values or values that are all equal.

    Assumes independent, roughly normal values; n as small as 3 is fine then, where a percentile
    bootstrap is not. Equal values say nothing about their spread, so no interval is invented.
    """
    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    mean = float(finite.mean()) if finite.size else math.nan
    return _t_interval(finite.size, mean, spread(finite), level)


def spread(values: Floats) -> float:
    """Return the standard deviation (n - 1): NaN below 2 values, 0 where they differ by rounding alone."""
    if values.size < 2:
        return math.nan
    equal = np.ptp(values) <= ROUNDING * np.abs(values).max()
    return 0.0 if equal else float(values.std(ddof=1))


def _t_interval(n: int, mean: float, sd: float, level: float) -> tuple[float, float]:
    if not sd > 0:
        return math.nan, math.nan
    half = -float(special.stdtrit(n - 1, (1 - level) / 2)) * sd / math.sqrt(n)
    return mean - half, mean + half
