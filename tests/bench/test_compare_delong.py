"""DeLong against the O(m n) definition, a hand computation and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from bench.compare import delong
from models.errors import InvalidRequest


def data(seed: int, size: int = 60, digits: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    label = (generator.random(size) < 0.4).astype(int)
    shared = generator.normal(size=size)
    first, second = (shared + by * label + generator.normal(size=size) for by in (1.0, 0.6))
    return label, np.round(first, digits), np.round(second, digits)


@pytest.mark.parametrize("seed", range(5))
def test_by_the_definition(seed: int) -> None:
    """DeLong et al. (1988), equations 4 to 6, pair by pair."""
    label, *scores = data(seed)
    m, n = int(label.sum()), int((1 - label).sum())
    v10, v01 = np.empty((2, m)), np.empty((2, n))
    for r, score in enumerate(scores):
        for i, x in enumerate(score[label == 1]):
            v10[r, i] = np.mean([(y < x) + 0.5 * (y == x) for y in score[label == 0]])
        for j, y in enumerate(score[label == 0]):
            v01[r, j] = np.mean([(y < x) + 0.5 * (y == x) for x in score[label == 1]])
    covariance = np.cov(v10) / m + np.cov(v01) / n
    se = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    found = delong(label, *scores)
    assert found.first == pytest.approx(roc_auc_score(label, scores[0]), abs=1e-12)
    assert found.second == pytest.approx(roc_auc_score(label, scores[1]), abs=1e-12)
    assert found.se == pytest.approx(se, abs=1e-12)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(found.difference) / se), abs=1e-12)
    half = 1.959963984540054 * se
    ends = (found.difference - half, found.difference + half)
    assert (found.low, found.high) == pytest.approx(ends, abs=1e-12)


def test_by_hand() -> None:
    # abnormal 3 1, normal 2 0: v10 = (1, 1/2), v01 = (1/2, 1); the other score orders all: v = 1
    found = delong([1, 1, 0, 0], [3, 1, 2, 0], [3, 2, 1, 0])
    assert (found.first, found.second, found.difference) == (0.75, 1.0, -0.25)
    assert found.se == pytest.approx(math.sqrt(0.125 / 2 + 0.125 / 2), abs=1e-12)


def test_the_order_of_scores_mirrors() -> None:
    label, first, second = data(9)
    one, other = delong(label, first, second), delong(label, second, first)
    assert one.difference == -other.difference
    assert (one.low, one.p) == pytest.approx((-other.high, other.p), abs=1e-15)


def test_nothing_to_tell_apart() -> None:
    label, first, second = data(10)
    same = delong(label, first, 2 * first)
    assert (same.difference, same.se) == (0.0, 0.0)
    assert math.isnan(same.p)
    assert math.isnan(same.low)
    assert math.isnan(delong(np.ones(60), first, second).first)
    assert math.isnan(delong([], [], []).difference)
    single = delong([1, 0, 0], [2, 1, 0], [0, 1, 2])
    assert single.difference == 1.0
    assert math.isnan(single.se)
    gaps = np.append(first, np.nan)
    assert delong(np.append(label, 1), gaps, np.append(second, 9.0)) == delong(label, first, second)
    with pytest.raises(InvalidRequest, match="one entry a sample"):
        delong(label, first, second[1:])


@pytest.mark.slow
def test_level_and_coverage() -> None:
    found = [delong(*data(seed, 150, 6)) for seed in range(2000)]
    truth = float(np.mean([each.difference for each in found]))
    covered = np.mean([each.low <= truth <= each.high for each in found])
    assert 0.93 <= covered <= 0.97
