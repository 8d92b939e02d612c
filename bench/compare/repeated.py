"""An effect within units against its own variation between units."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Repeated:
    """The test of an effect; NaN where it does not differ between units.

    Attributes:
        f: F with ``df`` and df · (units - 1) degrees of freedom before they shrink.
        df: number of contrasts.
        epsilon: Greenhouse & Geisser's factor of both, 1 / df ... 1.
        p: p of ``f`` with shrunk degrees of freedom.
    """

    f: float
    df: int
    epsilon: float
    p: float


def repeated_measures(contrasts: Floats, rounding: float = 0.0) -> Repeated:
    """Test that orthonormal contrasts of an effect are 0 on average over units.

    Repeated-measures analysis of variance of one effect, with the degrees of freedom shrunk by as much as the
    covariance of the contrasts departs from a multiple of the identity (Greenhouse & Geisser 1959). With one
    contrast it is the paired t test. Assumes independent units and normal contrasts; nothing about other
    effects. Weak, not wrong, below about five units.

    Args:
        contrasts: one row a unit, one column a contrast, shape (units, df).
        rounding: a standard deviation up to which contrasts are equal.
    """
    units, df = contrasts.shape
    spread = np.atleast_2d(np.cov(contrasts, rowvar=False)) if units > 1 else np.zeros((df, df))
    total = float(np.trace(spread))
    if not total > rounding**2:
        return Repeated(math.nan, df, math.nan, math.nan)
    f = units * float(np.sum(contrasts.mean(axis=0) ** 2)) / total
    epsilon = total**2 / (df * float(np.sum(spread**2)))
    p = float(stats.f.sf(f, epsilon * df, epsilon * df * (units - 1)))
    return Repeated(f, df, epsilon, p)
