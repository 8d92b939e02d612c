"""Scores by the level of one factor, whatever design the arms form."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable

import pandas as pd

from bench.report.evidence import LEARNED, Evidence

Level = float | str | bool


UNITS = {"lead": "s"}
"""Units of the factors that have one."""


def by_level(evidence: Evidence, factor: str, column: str = "") -> dict[Level, pd.Series]:
    """Return level -> one score column (else the metric) per unit.

    Numbers come in ascending order, words after them in order of appearance.

    Arms that agree in all other factors form a context (a factor an arm does not name is at the
    baseline's level). Only contexts that have every level are averaged, so that each level sees the
    same other factors: all of a full factorial, the baseline's alone in a one-factor-at-a-time
    design. A unit counts for a level where every such arm has a score. Empty where no context has
    at least two levels, or none has all of them.
    """
    base = next(arm for arm in evidence.arms if arm.name == evidence.baseline).levels
    contexts: dict[Hashable, dict[Level, str]] = {}
    seen: dict[Level, None] = {}
    for arm in evidence.of_kind(*LEARNED):
        levels = {**base, **arm.levels}
        if factor in levels:
            context = tuple(sorted((name, str(level)) for name, level in levels.items() if name != factor))
            contexts.setdefault(context, {}).setdefault(levels[factor], arm.name)
            seen[levels[factor]] = None
    full = [arms for arms in contexts.values() if len(arms) == len(seen)]
    if len(seen) < 2 or not full:
        return {}
    scores = evidence.scores(column or evidence.metric)
    found = {
        level: scores[[arms[level] for arms in full]].mean(axis=1, skipna=False).dropna()
        for level in sorted(seen, key=lambda level: float(level) if numeric([level]) else math.inf)
    }
    return {level: unit for level, unit in found.items() if len(unit)}


def numeric(levels: Iterable[Level]) -> bool:
    """Return whether all levels are numbers, so that they have an order of their own."""
    return all(isinstance(level, int | float) and not isinstance(level, bool) for level in levels)
