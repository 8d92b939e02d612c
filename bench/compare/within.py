"""Do two measurements go together within units?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bench.compare.paired import SAME
from models.errors import InvalidRequest

FEWEST = 3
"""Degrees of freedom below which no interval is given."""


@dataclass(frozen=True)
class Within:
    """A correlation within units; NaN where it does not exist.

    Attributes:
        r: the correlation, -1 to 1.
        low: lower end of the 95 % interval.
        high: upper end.
        p: two-sided p of no association.
        cells: pairs of measurements that entered.
        units: units they come from.
        slope: of the second measurement on the first, common to all units.
    """

    r: float
    low: float
    high: float
    p: float
    cells: int
    units: int
    slope: float


def within_correlation(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Within:
    """Return the correlation of two measurements within units (Bakdash & Marusich 2017).

    One line of common slope and a level of its own for each unit (analysis of covariance); ``r`` is the
    correlation of what is left when every unit's mean is taken off, with ``cells - units - 1`` degrees of
    freedom. What makes a unit easy or hard as a whole cannot produce it. The interval is Fisher's.

    Assumes a common slope and errors that are independent and alike. *Not to be used* as evidence of a cause:
    where the cells of a unit are arms of a study, whatever the arms change moves both measurements; nor where
    the relation bends.

    Args:
        first: ``(units, cells)``; NaN where there is none.
        second: the same of the other measurement.
        level: of the interval.

    Raises:
        InvalidRequest: the two differ in shape.
    """
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 2:
        raise InvalidRequest(f"measurements must be two tables of one shape, got {x.shape} and {y.shape}")
    both = np.isfinite(x) & np.isfinite(y)
    counts = both.sum(axis=1)
    both &= (counts > 1)[:, None]
    counts = both.sum(axis=1)[counts > 1]
    cells, units = int(counts.sum()), len(counts)
    df = cells - units - 1
    nothing = Within(math.nan, math.nan, math.nan, math.nan, cells, units, math.nan)
    if df < 1:
        return nothing
    left = [np.where(both, each, np.nan) for each in (x, y)]
    rows = both.any(axis=1)
    a, b = ((each[rows] - np.nanmean(each[rows], axis=1, keepdims=True))[both[rows]] for each in left)
    spread = math.sqrt(float((a**2).sum())), math.sqrt(float((b**2).sum()))
    size = [SAME * float(np.abs(each[both]).max()) * math.sqrt(cells) for each in (x, y)]
    if not (spread[0] > size[0] and spread[1] > size[1]):
        return nothing
    slope = float((a * b).sum()) / spread[0] ** 2
    r = float((a * b).sum()) / (spread[0] * spread[1])
    r = math.copysign(1.0, r) if 1 - abs(r) < SAME else r
    t = abs(r) * math.sqrt(df / (1 - r**2)) if abs(r) < 1 else math.inf
    p = float(2 * special.stdtr(df, -t))
    if df < FEWEST or abs(r) == 1:
        return Within(r, math.nan, math.nan, p, cells, units, slope)
    half = float(special.ndtri((1 + level) / 2)) / math.sqrt(df - 1)
    return Within(r, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half), p, cells, units, slope)
