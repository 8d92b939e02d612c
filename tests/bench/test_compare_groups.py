"""AUROC and its by-group interval against scikit-learn and brute force."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bench.compare import GroupInterval, GroupUnit, PairCounts, auroc, paired_auroc_by_group
from models.errors import InvalidRequest


@dataclass(frozen=True)
class Raw:
    """Predictions as stored: what the counts are made from, and what brute force reads."""

    fold: int
    group: np.ndarray
    label: np.ndarray
    score: np.ndarray
    controls: tuple[np.ndarray, ...]

    def counted(self) -> GroupUnit:
        arm, *controls = (PairCounts.count(self.group, self.label, s) for s in (self.score, *self.controls))
        return GroupUnit(self.fold, arm, tuple(controls))


def interval(units: list[Raw], seed: int, draws: int = 2000) -> GroupInterval:
    return paired_auroc_by_group([u.counted() for u in units], np.random.default_rng(seed), draws)


def unit(
    seed: int, fold: int = 0, groups: int = 6, size: int = 20, gain: float = 1.0, controls: int = 2
) -> Raw:
    generator = np.random.default_rng(seed)
    group = np.repeat([f"batch-{fold}-{g}" for g in range(groups)], size)
    label = (np.random.default_rng(1000 + fold).random(groups * size) < 0.4).astype(int)

    def score(by: float) -> np.ndarray:
        return np.round(generator.normal(size=label.size) + by * label, 1)  # rounded: ties

    return Raw(fold, group, label, score(gain), tuple(score(0.0) for _ in range(controls)))


def test_pair_counts_by_brute_force() -> None:
    one = unit(4, groups=3)
    counts = PairCounts.count(one.group, one.label, one.score)
    for i, g in enumerate(counts.names):
        for j, h in enumerate(counts.names):
            upper = one.score[(one.group == g) & (one.label == 1)]
            lower = one.score[(one.group == h) & (one.label == 0)]
            expected = sum((u > v) + 0.5 * (u == v) for u in upper for v in lower)
            assert counts.ordered[i, j] == expected
    assert counts.positives.sum() == one.label.sum()
    assert counts.negatives.sum() == (1 - one.label).sum()
    with pytest.raises(InvalidRequest, match="lengths 60, 60 and 59"):
        PairCounts.count(one.group, one.label, one.score[1:])


def test_auroc_by_hand_and_by_sklearn() -> None:
    assert auroc([1, 0, 1, 0], [0.9, 0.1, 0.4, 0.4]) == 3.5 / 4
    assert auroc([1, 0], [0.0, 1.0]) == 0.0
    assert math.isnan(auroc([1, 1], [0.1, 0.2]))
    assert math.isnan(auroc([], []))
    one = unit(1)
    assert auroc(one.label, one.score) == pytest.approx(roc_auc_score(one.label, one.score), abs=1e-12)


def test_mean_difference_is_the_mean_of_aurocs() -> None:
    units = [unit(s, fold) for s, fold in ((1, 0), (2, 0), (3, 1))]
    expected = np.mean(
        [
            roc_auc_score(u.label, u.score) - np.mean([roc_auc_score(u.label, c) for c in u.controls])
            for u in units
        ]
    )
    found = interval(units, 0, 50)
    assert found.mean == pytest.approx(expected, abs=1e-12)
    assert (found.units, found.groups) == (3, 12)


def test_interval_equals_a_bootstrap_by_copying_samples() -> None:
    units = [unit(s, fold, groups=4) for s, fold in ((1, 0), (2, 0), (3, 1))]
    draws = 60
    found = interval(units, 5, draws)
    # every fold has both classes in each group: no draw is rejected and the streams coincide
    generator = np.random.default_rng(5)
    differences = np.zeros(draws)
    for fold in (0, 1):
        members = [u for u in units if u.fold == fold]
        names = np.unique(members[0].group)
        counts = generator.multinomial(names.size, np.full(names.size, 1 / names.size), size=draws)
        for draw in range(draws):
            for u in members:
                rows = np.concatenate(
                    [
                        np.flatnonzero(u.group == n)
                        for n, c in zip(names, counts[draw], strict=True)
                        for _ in range(c)
                    ]
                )
                control = np.mean([roc_auc_score(u.label[rows], c[rows]) for c in u.controls])
                differences[draw] += roc_auc_score(u.label[rows], u.score[rows]) - control
    expected = np.quantile(differences / len(units), [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)


def test_what_arm_and_control_share_cancels() -> None:
    one = unit(1)
    same = Raw(0, one.group, one.label, one.score, (one.score, one.score))
    found = interval([same], 0, 100)
    assert (found.mean, found.low, found.high) == pytest.approx((0, 0, 0), abs=1e-12)


def test_groups_of_one_class_never_give_an_undefined_draw() -> None:
    group = np.repeat(["a", "b", "c"], 4)
    label = np.repeat([1, 0, 0], 4)
    score = np.arange(12.0)[::-1]
    pure = Raw(0, group, label, score, (-score,))
    found = interval([pure], 0, 500)
    assert (found.mean, found.low, found.high) == (1.0, 1.0, 1.0)


def test_nothing_to_resample_gives_no_interval() -> None:
    single = interval([unit(1, groups=1), unit(2, 1)], 0, 20)
    assert math.isfinite(single.mean)
    assert math.isnan(single.low)
    assert math.isnan(single.high)
    one = unit(1)
    flat = Raw(0, one.group, np.ones_like(one.label), one.score, one.controls)
    assert interval([flat], 0).units == 0
    assert math.isnan(interval([], 0).mean)


@pytest.mark.slow
def test_interval_covers_the_truth() -> None:
    """Recordings with an offset of their own: the mean difference over fresh sets must be covered."""
    generator = np.random.default_rng(3)

    def study() -> Raw:
        groups, size = 25, 12
        group = np.repeat(np.arange(groups), size)
        label = (generator.random(group.size) < 0.5).astype(int)
        skill = np.repeat(generator.normal(1.0, 0.8, groups), size)
        score = generator.normal(size=group.size) + skill * label
        return Raw(0, group, label, score, (generator.normal(size=group.size),))

    studies = [study() for _ in range(300)]
    found = [paired_auroc_by_group([s.counted()], generator, draws=400) for s in studies]
    truth = np.mean([f.mean for f in found])
    covered = np.mean([f.low <= truth <= f.high for f in found])
    assert 0.88 <= covered <= 0.99
