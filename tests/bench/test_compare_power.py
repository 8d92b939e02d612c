"""Power, gaps and numbers of seeds against statsmodels, quadrature, closed forms and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats
from statsmodels.stats.power import TTestPower

from bench.compare import (
    detectable_gap,
    equivalence_power,
    fewest_pairs,
    paired_difference,
    power_of,
    seeds_for_equivalence,
    seeds_needed,
    sign_flip,
    tost,
    verdict,
)


@pytest.mark.parametrize(("n", "alpha"), [(2, 0.05), (5, 0.005), (8, 0.05), (8, 0.01), (40, 0.05)])
def test_the_gap_of_the_t_test_has_the_power_it_claims(n: int, alpha: float) -> None:
    gap = detectable_gap(0.03, n, alpha, test="t")
    shift, bar = gap / 0.03 * math.sqrt(n), stats.t.isf(alpha / 2, n - 1) / math.sqrt(n - 1)

    def density(chi: float) -> float:
        reached = stats.norm.sf(bar * chi - shift) + stats.norm.cdf(-bar * chi - shift)
        return float(stats.chi.pdf(chi, n - 1) * reached)

    assert integrate.quad(density, 0, np.inf, epsabs=1e-12, limit=400)[0] == pytest.approx(0.8, abs=1e-9)
    assert power_of(0.03, gap, n, alpha, test="t") == pytest.approx(0.8, abs=1e-9)


@pytest.mark.parametrize("n", [4, 8, 20, 60])
@pytest.mark.parametrize("family", [1, 5])
def test_power_of_the_t_test_agrees_with_statsmodels(n: int, family: int) -> None:
    for effect in (0.2, 0.8, 1.5):
        reference = TTestPower().power(effect, n, 0.05 / family)
        assert power_of(0.02, -0.02 * effect, n, family=family, test="t") == pytest.approx(
            reference, abs=1e-9
        )


def test_published_number_of_pairs() -> None:
    # Cohen (1988): paired t, 34 pairs find d_z = .5 with power .8 at two-sided .05
    assert detectable_gap(1.0, 34, test="t") < 0.5 < detectable_gap(1.0, 33, test="t")
    assert seeds_needed(1.0, 0.5, test="t") == 34
    assert seeds_needed(2.0, -1.0, test="t") == 34


@pytest.mark.parametrize(("effect", "alpha", "power"), [(0.3, 0.05, 0.9), (1.0, 0.05, 0.8), (2.0, 0.01, 0.8)])
def test_number_of_pairs_agrees_with_statsmodels(effect: float, alpha: float, power: float) -> None:
    reference = TTestPower().solve_power(effect, None, alpha, power)
    assert seeds_needed(0.02, 0.02 * effect, alpha, power, test="t") == math.ceil(float(reference))


def test_power_of_the_rule_in_closed_form() -> None:
    """Eight pairs, five comparisons: only equal signs reach .01, with probability Phi(d)^8 + Phi(-d)^8.

    The t interval bars a few of these patterns besides.
    """
    for effect in (0.5, 1.0, 1.6, 2.5):
        signs = stats.norm.cdf(effect) ** 8 + stats.norm.cdf(-effect) ** 8
        found = power_of(1.0, effect, 8, family=5)
        assert signs - 0.02 < found < signs + 0.008


@pytest.mark.parametrize(("n", "family", "effect"), [(6, 1, 1.5), (9, 2, 1.2), (12, 11, 1.2), (20, 5, 0.9)])
def test_power_of_the_rule_by_simulation(n: int, family: int, effect: float) -> None:
    generator, studies = np.random.default_rng(n), 600 if n < 20 else 60
    found = 0
    for values in generator.normal(effect, 1, (studies, n)):
        pair = paired_difference(values, np.zeros(n), generator)
        adjusted = min(1.0, pair.sign_flip.p * family)
        found += verdict(pair, adjusted, 0.0, family).word in ("better", "worse")
    planned = power_of(1.0, effect, n, family=family)
    assert abs(found / studies - planned) < 4 * math.sqrt(planned * (1 - planned) / studies)


@pytest.mark.parametrize("n", [17, 21])
def test_a_thousand_arms_leave_the_t_test_behind(n: int) -> None:
    effect = detectable_gap(1.0, n, family=1000, test="t")  # found in .80 of studies, as the t test has it
    planned = power_of(1.0, effect, n, family=1000)
    rng = np.random.default_rng(3)
    drawn = rng.normal(effect, 1.0, (200, n))
    found = np.mean([sign_flip(row, rng).p * 1000 <= 0.05 * (1 + 1e-12) for row in drawn])
    assert found == pytest.approx(planned, abs=0.11)  # three standard errors, and .05 beyond 20 pairs
    assert planned < 0.72


def test_the_rule_asks_for_more_than_the_t_test_and_never_for_the_impossible() -> None:
    for n in (8, 10, 14):
        assert detectable_gap(1.0, n, family=5) > detectable_gap(1.0, n, family=5, test="t")
        assert power_of(1.0, detectable_gap(1.0, n, family=5), n, family=5) == pytest.approx(0.8, abs=1e-9)
    assert power_of(1.0, 50.0, 7, family=5) == 0
    assert math.isnan(detectable_gap(1.0, 7, family=5))
    assert power_of(1.0, 50.0, 18, family=2**14) == 0
    for family in (1, 5):
        found = seeds_needed(0.01, 1.0, family=family)
        assert found == fewest_pairs(family), "a huge gap takes what the signs take"
        needed = seeds_needed(1.0, 1.3, family=family)
        assert needed is not None
        assert power_of(1.0, 1.3, needed, family=family) >= 0.8


def test_power_grows_with_gap_and_falls_with_family() -> None:
    for test in ("t", "verdict"):
        gaps = [power_of(1.0, gap, 10, family=3, test=test) for gap in (0.0, 0.3, 0.8, 1.5, 4.0)]
        assert gaps == sorted(gaps)
        families = [power_of(1.0, 1.0, 10, family=family, test=test) for family in (1, 2, 5, 10)]
        assert families == sorted(families, reverse=True)
    assert power_of(1.0, 0.0, 10, test="t") == pytest.approx(0.05, abs=1e-9)
    assert power_of(1.0, 0.0, 10) <= 0.05
    assert power_of(1.0, math.inf, 10) == 1


def test_odd_designs() -> None:
    for sd in (0.0, math.nan, math.inf, -1.0):
        assert math.isnan(detectable_gap(sd, 8))
        assert math.isnan(power_of(sd, 0.1, 8))
        assert math.isnan(equivalence_power(sd, 0.1, 8))
        assert seeds_needed(sd, 0.1) is None
        assert seeds_for_equivalence(sd, 0.1) is None
    assert math.isnan(detectable_gap(0.1, 1))
    assert math.isnan(power_of(0.1, math.nan, 8))
    assert seeds_needed(0.1, 0.0) is None
    assert seeds_for_equivalence(0.1, 0.0) is None
    huge = seeds_needed(1.0, 1e-4)
    assert huge == math.ceil(((stats.norm.isf(0.025) + stats.norm.isf(0.2)) / 1e-4) ** 2)


@pytest.mark.parametrize(("n", "rope"), [(3, 2.0), (8, 0.8), (10, 1.0), (40, 0.5)])
def test_power_of_equivalence_by_quadrature(n: int, rope: float) -> None:
    bar = stats.t.isf(0.05, n - 1) / math.sqrt(n - 1)

    def density(chi: float) -> float:
        room = rope * math.sqrt(n) - bar * chi
        return float(stats.chi.pdf(chi, n - 1) * max(0.0, 2 * stats.norm.cdf(room) - 1))

    reference = integrate.quad(density, 0, rope * math.sqrt(n) / bar, epsabs=1e-12, limit=400)[0]
    assert equivalence_power(0.02, 0.02 * rope, n) == pytest.approx(reference, abs=1e-9)


def test_power_of_equivalence_by_simulation() -> None:
    generator = np.random.default_rng(4)
    pairs = (paired_difference(v, np.zeros(8), generator) for v in generator.normal(0, 1, (800, 8)))
    share = np.mean([tost(pair, 0.9) <= 0.05 for pair in pairs])
    planned = equivalence_power(1.0, 0.9, 8)
    assert abs(share - planned) < 4 * math.sqrt(planned * (1 - planned) / 800)


def test_pairs_for_equivalence_are_the_fewest() -> None:
    for sd in (0.3, 1.0, 3.0):
        found = seeds_for_equivalence(sd, 1.0)
        assert found is not None
        assert equivalence_power(sd, 1.0, found) >= 0.8
        assert found == 2 or equivalence_power(sd, 1.0, found - 1) < 0.8
    assert equivalence_power(1.0, 0.0, 8) == 0
