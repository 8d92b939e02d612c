"""The difference of two means of unrelated values."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bench.compare.paired import spread


@dataclass(frozen=True)
class Welch:
    """Difference of two means, first minus second; NaN where a number does not exist.

    Attributes:
        first: number of values of the first.
        second: number of values of the second.
        difference: difference of the means.
        se: its standard error.
        df: Welch-Satterthwaite degrees of freedom.
        p: two-sided p of no difference.
        low: lower end of the t interval.
        high: upper end of the t interval.
    """

    first: int
    second: int
    difference: float
    se: float
    df: float
    p: float
    low: float
    high: float


def welch(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Welch:
    """Return the difference of two means without assuming equal variances (Welch 1947).

    Assumes independent, roughly normal values. Not for values that belong in pairs: the pairing would be
    thrown away (:func:`bench.compare.paired_difference`).

    Args:
        first: values of one group, shape (n,); those that are not finite are left out.
        second: values of the other, shape (m,).
        level: of the interval.
    """
    groups = [np.asarray(values, dtype=np.float64) for values in (first, second)]
    one, two = (values[np.isfinite(values)] for values in groups)
    nan = math.nan
    difference = float(one.mean() - two.mean()) if one.size and two.size else nan
    parts = [spread(values) ** 2 / values.size if values.size > 1 else nan for values in (one, two)]
    if not sum(parts) > 0:
        return Welch(one.size, two.size, difference, nan, nan, nan, nan, nan)
    se = math.sqrt(sum(parts))
    df = sum(parts) ** 2 / sum(part**2 / (n - 1) for part, n in zip(parts, (one.size, two.size), strict=True))
    half = float(stats.t.isf((1 - level) / 2, df)) * se
    p = float(2 * stats.t.sf(abs(difference) / se, df))
    return Welch(one.size, two.size, difference, se, df, p, difference - half, difference + half)
