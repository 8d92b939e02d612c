"""Alarms against episodes: by hand, and against a plain reading of the definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.warning import Judged, Watch, by_chance, judge, measured, stretches

HORIZON = 300.0


def watch(spans, episodes, counted=None):
    """Return a watch of spans (first, last) and episodes (stretch, onset, end)."""
    first, last = np.array(spans, dtype=float).T
    stretch, onset, end = np.array(episodes, dtype=float).reshape(-1, 3).T
    stretch = stretch.astype(int)
    if counted is None:
        counted = (onset >= first[stretch] + HORIZON) & (onset <= last[stretch])
    return Watch(first, last, stretch, onset, end, np.asarray(counted, dtype=bool), HORIZON)


def at(times, length=100, step=30.0):
    """Return alarms raised at multiples of a step, and when scores are known."""
    known = step * np.arange(length)
    return np.isin(known, times)[None, None], known[None]


@pytest.mark.parametrize(
    ("times", "alarms", "false", "seconds"),
    [
        ([], 0, 0, math.nan),
        ([750], 1, 0, 150),
        ([600], 1, 0, 300),  # exactly the horizon
        ([570], 1, 1, math.nan),  # one step too early
        ([900], 1, 0, 0),  # at the onset: caught and not warned
        ([990], 1, 0, -90),
        ([1170], 1, 0, -270),
        ([1200], 1, 1, math.nan),  # at the end the episode is over
        ([630, 720, 930], 3, 0, 270),  # the first decides
        ([570, 990], 2, 1, -90),
    ],
)
def test_one_episode_by_hand(times, alarms, false, seconds):
    """An episode from 900 to 1200 s, watched from 0 to 2400 s."""
    found = judge(*at(times), watch([(0, 2400)], [(0, 900, 1200)]))
    assert (found.alarms[0, 0], found.false[0, 0]) == (alarms, false)
    np.testing.assert_array_equal(found.seconds, [[seconds]])


def test_borders():
    """Watched from 300 to 1800 s: what cannot be judged is held against nobody."""
    # The first begins too early to have been warned of, the last after the watch.
    seen = watch([(300, 1800)], [(0, 500, 560), (0, 1000, 1100), (0, 1950, 2100)])
    assert seen.counted.tolist() == [False, True, False]
    found = judge(*at([210, 510, 1680, 1860]), seen)
    # Before the watch; in an uncounted episode; less than a horizon before another; after the watch.
    assert (found.alarms[0, 0], found.false[0, 0]) == (2, 0)
    assert np.isnan(found.seconds).all()
    assert seen.hours.tolist() == [1500 / 3600]


def test_one_alarm_may_meet_two_episodes_nearer_than_the_horizon():
    found = judge(*at([1020]), watch([(0, 2400)], [(0, 900, 1080), (0, 1200, 1500)]))
    np.testing.assert_array_equal(found.seconds, [[-120, 180]])
    assert found.false.sum() == 0


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6))
def test_many_rules_and_stretches_are_a_plain_reading(seed: int):
    generator = np.random.default_rng(seed)
    known = np.cumsum(generator.integers(5, 60, (3, 60)), axis=1).astype(float)
    known[1, 40:] = np.inf  # a shorter stretch
    raise_at = generator.random((4, 3, 60)) < 0.1
    raise_at[:, 1, 40:] = False
    episodes = []
    for s in range(3):
        edges = np.sort(generator.choice(2000, 6, replace=False))
        episodes += [(s, *edges[i : i + 2]) for i in (0, 2, 4)]
    seen = watch([(100, 1500), (0, 900), (50, 1200)], episodes)
    found = judge(raise_at, known, seen)
    for rule in range(4):
        moments = [known[s][raise_at[rule, s]].tolist() for s in range(3)]
        for s in range(3):
            own = [e for e in zip(seen.stretch, seen.onset, seen.end, strict=True) if e[0] == s]
            inside = [t for t in moments[s] if seen.first[s] <= t <= seen.last[s]]
            false = [t for t in inside if not any(o - HORIZON <= t < e for _, o, e in own)]
            assert (found.alarms[rule, s], found.false[rule, s]) == (len(inside), len(false))
        expected = []
        for s, onset, end in np.array(episodes)[seen.counted]:
            met = [t for t in moments[int(s)] if onset - HORIZON <= t < end]
            expected.append(onset - min(met) if met else math.nan)
        np.testing.assert_array_equal(found.seconds[rule], expected)


def test_measures_by_hand():
    nan = math.nan
    judged = Judged(np.array([[4, 2]]), np.array([[2, 1]]), np.array([[200.0, 100.0, -40.0, nan, 0.0]]))
    found = measured(judged, np.array([1.5, 0.5]), video=np.array([-30.0, -50.0, -60.0, -10.0, nan]))
    assert found == {
        "episodes_warned": 0.4,
        "episodes_caught": 0.8,
        "warning_seconds": 50.0,
        "false_alarms_per_hour": 1.5,
        "earlier_than_video": 150.0,
    }


def test_nothing_to_measure_is_nan_and_not_zero():
    none = Judged(np.zeros((1, 1), dtype=int), np.zeros((1, 1), dtype=int), np.empty((1, 0)))
    assert all(math.isnan(value) for value in measured(none, np.zeros(1)).values())
    silent = Judged(np.zeros((1, 1), dtype=int), np.zeros((1, 1), dtype=int), np.full((1, 3), math.nan))
    found = measured(silent, np.ones(1))
    assert (found["episodes_warned"], found["false_alarms_per_hour"]) == (0.0, 0.0)
    assert math.isnan(found["warning_seconds"])


def test_chance_is_that_of_alarms_thrown_at_random():
    seen = watch([(0, 3600), (0, 7200)], [(0, 1000, 1100), (0, 3000, 3100), (1, 2000, 2500)])
    alarms = np.array([3, 5])
    found = by_chance(alarms, seen.stretch[seen.counted], seen)
    generator = np.random.default_rng(0)
    hits = []
    for _ in range(4000):
        thrown = [generator.uniform(0, seen.last[s], alarms[s]) for s in (0, 1)]
        hits.append(
            np.mean([
                bool(((thrown[s] >= o - HORIZON) & (thrown[s] < o)).any())
                for s, o in zip(seen.stretch, seen.onset, strict=True)
            ])
        )  # fmt: skip
    assert found == pytest.approx(np.mean(hits), abs=0.02)
    assert math.isnan(by_chance(alarms, np.array([], dtype=int), seen))


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=40), st.integers(0, 4))
def test_stretches_cover_what_is_on_and_are_apart(on, merge):
    found = stretches(np.array(on, dtype=bool), 7.0, 2.0, 2.0 * merge)
    covered = np.zeros(len(on), dtype=bool)
    for begin, end in found:
        covered[int((begin - 7) / 2) : int((end - 7) / 2)] = True
    assert (covered | ~np.array(on, dtype=bool)).all()
    assert (found[1:, 0] - found[:-1, 1] >= max(2.0 * merge, 2.0)).all()
    if merge <= 1:
        assert covered.tolist() == on
