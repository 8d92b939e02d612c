"""Paired differences against hand computation, SciPy and statsmodels."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from bench.compare import (
    fail_rate,
    holm,
    paired_difference,
    sign_flip,
    t_interval,
    verdict,
)
from models.errors import InvalidRequest


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_four_pairs_by_hand() -> None:
    found = paired_difference([0.7, 0.8, 0.9, 0.6], [0.6, 0.8, 0.7, 0.7], rng())
    # differences .1 0 .2 -.1: mean .05, sd sqrt(.05/3); so |sum| of the four is .2
    assert found.n == 4
    assert found.mean == pytest.approx(0.05, abs=1e-12)
    assert found.sd == pytest.approx(math.sqrt(0.05 / 3), abs=1e-12)
    assert found.win_rate == 2.5 / 4
    assert found.d_z == pytest.approx(0.05 / math.sqrt(0.05 / 3), abs=1e-9)
    brute = [
        abs(sum(s * d for s, d in zip(signs, (0.1, 0.0, 0.2, -0.1), strict=True))) >= 0.2 - 1e-12
        for signs in itertools.product((1, -1), repeat=4)
    ]
    assert found.sign_flip.p == np.mean(brute)
    assert found.sign_flip.error == 0
    assert found.sign_flip.smallest == 2 / 16


@pytest.mark.parametrize("n", [2, 3, 8, 12])
def test_agrees_with_scipy(n: int) -> None:
    generator = rng(n)
    arm, control = generator.normal(0.75, 0.05, n), generator.normal(0.72, 0.05, n)
    found = paired_difference(arm, control, rng())
    reference = stats.ttest_rel(arm, control)
    assert found.t_p == pytest.approx(reference.pvalue, abs=1e-9)
    for level in (0.9, 0.95):
        ends = reference.confidence_interval(level)
        assert found.interval(level) == pytest.approx((ends.low, ends.high), abs=1e-9)
        assert t_interval(arm - control, level) == pytest.approx((ends.low, ends.high), abs=1e-9)
    permuted = stats.permutation_test(
        (arm, control),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=2**n,
    )
    assert found.sign_flip.p == pytest.approx(permuted.pvalue, abs=1e-9)


def test_order_of_arms_mirrors() -> None:
    a, b = rng(1).normal(size=9), rng(2).normal(size=9)
    left, right = paired_difference(a, b, rng()), paired_difference(b, a, rng())
    assert left.mean == -right.mean
    assert left.sign_flip.p == right.sign_flip.p
    assert left.interval()[0] == -right.interval()[1]
    assert left.win_rate == 1 - right.win_rate


def test_twenty_pairs_are_exact_and_more_are_sampled() -> None:
    values = rng(3).normal(0.3, 1, 20)
    exact = sign_flip(values, rng())
    assert exact.error == 0
    assert exact.smallest == 2.0**-19
    more = rng(4).normal(0.3, 1, 30)
    sampled = sign_flip(more, rng(5))
    assert sampled.error > 0
    assert sign_flip(more, rng(5)) == sampled
    assert abs(sampled.p - sign_flip(more, rng(6)).p) < 6 * sampled.error
    # 20 pairs and zeros: a zero doubles both counts and changes nothing, so sampling must agree
    padded = sign_flip(np.concatenate([values, np.zeros(3)]), rng(7))
    assert abs(padded.p - exact.p) < 5 * padded.error


def test_sampled_p_is_never_zero() -> None:
    found = sign_flip(np.ones(40), rng(), draws=999)
    assert found.p == 1 / 1000 == found.smallest


def test_missing_scores_leave_their_pair_out() -> None:
    found = paired_difference([0.7, np.nan, 0.8, 0.9], [0.6, 0.6, np.inf, 0.6], rng())
    assert found.n == 2
    assert found.mean == pytest.approx(0.2, abs=1e-12)


def test_no_pair_one_pair_and_equal_differences() -> None:
    none = paired_difference([np.nan], [0.5], rng())
    assert none.n == 0
    assert math.isnan(none.mean)
    assert math.isnan(none.sign_flip.p)
    one = paired_difference([0.9], [0.5], rng())
    assert (one.n, one.sign_flip.p) == (1, 1.0)
    assert all(math.isnan(v) for v in (*one.interval(), one.sd, one.d_z, one.t_p))
    equal = paired_difference([0.7, 0.8, 0.9], [0.6, 0.7, 0.8], rng())
    assert equal.sd == 0  # rounding of .1 is not a variance
    assert equal.sign_flip.p == 0.25
    assert all(math.isnan(v) for v in (*equal.interval(), equal.d_z, equal.t_p))
    same = paired_difference([0.1 + 0.2], [0.3], rng())
    assert same.mean == 0
    assert same.win_rate == 0.5


def test_shapes_must_agree() -> None:
    with pytest.raises(InvalidRequest, match="join the arms by unit"):
        paired_difference([0.5, 0.6], [0.5], rng())


@pytest.mark.parametrize("size", [1, 2, 7, 30])
def test_holm_agrees_with_statsmodels(size: int) -> None:
    p = rng(size).beta(0.5, 3, size)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-12)


def test_holm_is_monotone_and_counts_what_could_not_be_tested() -> None:
    p = rng(9).uniform(size=12)
    adjusted = holm(p)
    assert np.all(np.diff(adjusted[np.argsort(p)]) >= 0)
    assert np.all(adjusted >= p)
    assert np.all(holm(np.append(p, 0.9)) >= np.append(adjusted, 0)), "a larger family is never easier"
    assert holm([0.01, math.nan, 0.02]) == pytest.approx([0.03, math.nan, 0.04], nan_ok=True)
    assert holm([]).size == 0


def test_fail_rate_keeps_low_scores_and_failed_runs_apart() -> None:
    found = fail_rate([0.59, 0.6, 0.9, math.nan], ["done", "done", "done", "diverged"])
    assert (found.low, found.scored, found.failed) == (1, 3, 1)
    assert found.rate == 1 / 3
    assert math.isnan(fail_rate([], []).rate)


def decide(differences: list[float], rope: float = 0.01, family: int = 1) -> tuple[str, str]:
    found = paired_difference(differences, np.zeros(len(differences)), rng())
    adjusted = min(1.0, found.sign_flip.p * family)
    result = verdict(found, adjusted, rope, family)
    return result.word, result.note


def test_verdict_words() -> None:
    clear = [0.05, 0.04, 0.06, 0.05, 0.055, 0.045, 0.05, 0.052]
    assert decide(clear) == ("better", "")
    assert decide([-d for d in clear]) == ("worse", "")
    assert decide([d - 0.05 for d in clear]) == ("equivalent", "")
    assert decide(clear, rope=0.1)[0] == "equivalent", "too small to matter comes before sure"
    assert decide([0.3, -0.2, 0.1, -0.1, 0.2, 0.05, -0.15, 0.1]) == ("undecided", "")


def test_verdict_says_when_the_design_could_not_decide() -> None:
    word, note = decide([0.05, 0.04, 0.06, 0.05, 0.055])
    assert word == "undecided"
    assert note == "5 pairs cannot reach p ≤ 0.05 among 1 comparison: 6 pairs can"
    assert 2.0 ** (1 - 6) <= 0.05 < 2.0 ** (1 - 5)
    word, note = decide([0.05, 0.04, 0.06, 0.05, 0.055, 0.045, 0.05, 0.052], family=11)
    assert word == "undecided"
    assert "9 pairs can" in note
    assert 2.0 ** (1 - 9) * 11 <= 0.05 < 2.0 ** (1 - 8) * 11


def test_verdict_at_the_edges() -> None:
    assert decide([]) == ("undecided", "no complete pair")
    assert decide([0.5])[0] == "undecided"
    word, note = decide([0.0] * 8, rope=0)
    assert word == "equivalent"
    assert "identical on all 8 pairs" in note
    word, note = decide([0.1] * 8)
    assert word == "better"
    assert "no interval" in note


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["normal", "heavy", "bimodal"])
def test_family_wise_error_on_null_studies(noise: str) -> None:
    """Six arms that are the baseline by another name: any better or worse is false.

    The rate is .041 to .043 over 24,000 studies with normal noise (6 / 128 = .047 bounds it): 6000
    studies put the bar of .05 three standard errors away.
    """
    generator, studies, arms, seeds = rng(11), 6000, 6, 8
    false = 0
    for _ in range(studies):
        seed_effect = generator.normal(0, 0.05, seeds)
        shape = (arms + 1, seeds)
        if noise == "normal":
            own = generator.normal(0, 0.01, shape)
        elif noise == "heavy":
            own = 0.01 * generator.standard_t(2, shape)
        else:
            own = generator.normal(0, 0.006, shape) - 0.25 * (generator.random(shape) < 0.2)
        scores = 0.75 + seed_effect + own
        found = [paired_difference(arm, scores[0], generator) for arm in scores[1:]]
        adjusted = holm([f.sign_flip.p for f in found])
        words = [verdict(f, p, 0.0, arms).word for f, p in zip(found, adjusted, strict=True)]
        false += any(word in ("better", "worse") for word in words)
    assert 0 < false <= 0.05 * studies


@pytest.mark.slow
def test_false_equivalence_at_the_edge_of_the_rope() -> None:
    generator = rng(12)
    words = []
    for _ in range(4000):
        difference = generator.normal(0.01, 0.01, 8)
        found = paired_difference(difference, np.zeros(8), generator)
        words.append(verdict(found, found.sign_flip.p, 0.01).word)
    assert 0.03 < words.count("equivalent") / len(words) < 0.06
