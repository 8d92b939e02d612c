"""Correlation within units against the analysis of covariance that defines it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bench.compare import within_correlation
from models.errors import InvalidRequest


def ancova(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Common slope of y on x with a level for each unit, by least squares: r, p, slope."""
    unit = np.repeat(np.arange(len(x)), x.shape[1])
    kept = np.isfinite(x.ravel()) & np.isfinite(y.ravel())
    design = np.column_stack([x.ravel(), unit[:, None] == np.arange(len(x))]).astype(float)[kept]
    beta, *_ = np.linalg.lstsq(design, y.ravel()[kept], rcond=None)
    rest = y.ravel()[kept] - design @ beta
    df = len(rest) - design.shape[1]
    variance = (rest @ rest) / df * np.linalg.inv(design.T @ design)[0, 0]
    t = beta[0] / math.sqrt(variance)
    return float(t / math.sqrt(t**2 + df)), float(2 * stats.t.sf(abs(t), df)), float(beta[0])


@pytest.mark.parametrize("gaps", [0, 9])
def test_equals_the_analysis_of_covariance(gaps: int) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(8, 6)) + 5 * rng.normal(size=(8, 1))
    y = -0.3 * x + rng.normal(size=(8, 6)) + 5 * rng.normal(size=(8, 1))
    y.ravel()[rng.permutation(48)[:gaps]] = np.nan
    found = within_correlation(x, y)
    r, p, slope = ancova(x, y)
    assert (found.r, found.p, found.slope) == pytest.approx((r, p, slope), rel=1e-9)
    assert (found.cells, found.units) == (48 - gaps, 8)
    half = stats.norm.ppf(0.975) / math.sqrt(48 - gaps - 8 - 1 - 1)
    assert (found.low, found.high) == pytest.approx(
        (math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half))
    )


def test_what_makes_units_differ_is_left_out() -> None:
    level = np.arange(10.0)[:, None]
    rng = np.random.default_rng(2)
    x, y = level + 0.1 * rng.normal(size=(10, 8)), level + 0.1 * rng.normal(size=(10, 8))
    assert np.corrcoef(x.ravel(), y.ravel())[0, 1] > 0.99
    found = within_correlation(x, y)
    assert found.low < 0 < found.high


def test_units_with_one_cell_and_measurements_that_do_not_vary_say_nothing() -> None:
    x = np.array([[1.0, 2.0, 3.0], [4.0, np.nan, np.nan]])
    assert within_correlation(x, x).units == 1
    assert math.isnan(within_correlation(x, np.ones_like(x)).r)
    assert math.isnan(within_correlation(x[1:], x[1:]).r)
    perfect = within_correlation(x, 2 * x)
    assert perfect.r == 1 and math.isnan(perfect.low) and perfect.slope == pytest.approx(2)


def test_the_interval_covers() -> None:
    rng = np.random.default_rng(9)
    inside = 0
    for _ in range(400):
        x = rng.normal(size=(6, 5))
        y = 0.75 * x + rng.normal(size=(6, 5))  # r = 0.6 within units
        y += rng.normal(size=(6, 1))
        found = within_correlation(x, y)
        inside += found.low <= 0.6 <= found.high
    assert inside >= 0.92 * 400


def test_shapes_must_agree() -> None:
    with pytest.raises(InvalidRequest, match="two tables of one shape"):
        within_correlation(np.zeros((2, 3)), np.zeros((3, 2)))
