"""The sequential sign-flip rule against enumeration, published boundaries and its own promises."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from bench.compare import Look, Sequential, sign_flip
from models.errors import InvalidRequest


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def flips(values: np.ndarray) -> np.ndarray:
    return np.array(list(itertools.product((1, -1), repeat=values.size))) * values


def slowly(plan: Sequential, values: np.ndarray) -> tuple[int, bool]:
    """The rule by its definition: every pattern a path, rejections counted one by one."""
    sizes, seen = np.abs(values), tuple(np.where(values < 0, -1, 1))
    gone: set[tuple[int, ...]] = set()  # rejecting patterns, by their signs at the look

    def far(signs: tuple[int, ...]) -> float:
        return round(float(abs(np.dot(signs, sizes[: len(signs)]))), 9)

    for n in (n for n in plan.looks if n <= values.size):
        patterns = list(itertools.product((1, -1), repeat=n))
        gone = {p for p in patterns if any(p[: len(g)] == g for g in gone)}
        room = math.floor(plan.spent(n) * len(patterns) + 1e-9) - len(gone)
        left = sorted((p for p in patterns if p not in gone), key=far, reverse=True)
        for _, group in itertools.groupby(left, key=far):
            tied = list(group)
            if len(tied) > room:
                break
            gone.update(tied)
            room -= len(tied)
        if seen[:n] in gone:
            return n, True
        last = n
    return last, False


def test_published_spending_and_boundaries() -> None:
    """Five equal looks at two-sided .05: 4.8769, 3.3569, 2.6803, 2.2898, 2.0310 (Reboussin et al. 2000)."""
    plan = Sequential((4, 8, 12, 16, 20))
    share = np.arange(1, 6) / 5
    covariance = np.sqrt(np.minimum.outer(share, share) / np.maximum.outer(share, share))
    bounds = np.array([4.8769, 3.3569, 2.6803, 2.2898, 2.0310])
    assert plan.spent(4) == pytest.approx(2 * stats.norm.sf(4.8769), rel=1e-3)
    for k in range(2, 6):
        inside = stats.multivariate_normal.cdf(
            bounds[:k], cov=covariance[:k, :k], lower_limit=-bounds[:k], abseps=1e-7, rng=0
        )
        assert plan.spent(4 * k) == pytest.approx(1 - inside, abs=2e-5)
    assert plan.spent(20) == pytest.approx(0.05, abs=1e-12)
    assert plan.spent(40) == plan.spent(20)
    assert plan.spent(20, 0.01) == pytest.approx(0.01, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("tied", [False, True])
def test_decisions_are_those_of_the_definition(seed: int, tied: bool) -> None:
    generator = rng(seed)
    size = np.round(generator.gamma(1, 2, 8)) if tied else generator.gamma(1, 2, 8)
    for plan in (Sequential((4, 6, 8), 0.3), Sequential((3, 5, 7, 8), 0.2)):
        rows = flips(size)[generator.permutation(256)[:25]]
        for row in [size, -size, *rows]:
            look = plan.decide(row)
            assert (look.n, look.reject) == slowly(plan, row)


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("kind", ["normal", "collapses", "tied", "one size"])
def test_the_level_holds_over_all_signs_of_any_differences(alpha: float, kind: str) -> None:
    """Given the sizes, the share of sign patterns that reject is at most the level spent, look by look."""
    size = {
        "normal": rng(1).normal(0, 1, 10),
        "collapses": np.where(rng(2).random(10) < 0.3, 0.25, rng(2).normal(0, 0.01, 10)),
        "tied": np.repeat([0.0, 0.01, 0.02], [2, 4, 4]),
        "one size": np.ones(10),
    }[kind]
    plan = Sequential((4, 6, 8, 10), alpha)
    looks = [plan.decide(row) for row in flips(size)]
    for n in plan.looks:
        assert np.mean([look.reject and look.n <= n for look in looks]) <= plan.spent(n) + 1e-12
    if kind == "normal":
        assert sum(look.reject for look in looks) >= alpha * 1024 - 2, "nothing is wasted but the last pair"


def test_by_hand() -> None:
    # 12 pairs of one sign: at 8 of them 4 (1 - Phi(2.2414 / sqrt(2 / 3))) = .0121 is spent, which pays for
    # the 2 of 256 patterns without a difference of sign; the .0031 at 6 does not pay for 2 of 64
    plan = Sequential((4, 6, 8, 12))
    assert plan.earliest() == 8
    assert plan.spent(8) == pytest.approx(0.0121, abs=5e-5)
    assert plan.decide(np.arange(1.0, 5)) == Look(4, 0.0, 2 / 16, False, False)
    assert plan.decide(np.arange(1.0, 7)) == Look(6, 0.0, 2 / 64, False, False)
    assert plan.decide(np.arange(1.0, 9)) == Look(8, 2 / 256, 2 / 256, True, True)
    assert plan.earliest(5) == 12
    assert Sequential((8, 10, 12)).earliest(5) == 10
    assert Sequential((4, 6)).earliest(5) is None


def test_what_was_found_stays_found_and_pairs_between_looks_wait() -> None:
    plan = Sequential((4, 6, 8, 12))
    found = plan.decide(np.append(np.arange(1.0, 9), -100 * np.ones(4)))
    assert (found.n, found.stop, found.reject) == (8, True, True)
    waiting = plan.decide([1.0, -1.0, 2.0, -2.0, 3.0])
    assert (waiting.n, waiting.stop) == (4, False)
    end = plan.decide([1.0, -1.1, 2.0, -2.1] * 3)
    assert (end.n, end.stop, end.reject) == (12, True, False)
    assert end.p == sign_flip([1.0, -1.1, 2.0, -2.1] * 3, rng()).p > end.boundary > 0


def test_p_and_boundary_say_the_same_as_reject() -> None:
    generator, plan = rng(5), Sequential((6, 8, 10, 12), 0.1)
    seen = set()
    for _ in range(200):
        look = plan.decide(generator.normal(0.8, 1, int(generator.integers(6, 13))))
        assert (look.p <= look.boundary) == look.reject
        assert look.stop == (look.reject or look.n == 12)
        seen.add(look.reject)
    assert seen == {True, False}


def test_signs_and_units_do_not_matter() -> None:
    values, plan = rng(6).normal(1, 1, 12), Sequential((4, 8, 12))
    assert plan.decide(values) == plan.decide(-values) == plan.decide(1e-3 * values)


def test_odd_inputs() -> None:
    plan = Sequential((4, 8))
    early = plan.decide([0.1, math.nan, 0.2])
    assert (early.n, early.stop, early.reject) == (2, False, False)
    assert math.isnan(early.p)
    assert plan.decide([]).n == 0
    nothing = plan.decide(np.zeros(8))
    assert (nothing.p, nothing.stop, nothing.reject) == (1.0, True, False)
    assert plan.family([]) == ()
    for looks in ((), (4, 4), (8, 4), (1, 4), (4, 21)):
        with pytest.raises(InvalidRequest, match="ascending numbers of pairs"):
            Sequential(looks)
    with pytest.raises(InvalidRequest, match="between 0 and 1"):
        Sequential((4, 8), alpha=1.0)


def test_a_family_of_one_is_the_plan_and_holm_steps_down() -> None:
    plan = Sequential((8, 10, 12))
    values = rng(7).normal(1.0, 1, 12)
    assert plan.family([values]) == (plan.decide(values),)
    # sure: all signs equal, found at 10 at .05 / 2. Then the second has all of .05, which it needs
    sure = np.linspace(1, 2, 12)
    unsure = np.linspace(1, 2, 12) * np.where(np.isin(np.arange(12), (0, 1, 4)), -1, 1)
    alone = sign_flip(unsure, rng()).p
    assert 0.025 / 2 < alone < 0.05
    assert not Sequential((8, 10, 12), 0.05 / 3).decide(unsure).reject
    assert plan.decide(unsure).reject
    three = plan.family([unsure, sure, sure])
    assert [look.reject for look in three] == [True, True, True]
    assert [look.n for look in three] == [12, 10, 10]
    lone = plan.family([unsure, np.zeros(12), np.zeros(12)])
    assert [look.reject for look in lone] == [False, False, False]


def test_a_larger_family_is_never_easier() -> None:
    generator, plan = rng(8), Sequential((8, 10, 12))
    changed = 0
    for _ in range(60):
        arms = list(generator.normal(1.0, 1, (3, 12)))
        few, more = plan.family(arms), plan.family([*arms, generator.normal(0, 1, 12)])
        assert all(a.reject >= b.reject for a, b in zip(few, more, strict=False))
        changed += [look.reject for look in few] != [look.reject for look in more[:3]]
    assert changed


def test_expected_seeds_fall_as_the_effect_grows() -> None:
    plan = Sequential((8, 10, 12))
    found = [plan.expected(effect, rng(9), studies=150) for effect in (0.0, 1.0, 2.0)]
    assert [each.power for each in found] == sorted(each.power for each in found)
    assert [each.seeds for each in found] == sorted((each.seeds for each in found), reverse=True)
    assert found[2].seeds < 10
    assert plan.expected(1.0, rng(9), studies=150) == found[1]
    assert plan.expected(1.0, rng(9), studies=150, family=5).power < found[1].power
