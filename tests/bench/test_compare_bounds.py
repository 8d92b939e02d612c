"""Bounds over missing pairs, by hand and by brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.compare import paired_difference, verdict, worst_case
from models.errors import InvalidRequest

CLEAR = [0.05, 0.04, 0.06, 0.05, 0.055, 0.045, 0.05, 0.052]


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_by_hand() -> None:
    found = worst_case([0.1, 0.3, np.nan], 2, rng())
    assert (found.pairs, found.missing) == (2, 2)
    assert (found.low, found.high) == pytest.approx(((0.4 - 2) / 4, (0.4 + 2) / 4))
    assert (found.plausible_low, found.plausible_high) == pytest.approx((0.15, 0.25))
    assert not found.firm
    assert found.words is None
    # The control's scores on the missing units are known: .6 and .8.
    tight = worst_case([0.1, 0.3], 2, rng(), low=[-0.6, -0.8], high=[0.4, 0.2])
    assert (tight.low, tight.high) == pytest.approx((-1.0 / 4, 1.0 / 4))


def test_nothing_missing_changes_nothing() -> None:
    found = worst_case(CLEAR, 0, rng(), rope=0.01)
    mean = pytest.approx(np.mean(CLEAR))
    assert found.low == found.high == found.plausible_low == found.plausible_high == mean
    assert found.firm
    assert found.keeps("better")
    assert found.plausibly_keeps("better")


def test_words_of_the_filled_studies() -> None:
    found = worst_case(CLEAR, 1, rng(), low=-0.9, high=0.1, rope=0.01)
    assert found.words == ("undecided", "better")
    assert not found.keeps("better")
    assert found.plausibly_keeps("better")
    # eight pairs are enough alone and not as the first of twenty comparisons
    assert worst_case(CLEAR, 0, rng(), rope=0.01, factor=20).words == ("undecided", "undecided")
    filled = paired_difference([*CLEAR, -0.02], np.zeros(9), rng())
    word = verdict(filled, filled.sign_flip.p, 0.01).word
    assert worst_case(CLEAR, 1, rng(), low=-0.02, high=-0.02, rope=0.01).words == (word, word)


@given(
    st.lists(st.floats(-1, 1), max_size=5),
    st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), max_size=3),
)
def test_no_completion_leaves_the_bounds(seen: list[float], limits: list[tuple[float, float]]) -> None:
    low, high = ([end(pair) for pair in limits] for end in (min, max))
    found = worst_case(seen, len(limits), rng(), low, high)
    for filled in itertools.product(*zip(low, high, strict=True)):
        values = [*seen, *filled]
        if values:
            assert found.low - 1e-12 <= np.mean(values) <= found.high + 1e-12
    if seen and limits:
        assert found.plausible_low <= np.mean(seen) + 1e-12
        assert np.mean(seen) <= found.plausible_high + 1e-12


def test_no_pair_at_all() -> None:
    none = worst_case([], 3, rng(), rope=0.01)
    assert (none.low, none.high) == (-1, 1)
    assert math.isnan(none.plausible_low)
    assert none.plausible_words == ("undecided", "undecided")
    empty = worst_case([], 0, rng(), rope=0.01)
    assert math.isnan(empty.low)
    assert not empty.firm


def test_limits_must_fit() -> None:
    with pytest.raises(InvalidRequest, match="count the planned units"):
        worst_case([0.1], 2, rng(), low=[-1.0])
    with pytest.raises(InvalidRequest, match="count the planned units"):
        worst_case([0.1], -1, rng())
    with pytest.raises(InvalidRequest, match="swap them"):
        worst_case([0.1], 1, rng(), low=0.5, high=0.2)
