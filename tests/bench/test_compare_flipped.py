"""The interval that belongs to the sign-flip test: by hand, by inverting the test, and what it covers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.compare import sign_flip_interval
from bench.compare.paired import sign_flip

NONE = np.random.default_rng(0)


def test_by_hand():
    # Six pairs have 63 subset means; one in 64 at each end is cut: the smallest and the largest value.
    assert sign_flip_interval([3.0, 1.0, 2.0, 6.0, 5.0, 4.0], NONE) == (1.0, 6.0)
    # Three pairs at 50 %: means 1, 2, 4, 1.5, 2.5, 3, 7/3; the second of either end.
    assert sign_flip_interval([1.0, 2.0, 4.0], NONE, 0.5) == (1.5, 3.0)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-1000, 1000), min_size=6, max_size=10, unique=True))
def test_it_is_what_the_test_does_not_reject(values):
    difference = np.asarray(values) / 100
    low, high = sign_flip_interval(difference, NONE)
    step = 1e-7
    for inside, outside in ((low + step, low - step), (high - step, high + step)):
        if low + 2 * step < high:
            assert sign_flip(difference - inside, NONE).p > 0.05
        assert sign_flip(difference - outside, NONE).p <= 0.05 + 1e-12


def test_it_covers_what_it_says_where_runs_collapse():
    generator = np.random.default_rng(1)
    hit = 0
    for _ in range(2000):
        collapsed = np.where(generator.random((2, 8)) < 0.2, -0.25, 0.0) + generator.normal(0, 0.012, (2, 8))
        low, high = sign_flip_interval(collapsed[0] - collapsed[1], generator)
        hit += low <= 0 <= high
    assert hit / 2000 == pytest.approx(1 - 6 / 128, abs=3 * math.sqrt(0.953 * 0.047 / 2000))


def test_random_subsets_give_nearly_the_same(monkeypatch):
    values = np.random.default_rng(2).normal(0.3, 1.0, 16)
    exact = sign_flip_interval(values, NONE)
    monkeypatch.setattr("bench.compare.flipped.EXACT_PAIRS", 0)
    sampled = sign_flip_interval(values, np.random.default_rng(3))
    assert sampled != exact and sampled == pytest.approx(exact, abs=0.08)


def test_too_few_and_odd():
    for values in ([], [1.0], [1.0, 2.0, 3.0, 4.0, 5.0], [math.nan] * 9, [2.0] * 8):
        assert all(map(math.isnan, sign_flip_interval(values, NONE)))
    whole = [1.0, 2.0, 3.0, 4.0, 5.0, 7.0]
    assert sign_flip_interval([*whole, math.nan], NONE) == sign_flip_interval(whole, NONE)
