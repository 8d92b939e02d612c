"""Aggregates over worlds against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bench.compare import improvement, iqm, iqm_difference, profile
from models.errors import InvalidRequest


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def worlds(seed: int = 0, sizes: tuple[int, ...] = (6, 6, 6, 6), arms: int = 3) -> list[np.ndarray]:
    generator = rng(seed)
    return [np.round(generator.normal(size=(n, arms)) + np.arange(arms) * 0.5, 1) for n in sizes]


def test_improvement_by_its_definitions() -> None:
    data = worlds(1)
    wins = [np.mean((w[:, 2] > w[:, 0]) + 0.5 * (w[:, 2] == w[:, 0])) for w in data]
    assert improvement(data, 2, 0, rng()).value == pytest.approx(np.mean(wins), abs=1e-12)
    # Agarwal et al. (2021): every run of one meets every run of the other, Mann-Whitney over pairs.
    mann_whitney = [stats.mannwhitneyu(w[:, 2], w[:, 0]).statistic / 36 for w in data]
    crossed = improvement(data, 2, 0, rng(), paired=False)
    assert crossed.value == pytest.approx(np.mean(mann_whitney), abs=1e-12)


def test_improvement_by_hand() -> None:
    data = [[[1, 0], [1, 2]], [[1, 1], [2, 0]], [[5, 4], [6, 5]]]
    found = improvement(data, 0, 1, rng())
    assert found.value == pytest.approx((0.5 + 0.75 + 1) / 3)
    assert 1 / 3 <= found.low <= found.value <= found.high <= 1
    assert improvement(data, 1, 0, rng()).value == pytest.approx(1 - found.value)


def test_iqm_is_the_trimmed_mean_of_all_runs() -> None:
    data = worlds(2)
    found = iqm(data, rng())
    for arm, each in enumerate(found):
        pooled = np.sort(np.concatenate([w[:, arm] for w in data]))
        assert each.value == pytest.approx(pooled[6:18].mean(), abs=1e-12)
        assert each.low < each.value < each.high
    gap = iqm_difference(data, 2, 0, rng())
    assert gap.value == pytest.approx(found[2].value - found[0].value, abs=1e-12)


def test_intervals_equal_a_bootstrap_written_out() -> None:
    data = worlds(3, sizes=(4, 5, 6))
    generator, drawn, crossed, middle = rng(7), [], [], []
    picks = [generator.integers(len(w), size=(200, len(w))) for w in data]
    for draw in range(200):
        again = [w[pick[draw]] for w, pick in zip(data, picks, strict=True)]
        drawn.append(np.mean([np.mean((w[:, 1] > w[:, 0]) + 0.5 * (w[:, 1] == w[:, 0])) for w in again]))
        crossed.append(np.mean([stats.mannwhitneyu(w[:, 1], w[:, 0]).statistic / len(w) ** 2 for w in again]))
        middle.append(stats.trim_mean(np.concatenate([w[:, 1] for w in again]), 0.25))
    tails = [0.025, 0.975]
    found = improvement(data, 1, 0, rng(7), draws=200)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, tails)), abs=1e-12)
    found = improvement(data, 1, 0, rng(7), paired=False, draws=200)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(crossed, tails)), abs=1e-12)
    found = iqm(data, rng(7), draws=200)[1]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(middle, tails)), abs=1e-12)


def test_what_arms_share_cancels_in_the_difference() -> None:
    data = [world[:, :1] + np.array([[0.0, 0.1]]) for world in worlds(4)]
    found = iqm_difference(data, 1, 0, rng())
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1), abs=1e-12)
    assert iqm_difference(data, 1, 0, rng()) == found, "the generator is the only chance"


def test_profile_counts_units_above() -> None:
    data = worlds(5, sizes=(4, 8, 3))
    found = profile(data, [-1.0, 0.0, 0.5, 9.0], rng())
    for arm in range(3):
        expected = [np.mean([np.mean(w[:, arm] > t) for w in data]) for t in (-1.0, 0.0, 0.5, 9.0)]
        assert found.share[arm] == pytest.approx(expected, abs=1e-12)
    assert np.all(found.low <= found.share + 1e-12)
    assert np.all(found.share <= found.high + 1e-12)
    assert np.all(np.diff(found.share, axis=1) <= 0)
    assert np.all(found.high[:, -1] == 0)


def test_gaps_and_too_few_worlds() -> None:
    data = worlds(6)
    gaps = [np.concatenate([w, [[np.nan, 1.0, 2.0]]]) for w in data]
    assert improvement(gaps, 2, 1, rng()).value != improvement(data, 2, 1, rng()).value, "arm 0 is not asked"
    assert improvement(gaps, 2, 0, rng()) == improvement(data, 2, 0, rng())
    empty = [*data[:2], np.full((5, 3), np.nan)]
    for short in (data[:2], [], empty):
        assert math.isnan(improvement(short, 0, 1, rng()).value) if short else True
        assert all(math.isnan(each.low) for each in iqm(short, rng()))
        assert np.isnan(profile(short, [0.0], rng()).share).all()
    with pytest.raises(InvalidRequest, match="fill gaps with NaN"):
        iqm([np.ones((3, 2)), np.ones((3, 3))], rng())
    with pytest.raises(InvalidRequest, match="a column of the 3"):
        improvement(data, 0, 3, rng())


@pytest.mark.slow
def test_intervals_cover() -> None:
    """Six worlds of ten paired units with a shared seed effect."""
    generator, covered, truth = rng(8), 0, stats.norm.cdf(0.5)
    for _ in range(400):
        data = [
            generator.normal(size=(10, 2)) * math.sqrt(0.5) + generator.normal(0, 3, (10, 1))
            for _ in "abcdef"
        ]
        data = [w + np.array([0.5, 0.0]) for w in data]
        found = improvement(data, 0, 1, generator, draws=400)
        covered += found.low <= truth <= found.high
    assert 0.91 <= covered / 400 <= 0.98
