"""What recordings say: predictions of runs, counted by recording and resampled whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain
from typing import Any

import numpy as np

from bench.compare import (
    Confusion,
    GroupUnit,
    Medians,
    PairCounts,
    balanced_accuracy,
    paired_auroc_by_group,
    two_level,
)
from bench.compare.confusion import Metric
from bench.report.evidence import LEARNED, Evidence
from bench.report.results import SHUFFLED, ArmResult, BatchResult, GroupResult
from bench.report.spread import LARGE
from bench.report.warned import Alarms, share

MOST_READ = 800
"""Runs whose predictions are read, a third of them of a large study: on the arms that differ most."""
THRESHOLD = 0.5  # above which a window is called abnormal, as in the scores of the record
Run = Confusion | PairCounts | Medians
_SAME = 1e-3  # a score read again from its predictions may differ by as much from the record


class Predicted:
    """Counts by recording of the runs of a study, each read once.

    ``arms`` are those that are read, ``left_out`` those that are too many.
    """

    def __init__(self, evidence: Evidence, learned: Sequence[ArmResult], generator: np.random.Generator):
        self.evidence, self.generator = evidence, generator
        self._pairs: dict[str, PairCounts | None] = {}
        self._calls: dict[str, Confusion | None] = {}
        self._asked: dict[str, bool] = {}  # run -> whether it could be read
        self._against = [arm.name for arm in evidence.of_kind("control") if arm.name == SHUFFLED]
        if (evidence.runs["fold"] >= 0).any():
            self._against.append(evidence.baseline)
        self.arms, self.left_out = self._affordable(learned)

    @property
    def unread(self) -> tuple[str, ...]:
        """The runs whose predictions were asked for and cannot be read; a study may have none at all."""
        some = bool(self._against) or any(self._asked.values())
        return tuple(key for key, read in self._asked.items() if some and not read)

    def by_group(self) -> Iterator[GroupResult]:
        """Yield every learned arm against the shuffled pairs and, where seeds share folds, the baseline."""
        for other in self._against:
            for name in self.arms:
                if name != other:
                    units, runs = self._together(name, other)
                    if units:
                        interval = paired_auroc_by_group(chain(*units.values()), self.generator)
                        count = sum(any(map(_both_classes, found)) for found in units.values())
                        yield GroupResult(name, other, count, interval, runs)

    def new_batches(self) -> Iterator[BatchResult]:
        """Yield every change against the baseline with recordings and seeds resampled, for BA and AUROC."""
        count, metric = self._counted()
        if count is None:
            return
        table = self.evidence.scores(self.evidence.metric)
        scores = {(name, unit): float(x) for name in self.arms for unit, x in table[name].items()}
        rows: list[list[Any]] = []
        keys: dict[str, list[str]] = {name: [] for name in self.arms}
        for unit in self.evidence.units:
            row: list[Any] = []
            for name in self.arms:
                found = self.evidence.runs_of(name, [unit])
                # Of several runs of one unit none stands for their mean.
                counts = count(found[0]) if len(found) == 1 else None
                same = counts is not None and abs(_score(counts, metric) - scores[name, unit]) < _SAME
                row.append(counts if same else None)
                keys[name] += found[:1] if same else []
            rows.append(row)
        base = self.arms.index(self.evidence.baseline) if self.evidence.baseline in self.arms else -1
        if base < 0 or not any(any(row) for row in rows):
            return
        others = [i for i in range(len(self.arms)) if i != base]
        for two in two_level(rows, self.generator, [(i, base) for i in others], self._strata(), metric):
            if two.units:
                name = self.arms[two.arm]
                yield BatchResult(name, two, (*keys[self.arms[base]], *keys[name]))

    def _counted(self) -> tuple[Callable[[str], Run | None] | None, Metric]:
        """Return how a run is counted for the metric of the study, and the metric of such counts."""
        modality, _, measure = self.evidence.metric.rpartition(".")
        if modality.startswith("warning."):
            return partial(self._alarms, modality.removeprefix("warning."), measure), share
        counts: dict[str, Callable[[str], Run | None]] = {
            "balanced_accuracy": self.calls, "auroc": self.pairs
        }  # fmt: skip
        return counts.get(measure) if modality == "current" else None, balanced_accuracy

    def _alarms(self, source: str, measure: str, key: str) -> Run | None:
        found = Alarms.read(self.evidence.predictions(key))
        self._asked[key] = found is not None
        return found.run(source, measure) if found is not None and source in found.sources else None

    def pairs(self, key: str) -> PairCounts | None:
        """Return the pair counts of a run; kept, since every arm meets the same controls."""
        if key not in self._pairs:
            self._read(key, pairs=True)
        return self._pairs[key]

    def calls(self, key: str) -> Confusion | None:
        """Return what a run called, by recording."""
        if key not in self._calls:
            self._read(key, pairs=False)
        return self._calls[key]

    def _read(self, key: str, *, pairs: bool) -> None:
        found = self.evidence.predictions(key)
        parts = _parts(found) if found is not None else None
        self._asked[key] = parts is not None
        self._calls[key] = Confusion.count(*parts[:2], parts[2] > THRESHOLD) if parts else None
        if pairs:
            self._pairs[key] = PairCounts.count(*parts) if parts else None

    def _strata(self) -> list[int] | None:
        """Return the fold of each unit where there are folds; else what recordings they share decides."""
        folds = [self.fold_of_unit.get(unit, -1) for unit in self.evidence.units]
        return folds if any(fold >= 0 for fold in folds) else None

    @cached_property
    def fold_of_unit(self) -> dict[str, int]:
        """The published fold of each unit; -1 where there is none."""
        rows = self.evidence.runs.drop_duplicates("unit")
        return {str(unit): int(fold) for unit, fold in zip(rows["unit"], rows["fold"], strict=True)}

    def _affordable(self, learned: Sequence[ArmResult]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the learned arms whose predictions are read, in order, and the others."""
        counted = self.evidence.finished["arm"].value_counts()
        names = [arm.name for arm in self.evidence.of_kind(*LEARNED)]
        size = {arm.info.name: abs(arm.paired.mean) if arm.paired else math.inf for arm in learned}
        size = {name: value if value == value else -1.0 for name, value in size.items()}
        most = MOST_READ // 3 if len(self.evidence.runs) >= LARGE else MOST_READ
        left = most - int(counted.get(SHUFFLED, 0))
        kept: set[str] = set()
        for name in sorted(names, key=lambda name: -size[name]):
            left -= int(counted.get(name, 0))
            if left >= 0 or not kept:
                kept.add(name)
        return tuple(n for n in names if n in kept), tuple(n for n in names if n not in kept)

    def _together(self, arm: str, other: str) -> tuple[dict[str, list[GroupUnit]], tuple[str, ...]]:
        units: dict[str, list[GroupUnit]] = {}
        used: list[str] = []
        for unit in self.evidence.units:
            controls = [(key, self.pairs(key)) for key in self.evidence.runs_of(other, [unit])]
            for key in self.evidence.runs_of(arm, [unit]):
                own = self.pairs(key)
                if own is None:
                    continue
                same = {k: c for k, c in controls if c is not None and own.same_samples(c)}
                if same:
                    one = GroupUnit(self.fold_of_unit[unit], own, tuple(same.values()))
                    units.setdefault(unit, []).append(one)
                    used += [key, *same]
        return units, tuple(dict.fromkeys(used))


def _parts(found: Mapping[str, Any]) -> tuple[Any, Any, Any] | None:
    """Return groups, labels and scores; None for predictions that are of no use."""
    if not {"group", "label", "score"} <= set(found):
        return None
    group, label, score = (np.asarray(found[name]) for name in ("group", "label", "score"))
    whole = group.shape == label.shape == score.shape and np.isfinite(score).all()
    return (group, label, score) if whole else None


def _score(counts: Run, metric: Metric) -> float:
    if isinstance(counts, Medians):
        return float(counts.of(np.ones((1, counts.names.size)))[0])
    if isinstance(counts, PairCounts):
        total = counts.positives.sum() * counts.negatives.sum()
        return float(counts.ordered.sum() / total) if total else math.nan
    return float(metric(*counts.counts.sum(axis=0)))


def _both_classes(unit: GroupUnit) -> bool:
    return bool(unit.arm.positives.any() and unit.arm.negatives.any())
