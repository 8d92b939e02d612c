"""One arm against another on the units they share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate, optimize, special, stats

from models.errors import InvalidRequest

Floats = NDArray[np.float64]

EXACT_PAIRS = 20  # 2^20 sums take 8 MB and a few milliseconds
ROUNDING = 1e-12  # relative size below which a difference of two scores is rounding


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
    """

    n: int
    mean: float
    sd: float
    t_p: float
    sign_flip: SignFlip
    win_rate: float
    d_z: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the two-sided t interval of the mean difference; NaN below 2 pairs or at zero variance."""
        return _t_interval(self.n, self.mean, self.sd, level)


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
    left, right = np.asarray(arm, dtype=np.float64), np.asarray(control, dtype=np.float64)
    if left.shape != right.shape or left.ndim != 1:
        raise InvalidRequest(
            f"paired scores must be two equally long vectors, got shapes {left.shape} and {right.shape}; "
            "join the arms by unit first"
        )
    both = np.isfinite(left) & np.isfinite(right)
    left, right = left[both], right[both]
    difference = left - right
    difference[np.abs(difference) <= ROUNDING * np.maximum(np.abs(left), np.abs(right))] = 0.0
    n = int(difference.size)
    if n == 0:
        nan = math.nan
        return Paired(0, nan, nan, nan, SignFlip(nan, 0.0, 1.0), nan, nan)
    mean, sd = float(difference.mean()), _sd(difference)
    d_z = mean / sd if sd > 0 else math.nan
    t_p = float(2 * stats.t.sf(abs(d_z) * math.sqrt(n), n - 1)) if sd > 0 else math.nan
    wins = float(np.mean((difference > 0) + 0.5 * (difference == 0)))
    return Paired(n, mean, sd, t_p, sign_flip(difference, generator), wins, d_z)


def sign_flip(difference: ArrayLike, generator: np.random.Generator, draws: int = 50_000) -> SignFlip:
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
    hits = 0
    for start in range(0, draws, 10_000):
        signs = generator.integers(0, 2, size=(min(10_000, draws - start), n), dtype=np.int8)
        hits += int(np.count_nonzero(np.abs((2.0 * signs - 1.0) @ values) >= bar))
    p = (hits + 1) / (draws + 1)
    return SignFlip(p, math.sqrt(p * (1 - p) / draws), 1 / (draws + 1))


def t_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Return the two-sided t interval of a mean; NaN for fewer than 2 values or values that are all equal.

    Assumes independent, roughly normal values; n as small as 3 is fine then, where a percentile
    bootstrap is not. Equal values say nothing about their spread, so no interval is invented.
    """
    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    mean = float(finite.mean()) if finite.size else math.nan
    return _t_interval(finite.size, mean, _sd(finite), level)


def detectable_gap(sd: float, n: int, alpha: float = 0.05, power: float = 0.8) -> float:
    """Return the smallest true mean difference a two-sided paired t test finds with the given power.

    In the unit of ``sd``, from the noncentral t distribution. It speaks of the design: not to be
    read as evidence about a difference already tested (post-hoc power is a function of p alone).
    NaN below 2 pairs or where ``sd`` is not a positive number.
    """
    return sd * _detectable_effect(n, alpha, power) if n >= 2 and sd > 0 else math.nan


@lru_cache(maxsize=1024)
def _detectable_effect(n: int, alpha: float, power: float) -> float:
    # T exceeds t exactly when Z > t C / sqrt(df) - shift, with C ~ chi(df) independent of Z ~ N(0, 1).
    # Integrating over C stays accurate at few pairs and small alpha, where scipy.stats.nct returns NaN.
    df = n - 1
    chi = np.linspace(stats.chi.ppf(1e-15, df), stats.chi.isf(1e-15, df), 8001)
    density: Floats = stats.chi.pdf(chi, df)
    bar = stats.t.isf(alpha / 2, df) * chi / math.sqrt(df)

    def shortfall(shift: float) -> float:
        found = special.ndtr(shift - bar) + special.ndtr(-shift - bar)
        return float(integrate.simpson(found * density, x=chi)) - power

    high = 10.0
    while shortfall(high) < 0:
        high *= 2
    return float(optimize.brentq(shortfall, 0.0, high, xtol=1e-12)) / math.sqrt(n)


def _sd(values: Floats) -> float:
    if values.size < 2:
        return math.nan
    equal = np.ptp(values) <= ROUNDING * np.abs(values).max()
    return 0.0 if equal else float(values.std(ddof=1))


def _t_interval(n: int, mean: float, sd: float, level: float) -> tuple[float, float]:
    if not sd > 0:
        return math.nan, math.nan
    half = float(stats.t.isf((1 - level) / 2, n - 1)) * sd / math.sqrt(n)
    return mean - half, mean + half
