"""Equivalence, overlapping training sets, false discoveries: against statsmodels, baycomp, publications."""

from __future__ import annotations

import math

import baycomp
import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from bench.compare import (
    Paired,
    benjamini_hochberg,
    corrected_t,
    fewest_pairs,
    holm,
    paired_difference,
    rope_correlated_t,
    rope_signed_rank,
    sign_flip,
    tost,
)
from models.errors import InvalidRequest


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def pair(values: np.ndarray | list[float]) -> Paired:
    return paired_difference(values, np.zeros(len(values)), rng())


@pytest.mark.parametrize("n", [2, 5, 10, 30])
@pytest.mark.parametrize("rope", [0.0, 0.01, 0.05])
def test_tost_agrees_with_statsmodels(n: int, rope: float) -> None:
    arm, control = rng(n).normal(0.75, 0.03, n), rng(n + 1).normal(0.75, 0.03, n)
    reference = ttost_paired(arm, control, -rope, rope)[0]
    assert tost(paired_difference(arm, control, rng()), rope) == pytest.approx(float(reference), abs=1e-9)


def test_tost_is_the_rule_of_the_verdict() -> None:
    seen = set()
    for seed in range(200):
        found = pair(rng(seed).normal(0.004, 0.01, 8))
        low, high = found.interval(0.9)
        inside = -0.01 <= low and high <= 0.01
        assert (tost(found, 0.01) <= 0.05) == inside
        seen.add(inside)
    assert seen == {True, False}


def test_tost_where_there_is_no_t() -> None:
    assert math.isnan(tost(pair([]), 0.01))
    assert math.isnan(tost(pair([0.1]), 0.01))
    assert math.isnan(tost(pair([0.1, 0.1]), 0.01))
    with pytest.raises(InvalidRequest, match="rope must be"):
        tost(pair([0.1, 0.2]), -1)


@pytest.mark.parametrize("runs", [1, 2, 5])
@pytest.mark.parametrize("rope", [0.005, 0.02])
def test_correlated_t_agrees_with_baycomp(runs: int, rope: float) -> None:
    control, arm = rng(1).normal(0.75, 0.03, 10), rng(2).normal(0.76, 0.03, 10)
    folds = 10 / runs
    reference = baycomp.CorrelatedTTest.probs(control, arm, rope=rope, runs=runs)
    found = rope_correlated_t(paired_difference(arm, control, rng()), rope, overlap=1 / folds)
    assert (found.worse, found.equivalent, found.better) == pytest.approx(reference, abs=1e-9)
    assert found.error == 0


def test_correlated_t_by_hand() -> None:
    # differences -1, 0, 1, 4: mean 1, sd^2 14 / 3; nu 3. P(better than 1) is one half.
    found = rope_correlated_t(pair([-1.0, 0.0, 1.0, 4.0]), 1.0)
    scale = math.sqrt(14 / 3 / 4)
    assert found.better == pytest.approx(0.5, abs=1e-12)
    x = 2 / scale / math.sqrt(3)  # Student's distribution function on 3 degrees of freedom in closed form
    assert found.worse == pytest.approx(0.5 - (x / (1 + x * x) + math.atan(x)) / math.pi, abs=1e-12)
    assert found.worse + found.equivalent + found.better == pytest.approx(1)
    none = rope_correlated_t(pair([0.3, 0.3]), 0.1)
    assert all(map(math.isnan, (none.worse, none.equivalent, none.better)))
    with pytest.raises(InvalidRequest, match="overlap"):
        rope_correlated_t(pair([0.1, 0.3]), 0.1, overlap=1.0)


@pytest.mark.parametrize(("shift", "rope"), [(0.01, 0.005), (0.0, 0.01), (0.004, 0.01)])
def test_signed_rank_agrees_with_baycomp(shift: float, rope: float) -> None:
    arm = rng(5).normal(shift, 0.015, 9)
    reference = baycomp.SignedRankTest.probs(np.zeros(9), arm, rope=rope, nsamples=20_000, random_state=1)
    found = rope_signed_rank(arm, rope, rng(7))
    assert found.error < 0.003
    for mine, theirs in zip((found.worse, found.equivalent, found.better), reference, strict=True):
        assert abs(mine - theirs) < 5 * math.hypot(found.error, 0.5 / math.sqrt(20_000))


def test_signed_rank_of_one_pair_by_hand() -> None:
    # weight w of the pair ~ Beta(1, 1/2). Means 0 (rope), 1 (on the border: half), 2 (better):
    # better has most if w^2 + w (1 - w) > 1/2, that is w > 1/2
    found = rope_signed_rank([2.0], 1.0, rng(1), draws=200_000)
    assert found.worse == 0
    assert found.better == pytest.approx(stats.beta.sf(0.5, 1, 0.5), abs=5 * found.error)
    assert found.better + found.equivalent == pytest.approx(1)


