"""Ranks, all pairs and cliques against Demšar's worked example, SciPy, scikit-posthocs and brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scikit_posthocs
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.compare import cliques, holm, nemenyi, pairwise, ranked, sign_flip, wilcoxon
from bench.compare.pairwise import sign_flips
from bench.compare.ranks import ALL_TIED, FEW_ARMS, FEW_UNITS
from models.errors import InvalidRequest

# Demšar (2006), table 6: AUC of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf on 14 data sets.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.975, 0.9749],  # printed as .975 and ranked below C4.5+cf
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_worked_example_of_demsar() -> None:
    found = ranked(DEMSAR, rng(), alpha=0.1)
    assert found.mean == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    without_ties = found.chi2 * found.tie_correction
    assert without_ties == pytest.approx(9.28, abs=0.005)
    assert 13 * without_ties / (14 * 3 - without_ties) == pytest.approx(3.69, abs=0.005)
    assert found.critical == pytest.approx(1.12, abs=0.005)
    assert nemenyi(4, 14, 0.05) == pytest.approx(2.569 * math.sqrt(4 * 5 / (6 * 14)), abs=1e-3)
    assert found.order == (3, 1, 2, 0)


def test_three_units_by_hand() -> None:
    # ranks: (1 2 3), (1 2 3), (2 1 3): sums 4 5 9 around 6, so S = 4 + 1 + 9 = 14
    found = ranked([[0.9, 0.8, 0.7], [0.8, 0.7, 0.6], [0.7, 0.8, 0.6]], rng())
    assert found.mean == pytest.approx([4 / 3, 5 / 3, 3])
    assert found.chi2 == pytest.approx(12 * 14 / (3 * 3 * 4), abs=1e-12)  # 14 / 3
    assert found.f == pytest.approx(2 * (14 / 3) / (3 * 2 - 14 / 3), abs=1e-12)  # 7
    # Of the 36 arrangements of two units beside the first, S = 18 in 1 and S = 14 in 6.
    assert found.p == pytest.approx(7 / 36, abs=1e-12)
    assert found.p_error == 0


@pytest.mark.parametrize("digits", [0, 1, 3])
def test_agrees_with_scipy_ties_included(digits: int) -> None:
    scores = np.round(rng(digits).normal(size=(9, 5)) + np.arange(5) * 0.3, digits)
    found = ranked(scores, rng())
    reference = stats.friedmanchisquare(*scores.T)
    assert (found.chi2, found.chi2_p) == pytest.approx((reference.statistic, reference.pvalue), abs=1e-9)
    # Iman & Davenport is the two-way layout of the ranks.
    ranks = stats.rankdata(-scores, axis=1)
    arms = 9 * np.sum((ranks.mean(axis=0) - 3) ** 2)
    total = np.sum((ranks - 3) ** 2)
    f = (arms / 4) / ((total - arms) / 32)
    assert (found.f, found.f_p) == pytest.approx((f, stats.f.sf(f, 4, 32)), abs=1e-9)


def test_nemenyi_agrees_with_scikit_posthocs() -> None:
    scores = rng(4).normal(size=(12, 5)) + np.arange(5) * 0.4
    found = ranked(scores, rng())
    reference = scikit_posthocs.posthoc_nemenyi_friedman(scores).to_numpy()
    for i, j in itertools.combinations(range(5), 2):
        gap = abs(found.mean[i] - found.mean[j])
        if 1e-3 < reference[i, j] < 0.9:
            assert nemenyi(5, 12, float(reference[i, j])) == pytest.approx(gap, abs=1e-6)
        assert (gap >= found.critical) == (reference[i, j] <= 0.05)


def test_sampled_permutations_agree_with_all_of_them() -> None:
    scores = rng(5).normal(size=(4, 4)) + np.arange(4) * 0.5
    exact = ranked(scores, rng())
    assert exact.p_error == 0
    tied = np.concatenate([scores, np.ones((3, 4))])  # units that tie all arms change no sum, only the count
    sampled = ranked(tied, rng(1))
    assert sampled.p_error > 0
    assert abs(sampled.p - exact.p) < 5 * sampled.p_error
    assert ranked(tied, rng(1)).p == sampled.p


def test_lower_can_be_better_and_rounding_is_no_difference() -> None:
    scores = rng(6).normal(size=(5, 4))
    assert ranked(scores, rng(), higher=False).mean == pytest.approx(ranked(-scores, rng()).mean)
    assert ranked([[0.1 + 0.2, 0.3, 0.5], [0.3, 0.1 + 0.2, 0.2]], rng()).mean == pytest.approx([2, 2, 2])


def test_units_with_a_gap_are_left_out() -> None:
    scores = rng(7).normal(size=(6, 3))
    gaps = np.concatenate([scores, [[np.nan, 1, 2], [np.inf, 0, 1]]])
    whole, found = ranked(scores, rng()), ranked(gaps, rng())
    assert (found.units, found.left_out) == (6, 2)
    assert found.chi2 == whole.chi2
    assert np.array_equal(found.pairs.p, whole.pairs.p)


@pytest.mark.parametrize(
    ("scores", "note"),
    [
        (np.ones((4, 2)), FEW_ARMS),
        (np.ones((4, 1)), FEW_ARMS),
        (np.ones((4, 0)), FEW_ARMS),
        (np.ones((1, 4)), FEW_UNITS),
        (np.full((3, 4), np.nan), FEW_UNITS),
        (np.ones((4, 3)), ALL_TIED),
    ],
)
def test_what_cannot_be_ranked_says_why(scores: np.ndarray, note: str) -> None:
    found = ranked(scores, rng())
    assert found.note == note
    assert all(math.isnan(value) for value in (found.chi2, found.chi2_p, found.f, found.p, found.critical))
    assert len(found.cliques) <= 1, "nothing is told apart"


def test_agreement_of_all_units_is_not_certainty() -> None:
    found = ranked([[3, 2, 1], [3, 2, 1]], rng())
    assert math.isinf(found.f)
    assert math.isnan(found.f_p)
    assert found.p == pytest.approx(1 / 6)


@pytest.mark.parametrize("units", [1, 2, 3, 8, 13])
def test_pairs_are_the_sign_flip_test_of_each(units: int) -> None:
    scores = np.round(rng(units).normal(size=(units, 5)) + np.arange(5) * 0.7, 1)
    found = pairwise(scores, rng())
    columns = itertools.combinations(range(5), 2)
    expected = [sign_flip(scores[:, i] - scores[:, j], rng()).p for i, j in columns]
    assert found.p == pytest.approx(expected, abs=1e-12)
    assert found.holm == pytest.approx(holm(expected), abs=1e-12)
    assert found.difference == pytest.approx(
        [np.mean(scores[:, i] - scores[:, j]) for i, j in itertools.combinations(range(5), 2)]
    )


def test_twenty_units_are_exact_and_more_are_sampled() -> None:
    values = rng(1).normal(0.2, 1, (20, 3))
    exact = [sign_flip(column, rng()).p for column in values.T]
    assert sign_flips(values, rng()) == pytest.approx(exact, abs=1e-12)
    padded = np.concatenate([values, np.zeros((2, 3))])  # a zero changes no share of the patterns
    sampled = sign_flips(padded, rng(2))
    assert sampled == pytest.approx(exact, abs=0.012)
    assert np.array_equal(sampled, sign_flips(padded, rng(2)))
    assert sign_flips(np.ones((40, 1)), rng(), draws=999) == pytest.approx([1 / 1000])


def test_pairs_by_another_test_and_as_a_matrix() -> None:
    scores = rng(8).normal(size=(9, 3))
    found = pairwise(scores, rng(), test=lambda difference: wilcoxon(difference).p)
    assert found.p[1] == pytest.approx(wilcoxon(scores[:, 0] - scores[:, 2]).p)
    table = found.matrix(found.difference, diagonal=0, mirrored=-1)
    assert np.array_equal(table, -table.T)
    assert table[0, 2] == found.difference[1]
    with pytest.raises(InvalidRequest, match="one row a unit"):
        pairwise(np.ones(3), rng())


@given(st.integers(1, 7), st.data())
def test_cliques_by_brute_force(arms: int, data: st.DataObject) -> None:
    pairs = list(itertools.combinations(range(arms), 2))
    chosen = data.draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
    order = data.draw(st.permutations(range(arms)))
    joined = np.eye(arms, dtype=bool)
    for (i, j), together in zip(pairs, chosen, strict=True):
        joined[i, j] = joined[j, i] = together
    groups = [
        set(group)
        for size in range(2, arms + 1)
        for group in itertools.combinations(range(arms), size)
        if all(joined[i, j] for i, j in itertools.combinations(group, 2))
    ]
    maximal = {frozenset(group) for group in groups if not any(group < other for other in groups)}
    found = cliques(order, joined)
    assert {frozenset(group) for group in found} == maximal
    assert len(found) == len(maximal)
    place = {arm: i for i, arm in enumerate(order)}
    for group in found:
        assert [place[arm] for arm in group] == sorted(place[arm] for arm in group)
    assert [place[group[0]] for group in found] == sorted(place[group[0]] for group in found)


def test_cliques_of_a_clear_study_and_wrong_input() -> None:
    generator = rng(9)
    scores = generator.normal(0, 0.01, (12, 4)) + [0.0, 0.0, 0.2, 0.2]
    found = ranked(scores, generator)
    assert {frozenset(group) for group in found.cliques} == {frozenset({0, 1}), frozenset({2, 3})}
    with pytest.raises(InvalidRequest, match="one row and one column"):
        cliques((0, 1), np.ones((3, 3)))
    with pytest.raises(InvalidRequest, match="mirror it"):
        cliques((0, 1), [[1, 0], [1, 1]])
    with pytest.raises(InvalidRequest, match="2 arms and a unit"):
        nemenyi(1, 5)


@pytest.mark.slow
def test_family_wise_error_of_all_pairs() -> None:
    """Some arms differ: a pair of the others told apart is false (where Holm by a fixed level fails)."""
    generator, studies, false = rng(10), 1500, 0
    for _ in range(studies):
        scores = generator.normal(0, 0.01, (12, 6))
        scores[:, 0] += 0.1
        pairs = ranked(scores, generator, draws=10).pairs
        null = (pairs.first != 0) & (pairs.second != 0)
        false += bool((pairs.holm[null] <= 0.05).any())
    assert 0 < false <= 0.06 * studies
