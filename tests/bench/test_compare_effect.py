"""Intervals of effects and shares, and the noncentral t, against SciPy, mpmath and published numbers."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from bench.compare import FailRate, effect_interval, paired_difference, t_interval, wilson
from bench.compare.noncentral import exceeds


def slowly(t: float, df: int, shift: float) -> float:
    """P(T > t) by adaptive quadrature in 30 digits."""
    with mpmath.workdps(30):

        def integrand(c: mpmath.mpf) -> mpmath.mpf:
            scale = 2 ** (1 - mpmath.mpf(df) / 2) / mpmath.gamma(mpmath.mpf(df) / 2)
            density = scale * c ** (df - 1) * mpmath.exp(-c * c / 2)
            return density * mpmath.ncdf(shift - t * c / mpmath.sqrt(df))

        return float(mpmath.quad(integrand, [0, 0.01, 0.1, 0.5, 1, 2, 3, 4, 6, 8, 12, 20]))


@pytest.mark.parametrize(
    ("t", "df", "shift"), [(763.0, 1, 30.0), (30.0, 1, 6.0), (5.0, 3, 1.5), (2.0, 7, 6.0), (-3.0, 2, 1.5)]
)
def test_noncentral_t_by_quadrature(t: float, df: int, shift: float) -> None:
    assert float(exceeds(t, df, shift)) == pytest.approx(slowly(t, df, shift), abs=1e-12)


@pytest.mark.parametrize("df", [1, 2, 7, 40, 1000])
def test_noncentral_t_agrees_with_scipy(df: int) -> None:
    points = np.array([-50.0, -3.0, -0.5, 0.0, 0.3, 2.0, 5.0, 30.0])
    for shift in (-3.0, 1.5, 6.0):
        assert exceeds(points, df, shift) == pytest.approx(stats.nct.sf(points, df, shift), abs=1e-9)
    assert exceeds(points, df, 0.0) == pytest.approx(stats.t.sf(points, df), abs=1e-12)


@pytest.mark.parametrize("n", [2, 3, 8, 30])
@pytest.mark.parametrize("d_z", [-1.2, 0.0, 0.4, 3.0])
def test_the_ends_are_what_they_are_defined_as(n: int, d_z: float) -> None:
    low, high = effect_interval(d_z, n, 0.9)
    t = d_z * math.sqrt(n)
    assert slowly(t, n - 1, low * math.sqrt(n)) == pytest.approx(0.05, abs=1e-9)
    assert slowly(t, n - 1, high * math.sqrt(n)) == pytest.approx(0.95, abs=1e-9)


def test_published_effect_interval() -> None:
    # Kelley (2007), MBESS: t = 2.83 on 126 degrees of freedom has noncentrality .8337502 to 4.815359
    low, high = effect_interval(2.83 / math.sqrt(127), 127)
    assert (low * math.sqrt(127), high * math.sqrt(127)) == pytest.approx((0.8337502, 4.815359), abs=1e-6)


def test_effect_interval_mirrors_and_agrees_with_the_t_interval_about_zero() -> None:
    generator = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        values = generator.normal(0.4, 1, int(generator.integers(2, 12)))
        found = paired_difference(values, np.zeros(values.size), generator)
        low, high = found.effect_interval()
        assert effect_interval(-found.d_z, found.n) == pytest.approx((-high, -low), abs=1e-9)
        ends = t_interval(values)
        assert (low > 0, high < 0) == (ends[0] > 0, ends[1] < 0)
        seen.add(low > 0)
    assert seen == {True, False}


def test_effect_interval_far_out_and_nowhere() -> None:
    low, high = effect_interval(1e6, 3)
    assert 0 < low < 1e6 < high < math.inf
    assert all(map(math.isnan, effect_interval(math.nan, 5)))
    assert all(map(math.isnan, effect_interval(0.3, 1)))
    equal = paired_difference([0.2, 0.3], [0.1, 0.2], np.random.default_rng(0))
    assert all(map(math.isnan, equal.effect_interval()))


@pytest.mark.parametrize("n", [1, 2, 8, 40])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_agrees_with_statsmodels(n: int, level: float) -> None:
    for k in {0, 1, n // 2, n}:
        reference = proportion_confint(k, n, alpha=1 - level, method="wilson")
        assert wilson(k, n, level) == pytest.approx(reference, abs=1e-9)


@pytest.mark.parametrize(
    ("k", "n", "ends"),
    [
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_wilson_published(k: int, n: int, ends: tuple[float, float]) -> None:
    # Newcombe (1998), table I, method 3
    assert wilson(k, n) == pytest.approx(ends, abs=5e-5)


def test_shares_of_arms() -> None:
    assert FailRate(2, 10, 1).interval() == wilson(2, 10)
    assert all(map(math.isnan, FailRate(0, 0, 3).interval()))
    found = paired_difference([0.7, 0.8, 0.9, 0.6], [0.6, 0.8, 0.7, 0.7], np.random.default_rng(0))
    assert found.win_interval() == wilson(2.5, 4)
    assert found.median == pytest.approx(0.05)
    none = paired_difference([], [], np.random.default_rng(0))
    assert all(map(math.isnan, (*none.win_interval(), *none.effect_interval(), none.median)))


def test_win_interval_with_ties_is_never_too_narrow() -> None:
    """Scores of 0, 1/2 or 1: coverage over all outcomes of eight pairs, exactly."""
    for win, tie in ((0.5, 0.0), (0.3, 0.4), (0.1, 0.8)):
        truth, covered = win + tie / 2, 0.0
        for wins in range(9):
            for ties in range(9 - wins):
                low, high = wilson(wins + ties / 2, 8)
                share = stats.multinomial.pmf([wins, ties, 8 - wins - ties], 8, [win, tie, 1 - win - tie])
                covered += share * (low <= truth <= high)
        assert covered >= 0.92
