"""Reads the evidence once and hands out scores, keys and results by arm."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from bench.compare import Paired, fail_rate, paired_difference, t_interval
from bench.report.evidence import ArmInfo, Evidence
from bench.report.lang import template
from bench.report.metric import beside, modality_of
from bench.report.results import CEILED, CEILING, ArmResult, ControlResult, ReferenceResult
from bench.warning import MEASURES

VIDEO = template("video of the baseline")
EXACT = template("exact ceiling")
ALL_THE_CURRENT = template("the exact posterior given all the current so far, through the same rules")


class Reader:
    """Scores of every arm by unit, and what follows from them alone."""

    def __init__(self, evidence: Evidence, generator: np.random.Generator) -> None:
        self.evidence, self.generator = evidence, generator
        self.measure = evidence.metric.rsplit(".", 1)[1]
        self.scores = evidence.scores(evidence.metric)
        self.auroc = evidence.scores(f"{modality_of(evidence.metric)}.auroc")
        early = {name: f"warning.current.{name}" for name in MEASURES}
        self.warnings = {name: evidence.scores(c) for name, c in early.items() if c in evidence.runs}
        self.planned = len(evidence.units)
        self.outcomes = {str(arm): list(rows) for arm, rows in evidence.runs.groupby("arm")["outcome"]}
        cpu = "cost.cpu_seconds"
        spent = evidence.finished.groupby("arm")
        self.cpu = spent[cpu].mean() if cpu in evidence.runs else pd.Series(dtype=float)
        balanced = evidence.simulated and evidence.metric == CEILED
        above = evidence.scores("ceiling.balanced_accuracy") - 0.5
        self.skill = (self.scores - 0.5) / above.where(above > 0) if balanced else self.scores * math.nan

    def arm(
        self, info: ArmInfo, partner: ArmResult | None = None, generator: np.random.Generator | None = None
    ) -> ArmResult:
        """Return an arm, on the units it shares with a partner if there is one, tested with a generator."""
        own = self.scores[info.name].dropna()
        fails = fail_rate(own, self.outcomes.get(info.name, []))
        paired: Paired | None = None
        paired_runs: tuple[str, ...] = ()
        if partner is not None:
            own = own[own.index.isin(partner.scores.index)]
            paired = paired_difference(own, partner.scores.reindex(own.index), generator or self.generator)
            paired_runs = self.evidence.runs_of(partner.info.name, own.index)
        runs = self.evidence.runs_of(info.name, own.index)
        return ArmResult(
            info,
            self.planned,
            own,
            self._mean(self.auroc, own.index, info.name),
            self._mean(self.skill, own.index, info.name),
            float(self.cpu.get(info.name, math.nan)),
            fails,
            runs,
            paired_runs + runs if paired else (),
            paired,
            warnings={name: self._mean(table, own.index, info.name) for name, table in self.warnings.items()},
        )

    def _mean(self, scores: pd.DataFrame, units: pd.Index, arm: str) -> float:
        """Return the mean of an arm over units, those without a value left out; NaN for none."""
        values = scores[arm].to_numpy()[scores.index.get_indexer(units)]
        known = values[np.isfinite(values)]
        return float(known.mean()) if known.size else math.nan

    def control(self, info: ArmInfo, chance: float | None) -> ControlResult:
        """Return a control, and whether it lies where it must."""
        own = self.scores[info.name].dropna()
        low, high = t_interval(own)
        known = chance is not None and math.isfinite(low)
        return ControlResult(
            info,
            self.planned,
            own,
            self._mean(self.auroc, own.index, info.name),
            (low, high),
            bool(low <= (chance or 0.0) <= high) if known else None,
            fail_rate(own, self.outcomes.get(info.name, [])),
            self.evidence.runs_of(info.name, own.index),
        )

    def references(self, baseline: ArmResult) -> Iterator[ReferenceResult]:
        """Yield the reference arms, then what the baseline's own runs say about the ceiling."""
        video, ceiling = (beside(self.evidence.metric, source) for source in ("video", "ceiling"))
        exact = ALL_THE_CURRENT if ceiling.startswith("warning.") else CEILING
        for info in self.evidence.of_kind("reference"):
            # A reference that has one modality to read reports no score of another, nor of both.
            columns = (self.evidence.metric, video, beside(self.evidence.metric, "current"))
            told = (name for name in columns if self.evidence.scores(name)[info.name].notna().any())
            column = next(told, video)
            yield self._reference(info.name, info.change or info.note, column, info.name, baseline)
        for name, column, what in (
            (VIDEO, video, template("the baseline's head read on the video itself")),
            (EXACT, ceiling, exact),
        ):
            found = self.evidence.scores(column)[baseline.info.name]
            if column != self.evidence.metric and found.notna().any():
                yield self._reference(name, what, column, baseline.info.name, baseline)

    def _reference(self, name: str, what: str, column: str, arm: str, baseline: ArmResult) -> ReferenceResult:
        own = self.evidence.scores(column)[arm].dropna()
        shared = baseline.scores.index.intersection(own.index, sort=False)
        difference = paired_difference(baseline.scores[shared], own[shared], self.generator)
        runs = self.evidence.runs_of(arm, own.index)
        both = self.evidence.runs_of(baseline.info.name, shared) + self.evidence.runs_of(arm, shared)
        both = tuple(dict.fromkeys(both))
        return ReferenceResult(name, what, column, self.planned, own, difference, runs, both)
