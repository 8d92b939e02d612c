"""What the alarms of a study were worth: episodes and false alarms, with whole recordings resampled."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.compare import Confusion, Estimate, Medians, TwoLevel, two_level
from bench.report.evidence import LEARNED, Evidence
from bench.warning import FEWEST, MAIN, MEASURES, SECONDS, SOURCES

if TYPE_CHECKING:
    from bench.report.results import ArmResult

Floats = NDArray[np.float64]
Run = Confusion | Medians
#: Arms whose alarms are read; of more, those that differ most from the baseline.
MOST = 24
_EPISODES = "diagnostics.warning.validation_episodes"


class Alarms:
    """What one run has on record of its alarms; see :class:`bench.cell.warnings.Early`."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        self.sources: list[str] = found["warning_source"].tolist()
        self.seconds: Floats = np.asarray(found["warning_seconds"], dtype=np.float64)
        self.alarms: NDArray[Any] = found["warning_alarms"]
        self.chance: Floats = found["warning_chance"]
        self.hours: Floats = found["warning_hours"]
        self.budgets: Floats = np.asarray(found["warning_budget"], dtype=np.float64)
        self.horizon = float(found["warning_horizon"][0])
        group = np.asarray(found["warning_group"])
        self.names, self._of_stretch = np.unique(group, return_inverse=True)
        self.group = group[np.asarray(found["warning_episode"])[:, 0].astype(np.int64)]

    @classmethod
    def read(cls, found: Mapping[str, Any] | None) -> Alarms | None:
        """Return the alarms of a run; None where it has none on record."""
        return cls(found) if found is not None and "warning_source" in found else None

    def run(self, source: str, measure: str) -> Run:
        """Return what a measure of a source is counted from, by recording."""
        seconds = self.seconds[self.sources.index(source), MAIN]
        if measure == "earlier_than_video":
            seconds = seconds - self.seconds[self.sources.index("video"), MAIN]
        if measure in SECONDS:
            return Medians.count(self.group, seconds, self.names)
        good = np.isfinite(seconds) if measure == "episodes_caught" else seconds > 0
        member = np.searchsorted(self.names, self.group)
        false = self.alarms[self.sources.index(source), MAIN, :, 1]
        columns = [
            np.bincount(member, weights=good, minlength=self.names.size),
            np.bincount(member, weights=~good, minlength=self.names.size),
            np.bincount(self._of_stretch, weights=self.hours),
            np.bincount(self._of_stretch, weights=false),
        ]
        return Confusion(self.names, np.stack(columns, axis=1))

    def course(self, source: str) -> Floats:
        """Return false alarms per hour, share warned and share warned by chance, ``(3, budgets)``."""
        place = self.sources.index(source)
        rate = self.alarms[place, :, :, 1].sum(axis=1) / self.hours.sum()
        return np.stack([rate, (self.seconds[place] > 0).mean(axis=1), self.chance[place]])


def share(good: Floats, missed: Floats, hours: Floats, false: Floats) -> Floats:
    """Return the share of episodes of counts by recording."""
    with np.errstate(invalid="ignore"):
        return good / (good + missed)


def per_hour(good: Floats, missed: Floats, hours: Floats, false: Floats) -> Floats:
    """Return false alarms per hour of counts by recording."""
    with np.errstate(invalid="ignore"):
        return false / hours


@dataclass(frozen=True, eq=False)
class WarningResult:
    """One arm's alarms from one source, over the units.

    Attributes:
        arm: whose.
        source: one of :data:`bench.warning.SOURCES`.
        units: runs that entered.
        recordings: distinct ones in their test parts.
        episodes: mean number a run.
        values: measure to its mean over units, with the interval over new recordings and new seeds.
        chance: share that as many alarms at random times would warn of.
        course: ``(3, budgets)`` false alarms per hour, share warned, share warned by chance, on the test part
            with the rule that validation chose for each budget.
        seconds: of all units, NaN for an episode that was missed.
        runs: keys.
    """

    arm: str
    source: str
    units: int
    recordings: int
    episodes: float
    values: Mapping[str, Estimate]
    chance: float
    course: Floats
    seconds: Floats
    runs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Warned:
    """Early warning in a study.

    Attributes:
        results: the baseline from every source, then the other arms from what they read.
        horizon: s.
        budget: false alarms an hour that the rules were chosen for.
        ruleless: finished runs on whose validation part no rule could be chosen.
        left_out: arms that are too many to be read.
    """

    results: tuple[WarningResult, ...]
    horizon: float = math.nan
    budget: float = math.nan
    ruleless: int = 0
    left_out: tuple[str, ...] = ()


@dataclass(eq=False)
class _Column:
    """The runs of one arm and source, by row (unit and repetition)."""

    arm: str
    source: str
    runs: dict[tuple[str, int], tuple[str, Alarms]] = field(default_factory=dict)


