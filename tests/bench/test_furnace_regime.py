import numpy as np
import pytest

from bench.data.furnace.chain import chain
from bench.data.furnace.process import hold, recursion, wander
from bench.data.furnace.regime import lead_law, simulate
from bench.data.furnace.world import WORLDS

STD = WORLDS["std"]


@pytest.fixture(scope="module")
def course():
    return simulate(STD, 400_000, np.random.default_rng(1))


def runs(flags):
    """Lengths of the inner runs of ones and of zeros."""
    edges = np.flatnonzero(np.diff(flags)) + 1
    lengths, first = np.diff(edges), flags[edges[0]]
    return lengths[1 - first :: 2], lengths[first::2]


def test_recursion_equals_the_loop_it_stands_for():
    rng = np.random.default_rng(0)
    decay, drive = rng.uniform(0, 0.99, 50), rng.standard_normal((50, 3))
    expected, now = [], np.zeros(3)
    for a, e in zip(decay, drive, strict=True):
        now = a * now + e
        expected.append(now)
    np.testing.assert_allclose(recursion(decay, drive), expected, atol=1e-12)


def test_wander_is_stationary_with_unit_variance_and_its_time():
    paths = wander(np.random.default_rng(0), (400, 4000), 2.0, 20.0)
    np.testing.assert_allclose(paths[[0, 200, 399]].var(axis=1), 1, atol=0.1)
    assert (paths[100] * paths[110]).mean() == pytest.approx(np.exp(-1), abs=0.06)


def test_hold_keeps_the_latest_draw():
    redrawn = np.array([False, False, True, False, True])
    assert hold(redrawn, np.arange(5)).tolist() == [0, 0, 2, 2, 4]


def test_dwell_times_and_base_rate_follow_the_stages(course):
    abnormal, normal = runs(course.abnormal)
    for lengths, mean, stages in ((normal, 600, 3), (abnormal, 420, 4)):
        error = mean / np.sqrt(stages * len(lengths))
        # A geometric stage is half a step longer than the exponential one it stands for.
        assert lengths.mean() * STD.step == pytest.approx(mean + stages * STD.step / 2, abs=4 * error)
        assert lengths.std() / lengths.mean() == pytest.approx(stages**-0.5, abs=0.06)
    assert course.abnormal.mean() == pytest.approx(420 / 1020, abs=0.02)
    assert course.visible.mean() == pytest.approx(course.abnormal.mean(), abs=0.01)


def test_levels_follow_the_law_of_their_regime_and_their_time(course):
    for regime, law in ((0, STD.level_normal), (1, STD.level_abnormal)):
        found = np.bincount(course.level[course.abnormal == regime], minlength=3)
        np.testing.assert_allclose(found / found.sum(), law, atol=0.015)
    inside = (course.abnormal[1:] == 0) & (course.abnormal[:-1] == 0) & (course.level[:-1] == 2)
    stayed = (course.level[1:] == 2)[inside].mean()
    stay = np.exp(-STD.step / STD.level_time)
    assert stayed == pytest.approx(stay + (1 - stay) * STD.level_normal[2], abs=0.004)


def test_every_episode_becomes_visible_after_its_own_lead(course):
    assert course.leads.min() >= 180 and course.leads.max() <= 300
    assert course.leads.mean() == pytest.approx(240, abs=4 * 25 / np.sqrt(len(course.leads)))
    assert course.leads.std() == pytest.approx(24.4, abs=1.5)
    starts = np.flatnonzero(np.diff(course.abnormal, prepend=0) == 1)
    expected = np.zeros_like(course.visible)
    for start, lead in zip(starts, course.leads, strict=True):
        shift = round(lead / STD.step)
        moment = start
        while moment < len(expected) and course.abnormal[moment]:
            if moment + shift < len(expected):
                expected[moment + shift] = 1
            moment += 1
    np.testing.assert_array_equal(course.visible, expected)


def test_lead_law_is_the_law_the_leads_are_drawn_from(course):
    steps, mass = lead_law(STD)
    assert steps[0] * STD.step == 180 and steps[-1] * STD.step == 300
    assert mass.sum() == pytest.approx(1)
    found = np.array([(course.leads == step * STD.step).mean() for step in steps])
    assert np.abs(np.cumsum(found) - np.cumsum(mass)).max() < 1.63 / np.sqrt(len(course.leads))


def test_chain_is_the_law_of_the_simulated_course(course):
    links = chain(STD)
    np.testing.assert_allclose(links.transition.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(links.stationary @ links.transition, links.stationary, atol=1e-12)
    np.testing.assert_allclose(links.reverse.sum(axis=1), 1, atol=1e-12)
    state = course.stage * 3 + course.level
    count = np.zeros_like(links.transition)
    np.add.at(count, (state[:-1], state[1:]), 1)
    visits = count.sum(axis=1, keepdims=True)
    error = np.sqrt(links.transition * (1 - links.transition) / visits)
    # 441 cells: 5 standard errors, and one count for the cells that are almost never seen.
    assert (np.abs(count / visits - links.transition) <= 5 * error + 1 / visits).all()
    assert ((count > 0) <= (links.transition > 0)).all()


def test_every_stage_can_be_the_first():
    firsts = [simulate(STD, 1, np.random.default_rng(i)).stage[0] for i in range(600)]
    share = np.bincount(firsts, minlength=7) / 600
    np.testing.assert_allclose(share, chain(STD).stationary.reshape(7, 3).sum(axis=1), atol=0.08)


def test_what_is_visible_at_second_zero_was_there_before():
    visible = [simulate(STD, 1, np.random.default_rng(i)).visible[STD.preroll] for i in range(600)]
    assert np.mean(visible) == pytest.approx(420 / 1020, abs=4 * np.sqrt(0.24 / 600))
