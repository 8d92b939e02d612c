"""Adjustment of p-values for the number of comparisons made."""

from __future__ import annotations

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
