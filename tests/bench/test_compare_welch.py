"""Two means of unrelated values against SciPy and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bench.compare import welch


def test_it_is_that_of_scipy() -> None:
    generator = np.random.default_rng(3)
    for n, m in ((2, 2), (5, 9), (40, 3)):
        first, second = generator.normal(0.1, 0.02, n), generator.normal(0.08, 0.1, m)
        found, reference = welch(first, second, 0.9), stats.ttest_ind(first, second, equal_var=False)
        assert found.p == pytest.approx(reference.pvalue, abs=1e-12)
        assert found.df == pytest.approx(reference.df, abs=1e-9)
        interval = reference.confidence_interval(0.9)
        assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_by_hand() -> None:
    found = welch([1.0, 3.0], [0.0, 4.0, math.nan])  # variances 2 and 8, so se^2 = 1 + 4
    assert (found.first, found.second) == (2, 2)
    assert found.difference == 0.0
    assert found.se == pytest.approx(math.sqrt(5))
    assert found.df == pytest.approx(25 / 17)
    assert found.p == pytest.approx(1.0)


@pytest.mark.parametrize("values", [([], []), ([0.1], [0.2, 0.3]), ([0.2, 0.2], [0.1, 0.1])])
def test_where_no_spread_is_known_no_interval_is_invented(values: tuple[list[float], list[float]]) -> None:
    found = welch(*values)
    assert math.isnan(found.p) and math.isnan(found.low) and math.isnan(found.high)
    assert math.isnan(found.difference) == (not values[0])
