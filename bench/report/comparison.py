"""From evidence to results: every number a report prints, before any of it is text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
import pandas as pd

from bench.compare import (
    FailRate,
    GroupInterval,
    GroupUnit,
    PairCounts,
    Paired,
    Verdict,
    detectable_gap,
    fail_rate,
    holm,
    paired_auroc_by_group,
    paired_difference,
    t_interval,
    verdict,
)
from bench.report.evidence import LEARNED, ArmInfo, Evidence

ALPHA = 0.05
SHUFFLED = "shuffled_pairs"  # the control that keeps everything but the pairing of the modalities
#: The one score whose exact ceiling is known.
CEILED = "current.balanced_accuracy"
CEILING = (
    "exact posterior of an observer that sees what a method sees: the current window alone, not the history "
    "before it, its gain unknown"
)
_CHANCE = {"balanced_accuracy": 0.5, "auroc": 0.5}


@dataclass(frozen=True, eq=False)
class ArmResult:
    """A learned arm. ``scores`` are those of its complete pairs (the baseline: of all its units)."""

    info: ArmInfo
    planned: int
    scores: pd.Series
    auroc: float
    skill: float
    cpu_seconds: float
    fails: FailRate
    runs: tuple[str, ...]
    paired_runs: tuple[str, ...] = ()
    paired: Paired | None = None
    holm: float = math.nan
    gap: float = math.nan
    verdict: Verdict | None = None


@dataclass(frozen=True, eq=False)
class ControlResult:
    """A control: where it lies, and whether its interval contains chance (None where unknown)."""

    info: ArmInfo
    planned: int
    scores: pd.Series
    auroc: float
    interval: tuple[float, float]
    contains_chance: bool | None
    fails: FailRate
    runs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ReferenceResult:
    """A reference or ceiling: its own score, and the baseline minus it on the units they share."""

    name: str
    what: str
    column: str
    planned: int
    scores: pd.Series
    difference: Paired
    runs: tuple[str, ...]
    paired_runs: tuple[str, ...]


@dataclass(frozen=True)
class GroupResult:
    """AUROC of an arm minus that of another, with recordings resampled whole.

    ``units`` are those of the study that entered; one may have several runs of the arm, each of which
    counts as a unit in ``interval``.
    """

    arm: str
    against: str
    units: int
    interval: GroupInterval
    runs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """All results of a report.

    ``chance`` is the chance level of the metric, None where it has none; ``unread`` are the runs the
    comparison by recording lacks because their predictions cannot be read.
    """

    evidence: Evidence
    chance: float | None
    baseline: ArmResult
    changes: tuple[ArmResult, ...]
    controls: tuple[ControlResult, ...]
    references: tuple[ReferenceResult, ...]
    by_group: tuple[GroupResult, ...]
    unread: tuple[str, ...] = ()

    @property
    def learned(self) -> tuple[ArmResult, ...]:
        """The baseline and the changes."""
        return (self.baseline, *self.changes)

    @cached_property
    def ceiling(self) -> float:
        """The mean exact ceiling over the units of the baseline; NaN where there is none."""
        values = self.evidence.scores("ceiling.balanced_accuracy")[self.evidence.baseline]
        balanced = self.evidence.metric == CEILED
        return float(values.mean()) if balanced and values.notna().any() else math.nan


def compare(evidence: Evidence, seed: int = 0) -> Comparison:
    """Compute every result of a report.

    Each change and grid arm is compared with the baseline on complete pairs (units where both have
    a score; permutations of a unit are averaged first). They form one Holm family on the
    sign-flip p; controls and references are outside of it and get intervals, not verdicts.

    Args:
        evidence: arms and runs.
        seed: of the resampling, so that the same evidence gives the same numbers.
    """
    return _Reader(evidence, np.random.default_rng(seed)).comparison()


def reachable(pair: Paired, family: int) -> bool:
    """Return whether this many pairs can give a Holm p of at most 0.05 in the hardest step."""
    return pair.sign_flip.smallest * family <= ALPHA


def _difference(arm: ArmResult) -> float:
    found = arm.paired.mean if arm.paired is not None and arm.paired.n else math.nan
    return found if math.isfinite(found) else -math.inf


class _Reader:
    """Reads the evidence once and hands out scores, keys and results by arm."""

    def __init__(self, evidence: Evidence, generator: np.random.Generator) -> None:
        self.evidence, self.generator = evidence, generator
        self.modality, self.measure = evidence.metric.rsplit(".", 1)
        self.scores = evidence.scores(evidence.metric)
        self.auroc = evidence.scores(f"{self.modality}.auroc")
        self.planned = len(evidence.units)
        self._counts: dict[str, PairCounts | None] = {}
        self.keys: dict[tuple[str, str], tuple[str, ...]] = {
            (str(arm), str(unit)): tuple(rows)
            for (arm, unit), rows in evidence.finished.groupby(["arm", "unit"], sort=False)["key"]
        }
        self.outcomes = {str(arm): list(rows) for arm, rows in evidence.runs.groupby("arm")["outcome"]}
        spent = evidence.finished.groupby("arm")
        cpu = "cost.cpu_seconds"
        self.cpu = spent[cpu].mean() if cpu in evidence.runs else pd.Series(dtype=float)
        balanced = evidence.simulated and evidence.metric == CEILED
        above = evidence.scores("ceiling.balanced_accuracy") - 0.5
        self.skill = (self.scores - 0.5) / above.where(above > 0) if balanced else self.scores * math.nan

    def comparison(self) -> Comparison:
        evidence = self.evidence
        baseline = self.arm(next(a for a in evidence.arms if a.name == evidence.baseline))
        chance = _CHANCE.get(self.measure)
        return Comparison(
            evidence,
            chance,
            baseline,
            tuple(self.changes(baseline)),
            tuple(self.control(arm, chance) for arm in evidence.of_kind("control")),
            tuple(self.references(baseline)),
            tuple(self.by_group()),
            tuple(key for key, counts in self._counts.items() if counts is None),
        )

    def of(self, arm: str, units: Iterable[object]) -> tuple[str, ...]:
        return tuple(key for unit in units for key in self.keys.get((arm, str(unit)), ()))

    def arm(self, info: ArmInfo, partner: ArmResult | None = None) -> ArmResult:
        own = self.scores[info.name].dropna()
        fails = fail_rate(own, self.outcomes.get(info.name, []))
        paired: Paired | None = None
        paired_runs: tuple[str, ...] = ()
        if partner is not None:
            own = own[own.index.isin(partner.scores.index)]
            paired = paired_difference(own, partner.scores.reindex(own.index), self.generator)
            paired_runs = self.of(partner.info.name, own.index)
        runs = self.of(info.name, own.index)
        return ArmResult(
            info,
            self.planned,
            own,
            float(self.auroc.loc[own.index, info.name].mean()),
            float(self.skill.loc[own.index, info.name].mean()),
            float(self.cpu.get(info.name, math.nan)),
            fails,
            runs,
            paired_runs + runs if paired else (),
            paired,
        )

    def changes(self, baseline: ArmResult) -> Iterator[ArmResult]:
        arms = [self.arm(info, baseline) for info in self.evidence.of_kind("change", "grid")]
        if self.evidence.ranked:
            # Ties, and arms without a score at the end, stay as declared.
            arms.sort(key=_difference, reverse=True)
        pairs = [arm.paired for arm in arms if arm.paired is not None]
        adjusted = holm([pair.sign_flip.p for pair in pairs])
        for arm, pair, p in zip(arms, pairs, adjusted, strict=True):
            found = reachable(pair, len(arms))
            gap = detectable_gap(pair.sd, pair.n, ALPHA / len(arms)) if found else math.nan
            word = verdict(pair, float(p), self.evidence.rope, len(arms), ALPHA)
            yield replace(arm, holm=float(p), gap=gap, verdict=word)

    def control(self, info: ArmInfo, chance: float | None) -> ControlResult:
        own = self.scores[info.name].dropna()
        low, high = t_interval(own)
        known = chance is not None and math.isfinite(low)
        return ControlResult(
            info,
            self.planned,
            own,
            float(self.auroc.loc[own.index, info.name].mean()),
            (low, high),
            bool(low <= (chance or 0.0) <= high) if known else None,
            fail_rate(own, self.outcomes.get(info.name, [])),
            self.of(info.name, own.index),
        )

    def references(self, baseline: ArmResult) -> Iterator[ReferenceResult]:
        """Yield the reference arms, then what the baseline's own runs say about the ceiling."""
        video = f"video.{self.measure}"
        for info in self.evidence.of_kind("reference"):
            # A reference that has only the video to read reports no score of the metric.
            column = video if self.scores[info.name].isna().all() else self.evidence.metric
            yield self.reference(info.name, info.change or info.note, column, info.name, baseline)
        for name, column, what in (
            ("video of the baseline", video, "the baseline's head read on the video itself"),
            ("exact ceiling", f"ceiling.{self.measure}", CEILING),
        ):
            found = self.evidence.scores(column)[baseline.info.name]
            if column != self.evidence.metric and found.notna().any():
                yield self.reference(name, what, column, baseline.info.name, baseline)

    def reference(self, name: str, what: str, column: str, arm: str, baseline: ArmResult) -> ReferenceResult:
        own = self.evidence.scores(column)[arm].dropna()
        shared = baseline.scores.index.intersection(own.index, sort=False)
        difference = paired_difference(baseline.scores[shared], own[shared], self.generator)
        runs = self.of(arm, own.index)
        both = dict.fromkeys(self.of(baseline.info.name, shared) + self.of(arm, shared))
        return ReferenceResult(name, what, column, self.planned, own, difference, runs, tuple(both))

    def by_group(self) -> Iterator[GroupResult]:
        """Yield every learned arm against the shuffled pairs and, where seeds share folds, the baseline."""
        against = [arm.name for arm in self.evidence.of_kind("control") if arm.name == SHUFFLED]
        if (self.evidence.runs["fold"] >= 0).any():
            against.append(self.evidence.baseline)
        for other in against:
            for info in self.evidence.of_kind(*LEARNED):
                if info.name != other:
                    units, runs = self.predictions(info.name, other)
                    if units:
                        interval = paired_auroc_by_group(chain(*units.values()), self.generator)
                        count = sum(any(map(_both_classes, found)) for found in units.values())
                        yield GroupResult(info.name, other, count, interval, runs)

    def predictions(self, arm: str, other: str) -> tuple[dict[str, list[GroupUnit]], tuple[str, ...]]:
        units: dict[str, list[GroupUnit]] = {}
        used: list[str] = []
        for unit in self.evidence.units:
            controls = [(key, self.counts(key)) for key in self.keys.get((other, unit), ())]
            for key in self.keys.get((arm, unit), ()):
                own = self.counts(key)
                if own is None:
                    continue
                same = {k: c for k, c in controls if c is not None and own.same_samples(c)}
                if same:
                    one = GroupUnit(self.fold_of_unit[unit], own, tuple(same.values()))
                    units.setdefault(unit, []).append(one)
                    used += [key, *same]
        return units, tuple(dict.fromkeys(used))

    def counts(self, key: str) -> PairCounts | None:
        """Return the pair counts of a run's predictions; kept, since every arm meets the same controls."""
        if key not in self._counts:
            found = self.evidence.predictions(key)
            parts = None if found is None else [found[part] for part in ("group", "label", "score")]
            self._counts[key] = None if parts is None else PairCounts.count(*parts)
        return self._counts[key]

    @cached_property
    def fold_of_unit(self) -> dict[str, int]:
        rows = self.evidence.runs.drop_duplicates("unit")
        return {str(unit): int(fold) for unit, fold in zip(rows["unit"], rows["fold"], strict=True)}


def _both_classes(unit: GroupUnit) -> bool:
    return bool(unit.arm.positives.any() and unit.arm.negatives.any())
