"""How arms degrade under disturbances: paired within each run, since one run is read clean and disturbed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import pandas as pd

from bench.cell.scores import NAMES
from bench.compare import Paired, Verdict, holm, paired_difference, verdict
from bench.report.comparison import ALPHA, Comparison
from bench.report.evidence import LEARNED, Disturbed, Evidence

MEASURE = "balanced_accuracy"


@dataclass(frozen=True, eq=False)
class Reading:
    """One arm under one disturbance at one strength.

    Attributes:
        disturbed: the disturbance.
        arm: name of the arm.
        reference: whether it is a reference and no arm of the study.
        column: the score, such as ``current.balanced_accuracy``, clean.
        scores: score by unit as disturbed.
        lost: disturbed minus clean, unit by unit.
        runs: the runs behind it.
    """

    disturbed: Disturbed
    arm: str
    reference: bool
    column: str
    scores: pd.Series
    lost: Paired
    runs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Robustness:
    """One arm under one disturbance, the mean of its strengths.

    Attributes:
        name: the disturbance.
        arm: name of the arm.
        column: the score, clean.
        clean: mean clean score.
        lost: mean over strengths of disturbed minus clean, unit by unit.
        against: its change minus the baseline's, unit by unit: above 0 it loses less; None for the baseline.
        holm: p of ``against``, adjusted over all arms and disturbances; NaN for references.
        verdict: on ``against``; None for the baseline and for references.
        runs: the runs behind it.
    """

    name: str
    arm: str
    column: str
    clean: float
    lost: Paired
    against: Paired | None
    runs: tuple[str, ...]
    holm: float = math.nan
    verdict: Verdict | None = None


def column_of(evidence: Evidence, disturbed: Disturbed) -> str:
    """Return the score that a disturbance is shown by: the study's if it acts on that, else the video's."""
    modality, _, measure = evidence.metric.rpartition(".")
    measure = measure if measure in NAMES else MEASURE
    return f"{modality if modality in disturbed.acts_on else disturbed.acts_on[0]}.{measure}"


def readings(comparison: Comparison) -> list[Reading]:
    """Return every arm and reference under every disturbance and strength that has a score."""
    evidence, generator = comparison.evidence, np.random.default_rng(0)
    found = []
    for disturbed in evidence.disturbances:
        column = column_of(evidence, disturbed)
        clean, changed = evidence.scores(column), evidence.scores(f"{disturbed.label}.{column}")
        for info in evidence.of_kind(*LEARNED, "reference"):
            own = changed[info.name].dropna()
            if own.empty:
                continue
            lost = paired_difference(own, clean[info.name].reindex(own.index), generator)
            runs = evidence.runs_of(info.name, own.index)
            found.append(Reading(disturbed, info.name, info.kind == "reference", column, own, lost, runs))
    return found


def robustness(comparison: Comparison) -> list[Robustness]:
    """Return every arm under every disturbance, the strengths averaged, against the baseline.

    Arms other than the baseline form one Holm family over all disturbances; a difference that is smaller than
    the rope does not matter here either.
    """
    evidence, generator = comparison.evidence, np.random.default_rng(0)
    found: list[Robustness] = []
    for name, group in groupby(evidence.disturbances, key=lambda each: each.name):
        strengths = list(group)
        changes = _changes(evidence, strengths)
        column = column_of(evidence, strengths[0])
        base = changes[comparison.baseline.info.name]
        for info in evidence.of_kind(*LEARNED, "reference"):
            own = changes[info.name].dropna()
            if own.empty:
                continue
            zero = np.zeros(len(own))
            against = None
            if info.name != evidence.baseline:
                against = paired_difference(changes[info.name], base, generator)
            clean = float(evidence.scores(column)[info.name].reindex(own.index).mean())
            lost = paired_difference(own, zero, generator)
            runs = evidence.runs_of(info.name, own.index)
            found.append(Robustness(name, info.name, column, clean, lost, against, runs))
    return list(_decided(found, evidence))


def _changes(evidence: Evidence, strengths: list[Disturbed]) -> pd.DataFrame:
    """Return units x arms: disturbed minus clean, the mean of all strengths."""
    parts = []
    for disturbed in strengths:
        column = column_of(evidence, disturbed)
        parts.append(evidence.scores(f"{disturbed.label}.{column}") - evidence.scores(column))
    mean: pd.DataFrame = sum(parts[1:], start=parts[0]) / len(parts)
    return mean


def _decided(found: list[Robustness], evidence: Evidence) -> Iterator[Robustness]:
    """Yield the same with the verdicts of the arms that the study compares."""
    compared = {arm.name for arm in evidence.of_kind("change", "grid")}
    family = [each for each in found if each.arm in compared and each.against is not None]
    adjusted = holm([each.against.sign_flip.p for each in family if each.against])
    p = {id(each): float(value) for each, value in zip(family, adjusted, strict=True)}
    for each in found:
        if id(each) in p and each.against is not None:
            word = verdict(each.against, p[id(each)], evidence.rope, len(family), ALPHA)
            each = replace(each, holm=p[id(each)], verdict=word)
        yield each
