"""Best so far against a loop that knows nothing of step functions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.compare.anytime import best_so_far, summary
from models.errors import InvalidRequest

TRIALS = st.lists(
    st.tuples(st.one_of(st.just(math.nan), st.integers(-3, 3).map(float)), st.integers(0, 4)), max_size=12
)


def slow(trials: list[tuple[float, int]], epochs: float, maximize: bool) -> float:
    """The best value among the trials that had ended after so many epochs."""
    known, spent = [], 0
    for value, cost in trials:
        spent += cost
        if spent <= epochs and not math.isnan(value):
            known.append(value)
    return (max(known) if maximize else min(known)) if known else math.nan


@given(TRIALS, st.booleans())
def test_curve_is_that_of_a_loop(trials: list[tuple[float, int]], maximize: bool) -> None:
    values, costs = [value for value, _ in trials], [cost for _, cost in trials]
    curve = best_so_far(values, costs, maximize)
    total = sum(costs)
    grid = np.arange(-0.5, total + 1.1, 0.5)
    assert np.array_equal(curve.at(grid), [slow(trials, x, maximize) for x in grid], equal_nan=True)
    assert curve.spent == total
    assert (np.diff(curve.epochs) > 0).all()
    for target in (-3.0, 0.5, 3.0):
        good = [
            x for x in range(total + 1) if (slow(trials, x, maximize) - target) * (1 if maximize else -1) >= 0
        ]
        assert curve.reaches(target) == (min(good) if good else math.inf)


def test_value_counts_from_the_end_of_its_trial_on() -> None:
    curve = best_so_far([0.6, math.nan, 0.5, 0.7], [6, 2, 6, 6])
    assert list(curve.epochs) == [6, 20]
    assert math.isnan(curve.at(5.999))
    assert list(curve.at([6, 19.999, 20, 1e9])) == [0.6, 0.6, 0.7, 0.7]


def test_summary_is_the_t_interval_at_each_point() -> None:
    curves = [best_so_far([0.6 + 0.01 * i, 0.7 + 0.02 * i**2], [4 + i, 5]) for i in range(3)]
    found = summary(curves, [3, 5, 6, 20])
    assert np.isnan(found.mean[:2]).all(), "the third has no value before 6 epochs"
    for place, known in ((2, [0.60, 0.61, 0.62]), (3, [0.70, 0.72, 0.78])):
        low, high = stats.t.interval(0.95, 2, loc=np.mean(known), scale=stats.sem(known))
        assert found.mean[place] == pytest.approx(np.mean(known))
        assert (found.low[place], found.high[place]) == pytest.approx((low, high))


def test_equal_repeats_get_no_interval() -> None:
    found = summary([best_so_far([0.6], [4])] * 3, [4])
    assert found.mean[0] == pytest.approx(0.6)
    assert math.isnan(found.low[0])


def test_shapes_must_agree() -> None:
    with pytest.raises(InvalidRequest, match="one entry a trial"):
        best_so_far([0.5], [1, 2])
