"""Scores are shares of windows: equal gains are equal and tied sums tie, whatever their binary fractions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from bench.compare import (
    delong,
    differences,
    hodges_lehmann,
    improvement,
    paired_difference,
    pairwise,
    sign_flip_interval,
    verdict,
    wilcoxon,
)


def counts(windows: int, seed: int, units: int = 8, most: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return right answers of a baseline and of an arm, a few windows apart."""
    generator = np.random.default_rng([windows, seed])
    base = generator.integers(windows // 2, windows, units)
    return base, base + generator.integers(-most, most + 1, units)


def by_hand(gains: np.ndarray) -> float:
    """The sign-flip p of whole numbers, which have no rounding."""
    signs = np.array(list(itertools.product((-1, 1), repeat=gains.size)))
    return float(np.mean(np.abs(signs @ gains) >= abs(gains.sum())))


@pytest.mark.parametrize("windows", [8760, 30_000, 200_000])
def test_p_values_are_those_of_the_counts(windows: int) -> None:
    for seed in range(40):
        base, arm = counts(windows, seed)
        gaps = differences(arm / windows, base / windows)
        generator = np.random.default_rng(0)
        found = paired_difference(arm / windows, base / windows, generator)
        assert found.sign_flip.p == by_hand(arm - base)
        assert wilcoxon(gaps).p == wilcoxon(arm - base).p
        table = np.column_stack([arm, base]) / windows
        assert pairwise(table, generator).p.tolist() == pytest.approx([found.sign_flip.p], abs=1e-12)


@pytest.mark.parametrize("windows", [8760, 10_000, 30_000])
@pytest.mark.parametrize("more", [1, -3])
def test_one_more_window_on_every_unit_is_one_number(windows: int, more: int) -> None:
    for seed in range(40):
        base, _ = counts(windows, seed)
        found = paired_difference((base + more) / windows, base / windows, np.random.default_rng(0))
        assert found.sd == 0
        assert math.isnan(found.d_z)
        assert found.mean == pytest.approx(more / windows, rel=1e-6)


def test_a_constant_difference_is_judged_by_the_rope() -> None:
    base = np.random.default_rng(0).uniform(0.6, 0.9, 8)
    for gain, word in ((0.001, "equivalent"), (-0.009, "equivalent"), (0.02, "better"), (-0.02, "worse")):
        found = paired_difference(base + gain, base, np.random.default_rng(0))
        told = verdict(found, found.sign_flip.p, 0.01)
        assert told.word == word
        assert told.note == "all 8 differences are equal: no interval exists"
    two = paired_difference(base[:2] + 0.02, base[:2], np.random.default_rng(0))
    assert verdict(two, two.sign_flip.p, 0.01).word == "undecided"


def test_equal_differences_have_no_interval_of_any_kind() -> None:
    same = np.full(8, 0.001)
    assert all(map(math.isnan, sign_flip_interval(same, np.random.default_rng(0))))
    centre, low, high = hodges_lehmann(same)
    assert centre == 0.001
    assert math.isnan(low)
    assert math.isnan(high)


@pytest.mark.parametrize("paired", [True, False])
def test_rounding_is_no_win(paired: bool) -> None:
    world = np.column_stack([np.full(4, 0.1 + 0.2), np.full(4, 0.3)])
    assert world[0, 0] != world[0, 1]
    found = improvement([world] * 3, 0, 1, np.random.default_rng(0), paired)
    assert found.value == 0.5


def test_the_interval_and_the_test_agree_about_zero_up_to_twenty_pairs() -> None:
    generator = np.random.default_rng(7)
    for _ in range(12):
        gaps = generator.normal(0.5, 1, 19)
        found = paired_difference(gaps, np.zeros(19), generator)
        low, high = sign_flip_interval(gaps, generator)
        assert (found.sign_flip.p <= 0.05) == (not low <= 0 <= high)


def test_a_sample_without_a_label_is_left_out() -> None:
    scores = np.array([2.0, 3, 9, 0, 1])
    assert delong([1, 1, math.nan, 0, 0], scores, scores).first == 1.0