def test_signed_rank_mirrors_repeats_and_counts_a_collapse_once() -> None:
    values = rng(3).normal(0.004, 0.01, 8)
    left, right = rope_signed_rank(values, 0.01, rng(4)), rope_signed_rank(-values, 0.01, rng(4))
    assert (left.worse, left.better) == pytest.approx((right.better, right.worse), abs=1e-12)
    assert left == rope_signed_rank(values, 0.01, rng(4))
    farther = np.append(values, -0.3), np.append(values, -3.0)
    assert rope_signed_rank(farther[0], 0.01, rng(5)) == rope_signed_rank(farther[1], 0.01, rng(5))
    shared = rope_signed_rank([0.0, 0.0], 0.0, rng(6), draws=1000)
    assert (shared.worse, shared.equivalent, shared.better) == (0.5, 0, 0.5)
    assert math.isnan(rope_signed_rank([math.nan], 0.01, rng()).better)


def test_corrected_t_by_hand_and_in_the_limit() -> None:
    # mean 2, s^2 = 8 / 3: squared error of the mean 8 / 3 (1 / 4 + 20 / 80) = 4 / 3
    found = corrected_t([0.0, 2.0, 2.0, 4.0], train=80, test=20)
    assert found.se == pytest.approx(math.sqrt(4 / 3), abs=1e-12)
    assert found.t == pytest.approx(math.sqrt(3), abs=1e-12)
    assert found.p == pytest.approx(2 * stats.t.sf(found.t, 3), abs=1e-12)
    values = rng(8).normal(0.3, 1, 9)
    plain = stats.ttest_1samp(values, 0)
    nearly = corrected_t(values, train=1e15, test=1)
    assert nearly.p == pytest.approx(plain.pvalue, abs=1e-9)
    ends = plain.confidence_interval()
    assert (nearly.low, nearly.high) == pytest.approx((ends.low, ends.high), abs=1e-9)


def test_corrected_t_agrees_with_baycomp_and_never_gets_easier() -> None:
    values = rng(9).normal(0.02, 0.03, 20)
    mean, variance, df = baycomp.CorrelatedTTest.compute_statistics(np.zeros(20), values, runs=2)
    found = corrected_t(values, train=9, test=1)
    assert (found.mean, found.se**2) == pytest.approx((mean, variance), abs=1e-12)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(mean) / math.sqrt(variance), df), abs=1e-9)
    p = [corrected_t(values, train=100, test=test).p for test in (1, 5, 25, 100)]
    assert p == sorted(p)
    assert stats.ttest_1samp(values, 0).pvalue < p[0]


def test_corrected_t_odd_inputs() -> None:
    assert math.isnan(corrected_t([], 1, 1).mean)
    assert math.isnan(corrected_t([0.3], 1, 1).p)
    assert math.isnan(corrected_t([0.3, 0.3], 1, 1).p)
    with pytest.raises(InvalidRequest, match="above 0"):
        corrected_t([0.1, 0.2], 0, 1)


@pytest.mark.parametrize("size", [1, 2, 7, 30])
def test_benjamini_hochberg_agrees_with_statsmodels(size: int) -> None:
    p = rng(size).beta(0.5, 3, size)
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1], abs=1e-12)


def test_benjamini_hochberg_published() -> None:
    # Benjamini & Hochberg (1995), section 3.2: fifteen p-values, four rejected at q = .05
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert int(np.count_nonzero(benjamini_hochberg(p) <= 0.05)) == 4
    assert int(np.count_nonzero(holm(p) <= 0.05)) == 3


def test_corrections_are_monotone() -> None:
    p = rng(10).uniform(size=15)
    adjusted = benjamini_hochberg(p)
    assert np.all(np.diff(adjusted[np.argsort(p)]) >= 0)
    assert np.all((p <= adjusted) & (adjusted <= holm(p)))
    lower = p.copy()
    lower[3] /= 2
    assert np.all(benjamini_hochberg(lower) <= adjusted), "a smaller p never makes another larger"
    assert np.all(benjamini_hochberg(np.append(p, 1.0))[:-1] >= adjusted), (
        "nor does a larger family make it easier"
    )
    assert benjamini_hochberg([0.01, math.nan, 0.02]) == pytest.approx([0.03, math.nan, 0.03], nan_ok=True)
    assert benjamini_hochberg([]).size == 0


@pytest.mark.parametrize("family", [1, 2, 5, 11, 64])
def test_fewest_pairs_are_the_fewest(family: int) -> None:
    n = fewest_pairs(family)
    assert sign_flip(np.ones(n), rng()).p * family <= 0.05 < sign_flip(np.ones(n - 1), rng()).p * family
