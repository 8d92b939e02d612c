"""From scores to alarms: by hand, and against a rule applied step by step."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.warning import Rules, alarms, choose, family, judge, raised, ranked
from bench.warning.choice import OF


def rules(*rows: tuple[float, float, int, int, float]) -> Rules:
    threshold, clear, k, n, refractory = np.array(rows, dtype=float).T
    return Rules(threshold, clear, k.astype(int), n.astype(int), refractory)


def one_by_one(
    rule: tuple[float, float, int, int, float], score: list[float], known: list[float]
) -> list[bool]:
    """The rule as its documentation tells it, for one stretch."""
    threshold, clear, k, n, refractory = rule
    on, silent_until, states = False, -math.inf, []
    for i, now in enumerate(known):
        last = score[max(0, i - n + 1) : i + 1]
        if on:
            if sum(value >= clear for value in last) < k:
                on, silent_until = False, now + refractory
        elif sum(value >= threshold for value in last) >= k and now >= silent_until:
            on = True
        states.append(on)
    return states


@pytest.mark.parametrize(
    ("rule", "score", "expected"),
    [
        ((0.5, 0.5, 1, 1, 0), [0.1, 0.5, 0.9, 0.2, 0.6], "01101"),
        ((0.5, 0.5, 2, 3, 0), [0.9, 0.1, 0.9, 0.1, 0.1], "00100"),
        # Hysteresis: 0.4 is too little to raise and enough to hold.
        ((0.5, 0.3, 1, 1, 0), [0.4, 0.6, 0.4, 0.2, 0.4], "01100"),
        # Over at 20 s and silent before 55 s: the score at 50 s comes too early, that at 60 s does not.
        ((0.5, 0.5, 1, 1, 35), [0.0, 0.9, 0.0, 0.0, 0.0, 0.9, 0.9], "0100001"),
        # Two of the first two are enough though n is four; fewer are not.
        ((0.5, 0.5, 2, 4, 0), [0.9, 0.9, 0.1, 0.1, 0.1], "01110"),
        ((0.5, 0.5, 2, 4, 0), [0.9, float("nan"), 0.9, 0.1, 0.1], "00110"),
        ((math.inf, math.inf, 1, 1, 0), [1.0, 1.0, 1.0], "000"),
    ],
)
def test_by_hand(rule, score, expected):
    known = 10.0 * np.arange(len(score))
    on = alarms(rules(rule), np.array([score]), known[None])
    assert "".join("01"[int(state)] for state in on[0, 0]) == expected


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6))
def test_all_rules_at_once_are_each_rule_one_by_one(seed: int):
    generator = np.random.default_rng(seed)
    steps, stretches = int(generator.integers(1, 30)), int(generator.integers(1, 4))
    score = generator.random((stretches, steps)).round(1)
    score[generator.random(score.shape) < 0.05] = np.nan
    known = np.cumsum(generator.integers(1, 60, score.shape), axis=1).astype(float)
    drawn = []
    for _ in range(12):
        high = generator.random().__round__(1)
        n = int(generator.integers(1, 8))
        k = int(generator.integers(1, n + 1))
        drawn.append((high, high - generator.choice([0.0, 0.3]), k, n, float(generator.choice([0, 30, 200]))))
    on = alarms(rules(*drawn), score, known)
    for i, rule in enumerate(drawn):
        for s in range(stretches):
            assert on[i, s].tolist() == one_by_one(rule, score[s].tolist(), known[s].tolist())


def test_an_alarm_that_stays_on_is_raised_once():
    on = np.array([[[1, 1, 0, 1, 1, 1]]], dtype=bool)
    assert raised(on)[0, 0].tolist() == [True, False, False, True, False, False]


def test_the_family_holds_a_silent_rule_first_and_no_rule_twice():
    tried = family(np.array([[0.1, 0.1, 0.9, np.nan]]))  # two values: most quantiles fall together
    assert math.isinf(tried.threshold[0]) and np.isfinite(tried.threshold[1:]).all()
    assert len(np.unique(tried.table, axis=0)) == len(tried)
    assert (tried.clear <= tried.threshold).all() and (tried.k <= tried.n).all()
    assert len(family(np.random.default_rng(0).random(500))) > 10 * len(OF)


def test_ranks_are_shares_of_validation_scores():
    found = ranked(np.array([0.0, 0.2, 0.5, 9.0, np.nan]), np.array([0.1, 0.2, 0.3, 0.4, np.nan]))
    np.testing.assert_array_equal(found, [0, 0.5, 1, 1, np.nan])


def test_the_choice_is_the_best_within_the_budget():
    from bench.warning import Judged

    nan = np.nan
    hours = np.array([2.0, 2.0])
    judged = Judged(
        alarms=np.array([[0, 0], [4, 4], [4, 4], [4, 4], [4, 4]]),
        false=np.array([[0, 0], [1, 2], [1, 1], [3, 2], [1, 1]]),
        seconds=np.array(
            [[nan] * 4, [100, 100, -5, nan], [120, 100, -5, nan], [200, 200, 200, 200], [100, 120, -50, -60]]
        ),
    )
    # Of four hours, with one more false alarm than seen: rule 3 has 1.5 an hour. Rules 2 and 4 give 220 s of
    # warning, and rule 2 has the larger median.
    assert choose(judged, hours, 1.0, 300, early=True) == 2
    assert choose(judged, hours, 1.5, 300, early=True) == 3
    assert choose(judged, hours, 1.49, 300, early=True) == 2
    assert choose(judged, hours, 0.74, 300, early=True) == 0
    # As many seconds: fewer false alarms, then the larger median, decide.
    tied = np.array([[nan] * 4, [50, 50, 50, nan], [20, 60, 70, nan], [20, 60, 70, nan]])
    false = np.array([[0, 0], [1, 0], [1, 1], [1, 0]])
    assert choose(Judged(judged.alarms[:4], false, tied), hours, 1.0, 300, early=True) == 3
    # What cannot be early is judged by how soon it catches what shows: two at once, not two a minute late.
    late = Judged(
        judged.alarms[:3], judged.false[:3], np.array([[90, 90, nan], [-60, -60, nan], [-5, -5, nan]])
    )
    assert choose(late, hours, 1.0, 300, early=False) == 2
    assert choose(late, hours, 1.0, 300, early=True) == 0


def test_a_perfect_score_is_chosen_a_perfect_rule():
    """Onsets known without error, 200 s ahead: every one warned of, none falsely."""
    from test_warning_judging import watch

    known = 30.0 * np.arange(200)[None]
    episodes = [(1000.0, 1300.0), (2500.0, 2900.0), (4200.0, 4600.0)]
    seen = watch([(0.0, 5500.0)], [(0, *each) for each in episodes])
    score = np.zeros(known.shape)
    for onset, end in episodes:
        score[(known >= onset - 200) & (known < end - 200)] = 1.0
    tried = family(score)
    judged = judge(raised(alarms(tried, score, known)), known, seen)
    best = choose(judged, seen.hours, 1.0, 300, early=True)
    assert judged.false[best].sum() == 0
    # Known every 30 s: the first score at or after 200 s ahead.
    np.testing.assert_array_equal(judged.seconds[best], [190.0, 190.0, 180.0])
