"""Batch fingerprints: how well codes name the recording, arm by arm, and how that goes with the score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from bench.compare import Within, t_interval, within_correlation
from bench.report.comparison import Comparison
from bench.report.evidence import LEARNED
from bench.report.lang import template

PREFIX = "diagnostics.batch_probe"
PARTS = {"learnt": template("recordings learnt from"), "new": template("new recordings")}
PROBES = {
    "current": template("codes of the current"),
    "video": template("codes of the video"),
    "shared": template("current by codes of the video"),
}
MOST = 24  # arms: of more, only how it goes with the score is told


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """One probe of one arm: skill by unit, its mean and t interval, and the runs behind it."""

    arm: str
    part: str
    probe: str
    skill: pd.Series
    interval: tuple[float, float]
    runs: tuple[str, ...]

    @property
    def mean(self) -> float:
        """Mean over units."""
        return float(self.skill.mean())


@dataclass(frozen=True)
class Relation:
    """How a probe goes with the score within units, over the arms of the study."""

    part: str
    probe: str
    found: Within
    runs: tuple[str, ...]


def fingerprints(comparison: Comparison) -> list[Fingerprint]:
    """Return every probe of every learned arm that has one."""
    evidence = comparison.evidence
    named = {(part, probe): f"{PREFIX}.{part}.{probe}" for part in PARTS for probe in PROBES}
    skill = {what: evidence.scores(name) for what, name in named.items() if name in evidence.runs}
    found = []
    for arm in evidence.of_kind(*LEARNED) if skill else ():
        for (part, probe), table in skill.items():
            own = table[arm.name].dropna()
            if len(own):
                runs = evidence.runs_of(arm.name, own.index)
                found.append(Fingerprint(arm.name, part, probe, own, t_interval(own), runs))
    return found


def relations(comparison: Comparison) -> Iterator[Relation]:
    """Yield how each probe goes with the score, where there are at least three arms."""
    evidence = comparison.evidence
    arms = [arm.name for arm in evidence.of_kind(*LEARNED)]
    score = evidence.scores(evidence.metric)[arms]
    for part in PARTS:
        for probe in PROBES:
            skill = evidence.scores(f"{PREFIX}.{part}.{probe}")[arms]
            both = skill.notna() & score.notna()
            if int(both.any(axis=0).sum()) < 3:
                continue
            runs = tuple(key for arm in arms for key in evidence.runs_of(arm, both.index[both[arm]]))
            yield Relation(part, probe, within_correlation(skill, score), runs)
