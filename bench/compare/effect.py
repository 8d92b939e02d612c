"""The interval of a standardised paired effect."""

from __future__ import annotations

import math

from scipy import optimize

from bench.compare.noncentral import exceeds


def effect_interval(d_z: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the two-sided interval of Cohen's d_z by inverting the noncentral t distribution.

    The observed t = d_z sqrt(n) has noncentrality delta sqrt(n), delta being the true standardised effect.
    The ends are the delta under which a t at least, and at most, as large has probability (1 - level) / 2
    (Steiger & Fouladi 1997; Cumming & Finch 2001). Exact for independent, normal differences at n >= 2.
    It contains 0 exactly when the t interval of the mean does.

    Not to be used where differences are bimodal (a collapsed run): d_z divides by a standard deviation that
    one pair then makes; and not to compare studies whose units vary for different reasons.

    Args:
        d_z: mean over standard deviation of the differences.
        n: number of pairs.
        level: coverage, between 0 and 1.

    Returns:
        Lower and upper end; NaN below 2 pairs or where there is no d_z.
    """
    if n < 2 or not math.isfinite(d_z):
        return math.nan, math.nan
    tail = (1 - level) / 2
    root = math.sqrt(n)
    low, high = (_shift(d_z * root, n - 1, upper) / root for upper in (tail, 1 - tail))
    return low, high


def _shift(t: float, df: int, upper: float) -> float:
    """Return the noncentrality under which a t statistic exceeds ``t`` with probability ``upper``."""

    def excess(shift: float) -> float:
        return float(exceeds(t, df, shift)) - upper

    step = 1.0 + abs(t)
    low, high = t - step, t + step
    while excess(low) > 0:
        low -= step
        step *= 2
    while excess(high) < 0:
        high += step
        step *= 2
    return float(optimize.brentq(excess, low, high, xtol=1e-13))
