"""A t test for scores whose training sets overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bench.compare.paired import spread
from models.errors import InvalidRequest


@dataclass(frozen=True)
class CorrectedT:
    """A corrected resampled t test; NaN where a number does not exist.

    Attributes:
        n: number of differences.
        mean: their mean, in the unit of the score.
        se: corrected standard error of the mean.
        t: mean / se.
        p: two-sided p on n - 1 degrees of freedom.
        low: lower end of the interval.
        high: upper end of the interval.
    """

    n: int
    mean: float
    se: float
    t: float
    p: float
    low: float
    high: float


def corrected_t(difference: ArrayLike, train: float, test: float, level: float = 0.95) -> CorrectedT:
    """Return the corrected resampled t test of Nadeau & Bengio (2003, section 5, equation 9).

    Splits drawn again and again from the same recordings share most of their training data, so their
    differences are correlated and the usual variance of the mean, s^2 / n, is too small however many splits
    are drawn. It is replaced by s^2 (1 / n + test / train), which takes the correlation to be
    test / (test + train).

    For repeated splits and cross-validation of one data set; as a rule of thumb, not exact: the correlation
    is assumed, not estimated. Not for seeds on one split, nor for folds of independent recordings.

    Args:
        difference: paired differences, one a split, NaN left out, shape (splits,).
        train: size of a training part, in samples or recordings, > 0.
        test: size of a test part in the same unit, > 0.
        level: coverage of the interval.

    Raises:
        InvalidRequest: a size is not a positive number.
    """
    if not (0 < train < math.inf and 0 < test < math.inf):
        raise InvalidRequest(
            f"train and test must be sizes above 0, got {train} and {test}; count the samples"
        )
    values = np.asarray(difference, dtype=np.float64)
    values = values[np.isfinite(values)]
    n, nan = values.size, math.nan
    mean, sd = float(values.mean()) if n else nan, spread(values)
    if not sd > 0:
        return CorrectedT(n, mean, nan, nan, nan, nan, nan)
    se = sd * math.sqrt(1 / n + test / train)
    half = float(stats.t.isf((1 - level) / 2, n - 1)) * se
    p = float(2 * stats.t.sf(abs(mean) / se, n - 1))
    return CorrectedT(n, mean, se, mean / se, p, mean - half, mean + half)