def warned(
    evidence: Evidence,
    learned: Sequence[ArmResult],
    generator: np.random.Generator,
    stratum: Mapping[str, int] | None = None,
) -> Warned | None:
    """Return what the alarms were worth; None where no run has any on record.

    Intervals are those of :func:`bench.compare.two_level` against an alarm that never rings, so that they
    are of the arm itself.

    Args:
        evidence: of the study.
        learned: baseline and changes.
        generator: of the resamples.
        stratum: unit to the fold it is of, where there are published folds.
    """
    ruleless = 0
    if _EPISODES in evidence.finished:
        ruleless = int((evidence.finished[_EPISODES].astype(float) < FEWEST).sum())
    kept, left_out = _kept(evidence, learned)
    told = any(str(name).startswith("warning.") for name in evidence.runs)
    columns = list(_columns(evidence, kept)) if told else []
    if not columns:
        return Warned((), ruleless=ruleless) if ruleless else None
    rows = list(dict.fromkeys(row for column in columns for row in column.runs))
    strata = None if stratum is None else [stratum[unit] for unit, _ in rows]
    values: list[dict[str, TwoLevel]] = [{} for _ in columns]
    for measure in MEASURES:
        able = [i for i, column in enumerate(columns) if _has(column, measure)]
        table: list[list[Run | None]] = []
        for row in rows:
            own = [_run(columns[i], row, measure) for i in able]
            table.append([*own, *(_silent(run) for run in own)])
        pairs = [(i, len(able) + i) for i in range(len(able))]
        metric = per_hour if measure == "false_alarms_per_hour" else share
        for i, found in zip(able, two_level(table, generator, pairs, strata, metric), strict=True):
            values[i][measure] = found
    some = next(iter(columns[0].runs.values()))[1]
    return Warned(
        tuple(_result(column, found) for column, found in zip(columns, values, strict=True)),
        some.horizon,
        float(some.budgets[MAIN]),
        ruleless,
        left_out,
    )


def _kept(evidence: Evidence, learned: Sequence[ArmResult]) -> tuple[list[str], tuple[str, ...]]:
    """Return the arms that are read, in the order of the report, and the others."""
    size = {arm.info.name: abs(arm.paired.mean) if arm.paired else math.inf for arm in learned}
    size = {name: value if value == value else -1.0 for name, value in size.items()}
    first = sorted(size, key=lambda name: -size[name])[:MOST]
    left = tuple(arm.name for arm in evidence.of_kind(*LEARNED) if arm.name not in first)
    return [arm.name for arm in evidence.arms if arm.name not in left and arm.kind != "declared"], left


def _columns(evidence: Evidence, arms: Sequence[str]) -> Iterator[_Column]:
    kind = {arm.name: arm.kind for arm in evidence.arms}
    for arm in arms:
        found: dict[tuple[str, int], tuple[str, Alarms]] = {}
        for unit in evidence.units:
            for repetition, key in enumerate(evidence.runs_of(arm, [unit])):
                alarms = Alarms.read(evidence.predictions(key))
                if alarms is not None:
                    found[unit, repetition] = (key, alarms)
        there = {source for _, alarms in found.values() for source in alarms.sources}
        wanted = {"baseline": SOURCES, "reference": ("current", "video")}.get(kind[arm], ("current",))
        for source in wanted:
            if source in there:
                yield _Column(arm, source, {r: own for r, own in found.items() if source in own[1].sources})


def _has(column: _Column, measure: str) -> bool:
    able = column.source != "video" and all("video" in own.sources for _, own in column.runs.values())
    return able or measure != "earlier_than_video"


def _run(column: _Column, row: tuple[str, int], measure: str) -> Run | None:
    return column.runs[row][1].run(column.source, measure) if row in column.runs else None


def _silent(run: Run | None) -> Run | None:
    """Return the same episodes and hours with an alarm that never rings: every measure is 0."""
    if isinstance(run, Medians):
        return Medians(run.names, run.member, np.zeros_like(run.values))
    if run is None:
        return None
    good, missed, hours, false = run.counts.T
    return Confusion(run.names, np.stack([0 * good, good + missed, hours, 0 * false], axis=1))


def _estimate(measure: str, two: TwoLevel) -> Estimate:
    """Return a value with its interval, which ends where the measure does."""
    least = -math.inf if measure in SECONDS else 0.0
    most = 1.0 if measure.startswith("episodes_") else math.inf
    return Estimate(two.difference, *np.clip([two.low, two.high], least, most).tolist())


def _result(column: _Column, values: Mapping[str, TwoLevel]) -> WarningResult:
    every = [own for _, own in column.runs.values()]
    place = [own.sources.index(column.source) for own in every]
    return WarningResult(
        column.arm,
        column.source,
        len(every),
        max(two.recordings for two in values.values()),
        float(np.mean([own.seconds.shape[-1] for own in every])),
        {name: _estimate(name, two) for name, two in values.items()},
        float(np.mean([own.chance[i, MAIN] for own, i in zip(every, place, strict=True)])),
        np.mean([own.course(column.source) for own in every], axis=0),
        np.concatenate([own.seconds[i, MAIN] for own, i in zip(every, place, strict=True)]),
        tuple(key for key, _ in column.runs.values()),
    )
