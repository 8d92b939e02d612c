"""New recordings and new seeds: against bootstraps written out, and the coverage it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from bench.compare import Confusion, PairCounts, TwoLevel, balanced_accuracy, two_level
from bench.compare.two_level import NO_RECORDINGS, NO_SEEDS, NO_SPREAD, NOTHING
from models.errors import InvalidRequest

Raw = tuple[np.ndarray, np.ndarray, list[np.ndarray]]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def predictions(seed: int, test: list[int], arms: int = 2, size: int = 12) -> Raw:
    """Group, label and one score an arm of a unit's test part; every recording has both classes."""
    generator = rng(seed)
    group = np.repeat(test, size)
    label = np.tile(np.repeat([0, 1], size // 2), len(test))
    return group, label, [np.round(generator.normal(size=group.size) + label, 1) for _ in range(arms)]


def calls(raw: Raw) -> list[Confusion]:
    group, label, scores = raw
    return [Confusion.count(group, label, score > 0.5) for score in scores]


def pair_counts(raw: Raw) -> list[PairCounts]:
    group, label, scores = raw
    return [PairCounts.count(group, label, score) for score in scores]


def one(runs: list[list[Confusion]] | list[list[PairCounts]], seed: int = 0, **options: object) -> TwoLevel:
    (found,) = two_level(runs, rng(seed), [(0, 1)], **options)  # type: ignore[arg-type]
    return found


def test_confusion_counts_and_balanced_accuracy() -> None:
    group, label, (score, _) = predictions(1, [3, 5, 9])
    counted = Confusion.count(group, label, score > 0.5)
    assert counted.names.tolist() == [3, 5, 9]
    for name, row in zip(counted.names, counted.counts, strict=True):
        own = group == name
        truth, called = label[own] == 1, score[own] > 0.5
        expected = [truth & called, truth & ~called, ~truth & ~called, ~truth & called]
        assert row.tolist() == [int(cells.sum()) for cells in expected]
    found = balanced_accuracy(*counted.counts.sum(axis=0)[:, None])
    assert found[0] == pytest.approx(balanced_accuracy_score(label, score > 0.5), abs=1e-12)
    assert math.isnan(balanced_accuracy(*np.array([[0.0], [0.0], [3.0], [1.0]]))[0])
    with pytest.raises(InvalidRequest, match="lengths 36, 35 and 36"):
        Confusion.count(group, label[1:], score)


def test_mean_difference_of_scores() -> None:
    raws = [predictions(s, tests) for s, tests in ((1, [0, 1, 2]), (2, [1, 2, 3]), (3, [0, 2, 3]))]
    gaps = [
        balanced_accuracy_score(label, a > 0.5) - balanced_accuracy_score(label, b > 0.5)
        for _, label, (a, b) in raws
    ]
    found = one([calls(raw) for raw in raws])
    assert found.difference == pytest.approx(np.mean(gaps), abs=1e-12)
    assert (found.units, found.recordings, found.note) == (3, 4, "")
    areas = [roc_auc_score(label, a) - roc_auc_score(label, b) for _, label, (a, b) in raws]
    assert one([pair_counts(raw) for raw in raws]).difference == pytest.approx(np.mean(areas), abs=1e-12)


@pytest.mark.parametrize("kind", ["balanced accuracy", "auroc"])
def test_equals_a_bootstrap_by_copying_samples(kind: str) -> None:
    draws, tests = 80, [[0, 1, 2, 4], [1, 2, 3], [0, 2, 3, 4]]
    raws = [predictions(s, test) for s, test in enumerate(tests)]
    count = calls if kind == "balanced accuracy" else pair_counts
    found = one([count(raw) for raw in raws], seed=4, draws=draws)  # type: ignore[misc]

    def metric(label: np.ndarray, score: np.ndarray) -> float:
        auroc = kind == "auroc"
        return float(roc_auc_score(label, score) if auroc else balanced_accuracy_score(label, score > 0.5))

    generator = rng(4)
    times = generator.multinomial(3, [1 / 3] * 3, size=draws)
    weights: list[np.ndarray] = []
    while len(weights) < draws:  # a draw without any recording of a unit is drawn again
        block = generator.multinomial(5, [1 / 5] * 5, size=draws)
        weights += [w for w in block if all(w[test].any() for test in tests)]
    gaps = np.zeros((draws, 3))
    for draw in range(draws):
        for unit, (group, label, (a, b)) in enumerate(raws):
            rows = np.concatenate(
                [np.flatnonzero(group == g) for g in range(5) for _ in range(weights[draw][g])]
            )
            gaps[draw, unit] = metric(label[rows], a[rows]) - metric(label[rows], b[rows])
    both = (gaps * times).sum(axis=1) / 3
    assert found.percentile == pytest.approx(tuple(np.quantile(both, [0.025, 0.975])), abs=1e-12)
    whole = np.array([metric(label, a) - metric(label, b) for _, label, (a, b) in raws])
    by_unit = whole.var(ddof=1) / 3
    by_recording = gaps.mean(axis=1).var(ddof=1) * 5 / 4
    by_cell = gaps.var(axis=0, ddof=1).sum() / 9 * 5 / 4
    variance = max(by_unit + by_recording - by_cell, by_unit, by_recording)
    assert found.se == pytest.approx(math.sqrt(variance), abs=1e-12)
    assert found.df == pytest.approx(max(1, variance**2 / (by_recording**2 / 4 + by_unit**2 / 2)), abs=1e-9)


def test_any_metric_of_the_counts() -> None:
    raws = [predictions(s, [0, 1, 2, 3]) for s in range(4)]
    gaps = [f1_score(label, a > 0.5) - f1_score(label, b > 0.5) for _, label, (a, b) in raws]
    found = one([calls(raw) for raw in raws], metric=lambda tp, fn, tn, fp: 2 * tp / (2 * tp + fn + fp))
    assert found.difference == pytest.approx(np.mean(gaps), abs=1e-12)
    assert found.low < found.difference < found.high


def test_pairs_and_units_are_found_by_position() -> None:
    raws = [predictions(s, [0, 1, 2, 3], arms=3) for s in range(5)]
    runs: list[list[Confusion | None]] = [list(calls(raw)) for raw in raws]
    runs[1][2] = None
    runs[4] = [None, None, None]
    found = two_level(runs, rng(), [(0, 1), (2, 1), (1, 0)])
    assert [each.units for each in found] == [4, 3, 4]
    assert found[0].difference == -found[2].difference
    assert found[0].low == pytest.approx(-found[2].high, abs=1e-12)
    again = two_level(runs, rng(), [(0, 1), (2, 1), (1, 0)])
    assert again == found


def test_published_folds_are_resampled_apart() -> None:
    folds = [[0, 1, 2], [3, 4, 5]]
    raws = [predictions(s, folds[s % 2]) for s in range(6)]
    runs = [calls(raw) for raw in raws]
    found = one(runs, stratum=[s % 2 for s in range(6)])
    assert found == one(runs), "without labels, what units share decides"
    assert found.recordings == 6
    # the same names in other folds are other recordings where labels say so
    again = [calls(predictions(s, [0, 1, 2])) for s in range(6)]
    assert one(again, stratum=[s % 2 for s in range(6)]).recordings == 6
    assert one(again).recordings == 3


def test_what_cannot_be_resampled_says_why() -> None:
    runs = [calls(predictions(s, [0, 1, 2, 3])) for s in range(4)]
    nothing = one([[row[0], None] for row in runs])  # type: ignore[list-item]
    assert (nothing.note, nothing.units) == (NOTHING, 0)
    assert math.isnan(nothing.difference)
    assert two_level([], rng(), [(0, 1)])[0].note == NOTHING
    single = one([calls(predictions(s, [7])) for s in range(4)])
    assert single.note == NO_RECORDINGS
    assert math.isfinite(single.difference)
    assert math.isnan(single.low)
    lone = one(runs[:1])
    assert lone.note == NO_SEEDS
    assert lone.low < lone.difference < lone.high
    same = one([[row[0], row[0]] for row in runs])
    assert (same.note, same.difference, same.se) == (NO_SPREAD, 0.0, 0.0)
    group, label, (score, _) = predictions(1, [0, 1])
    normal = Confusion.count(group, 0 * label, score > 0.5)
    assert one([[normal, normal]]).note == NOTHING, "one class has no balanced accuracy"
    with pytest.raises(InvalidRequest, match="fill with None"):
        two_level([runs[0], runs[1][:1]], rng(), [(0, 1)])
    with pytest.raises(InvalidRequest, match="two of the 2 arms"):
        two_level(runs, rng(), [(0, 2)])
    with pytest.raises(InvalidRequest, match="one label a unit"):
        two_level(runs, rng(), [(0, 1)], stratum=[0])


def test_recordings_of_one_class_never_give_an_undefined_draw() -> None:
    label = np.repeat([1, 0, 0, 1], 6)
    group = np.repeat([0, 1, 2, 3], 6)
    runs = [
        [Confusion.count(group, label, generator.random(24) < 0.3 + 0.4 * label) for _ in "ab"]
        for generator in map(rng, range(5))
    ]
    found = one(runs, draws=500)
    assert math.isfinite(found.se)
    assert all(map(math.isfinite, found.percentile))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recordings", "units", "share", "by_recording", "by_seed"),
    [(40, 8, 0.4, 0.05, 0.02), (16, 8, 1.0, 0.05, 0.05), (40, 8, 0.4, 0.15, 0.02), (12, 4, 0.5, 0.03, 0.05)],
)
def test_covers_new_batches_and_new_seeds(
    recordings: int, units: int, share: float, by_recording: float, by_seed: float
) -> None:
    """The difference over all recordings and seeds is covered, where an interval over seeds alone is not."""
    generator, studies, gain, half = rng(6), 400, 0.05, 10
    covered = 0
    for _ in range(studies):
        own = generator.normal(0, by_recording, recordings) + generator.normal(0, 0.03, (units, recordings))
        chance = np.clip(0.8 + gain + own + generator.normal(0, by_seed, (units, 1)), 0, 1)
        runs = []
        for unit in range(units):
            test = np.sort(generator.permutation(recordings)[: round(share * recordings)])
            row = []
            for p in (chance[unit, test], np.full(test.size, 0.8)):
                tp, tn = generator.binomial(half, p), generator.binomial(half, p)
                row.append(Confusion(test, np.stack([tp, half - tp, tn, half - tn], axis=1).astype(float)))
            runs.append(row)
        (found,) = two_level(runs, generator, [(0, 1)], draws=300)
        covered += found.low <= gain <= found.high
    assert 0.92 <= covered / studies <= 0.995
