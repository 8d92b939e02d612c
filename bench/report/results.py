"""What a comparison finds: frozen numbers by arm, control and reference, before any of it is text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from bench.compare import (
    CorrectedT,
    Factorial,
    FailRate,
    GroupInterval,
    Look,
    Paired,
    Ranks,
    RopeProbabilities,
    TwoLevel,
    Verdict,
    Wilcoxon,
    WorstCase,
    t_interval,
)
from bench.report.evidence import ArmInfo, Evidence
from bench.report.lang import template
from bench.report.metric import in_seconds
from bench.report.side import Beside, Worlds
from bench.report.table import FEWEST, decimals
from bench.report.warned import Warned

ALPHA = 0.05
SHUFFLED = "shuffled_pairs"  # the control that keeps everything but the pairing of the modalities
#: The one score whose exact ceiling is known.
CEILED = "current.balanced_accuracy"
CEILING = template(
    "exact posterior of an observer that sees what a method sees: the current window alone, not the history "
    "before it, its gain unknown"
)


@dataclass(frozen=True)
class Details:
    """What else a pair of arms shows; NaN or None where a number does not exist.

    Attributes:
        wilcoxon: signed-rank test of the differences (Pratt's zeros).
        walsh: Hodges-Lehmann estimate of the difference with its interval.
        flipped: interval of the difference that belongs to the sign-flip test.
        effect: interval of d_z.
        wins: Wilson interval of the share of pairs won.
        tost: p of the two one-sided tests of equivalence within the rope.
        rope: probabilities of worse, equivalent and better (Bayesian correlated t).
        exploratory: p adjusted by Benjamini & Hochberg: a rate of false finds, not an error of the family.
        corrected: corrected resampled t, where training sets overlap.
        worst: what missing pairs could change; None where none is missing.
    """

    wilcoxon: Wilcoxon
    walsh: tuple[float, float, float]
    flipped: tuple[float, float]
    effect: tuple[float, float]
    wins: tuple[float, float]
    tost: float
    rope: RopeProbabilities
    exploratory: float
    corrected: CorrectedT | None
    worst: WorstCase | None


@dataclass(frozen=True, eq=False)
class ArmResult:
    """A learned arm. ``scores`` are those of its complete pairs (the baseline: of all its units).

    ``best`` says that it is the best arm or one that the test does not tell apart from it;
    ``seeds_needed`` are the units that would decide an undecided arm, None where that is unknown.
    ``warnings`` are the means of what its alarms from the current alone are worth, by measure.
    """

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
    seeds_needed: int | None = None
    best: bool = False
    details: Details | None = None
    warnings: Mapping[str, float] = field(default_factory=dict)


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


@dataclass(frozen=True)
class BatchResult:
    """The metric of an arm minus that of the baseline, on new batches with new seeds."""

    arm: str
    found: TwoLevel
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Digits:
    """Decimals of scores and of differences in the table of results."""

    score: int = 3
    difference: int = 3


@dataclass(frozen=True, eq=False)
class Comparison:
    """All results of a report.

    Attributes:
        evidence: what it was made from.
        chance: chance level of the metric; None where it has none.
        baseline: the arm that all others are compared with.
        changes: the changes and grid arms: the tested family.
        controls: what must stay at chance.
        references: other scores, ceilings among them.
        by_group: AUROC differences by recording.
        unread: the runs that comparisons by recording lack because their predictions cannot be read.
        new_batches: differences from the baseline where recordings and seeds are both resampled.
        left_out: arms that comparisons by recording lack because there are too many predictions to read.
        ranks: every learned arm against every other; None unless 3 to 20 of them have units in common.
        effects: what each factor of a grid does; None without a grid.
        looks: the sequential rule, arm by arm; empty where the study declares no looks.
        beside: other studies or data sets, side by side with this one.
        worlds: arms on at least three data sets together; None with fewer.
        warnings: what alarms were worth; None where no run has any on record.
    """

    evidence: Evidence
    chance: float | None
    baseline: ArmResult
    changes: tuple[ArmResult, ...]
    controls: tuple[ControlResult, ...]
    references: tuple[ReferenceResult, ...]
    by_group: tuple[GroupResult, ...]
    unread: tuple[str, ...] = ()
    new_batches: tuple[BatchResult, ...] = ()
    left_out: tuple[str, ...] = ()
    ranks: Ranks | None = None
    effects: Factorial | None = None
    looks: tuple[tuple[str, Look], ...] = ()
    beside: tuple[Beside, ...] = ()
    worlds: Worlds | None = None
    warnings: Warned | None = None

    @property
    def learned(self) -> tuple[ArmResult, ...]:
        """The baseline and the changes."""
        return (self.baseline, *self.changes)

    @property
    def ranked_arms(self) -> tuple[str, ...]:
        """The names that the indices of ``ranks`` stand for."""
        return tuple(arm.info.name for arm in self.learned)

    @cached_property
    def ceiling(self) -> float:
        """The mean exact ceiling over the units of the baseline; NaN where there is none."""
        values = self.evidence.scores("ceiling.balanced_accuracy")[self.evidence.baseline]
        balanced = self.evidence.metric == CEILED
        return float(values.mean()) if balanced and values.notna().any() else math.nan

    @cached_property
    def digits(self) -> Digits:
        """The decimals that the uncertainty of scores and differences supports."""
        scores = [_half(t_interval(arm.scores)) for arm in self.learned]
        pairs = [_half(arm.paired.interval()) for arm in self.changes if arm.paired is not None]
        fewest = 0 if in_seconds(self.evidence.metric) else FEWEST
        score = decimals(scores, fewest=fewest)
        return Digits(score, decimals(pairs, otherwise=score, fewest=fewest))


def _half(interval: tuple[float, float]) -> float:
    return (interval[1] - interval[0]) / 2
