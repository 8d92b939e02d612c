"""Adjustment of p-values for the number of comparisons made."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Return step-down Holm adjusted p-values, in the order given (Holm 1979).

    The i-th smallest of m is multiplied by m - i + 1; a running maximum keeps the order and 1 caps
    the result. Controls the family-wise error under any dependence. A NaN (a comparison that was
    planned and could not be made) stays NaN and still counts in m, so that failures never make the
    rest easier. Not for p-values picked after a look at them: the family is what was planned.

    >>> [round(float(p), 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")  # NaN sorts last: the factor of the others is unchanged
    factors = np.arange(values.size, 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return adjusted


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Return step-up Benjamini-Hochberg adjusted p-values, in the order given (Benjamini & Hochberg 1995).

    The i-th smallest of m is multiplied by m / i; a running minimum from the largest keeps the order. Those
    at most q hold on average a share of q false ones, if the tests are independent or positively dependent
    (as comparisons with one baseline are; Benjamini & Yekutieli 2001). For exploration: not for a claim about
    any single arm, which :func:`holm` is for. A NaN stays NaN and counts in m.

    >>> [round(float(p), 3) for p in benjamini_hochberg([0.01, 0.04, 0.03])]
    [0.03, 0.04, 0.04]
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")  # NaN sorts last and has no part in the minimum
    factors = values.size / np.arange(1, values.size + 1)
    scaled = values[order] * factors
    adjusted = np.empty_like(values)
    adjusted[order] = np.where(np.isnan(scaled), np.nan, np.fmin.accumulate(scaled[::-1])[::-1])
    return np.minimum(adjusted, 1.0)


def fewest_pairs(family: int = 1, alpha: float = 0.05) -> int:
    """Return the number of pairs below which no sign-flip p can be at most ``alpha`` after Holm's first step.

    >>> fewest_pairs(), fewest_pairs(5)
    (6, 8)
    """
    return math.ceil(1 - math.log2(alpha / family))
