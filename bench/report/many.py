"""More than two arms at once: ranks, the factors of a grid, the looks of a sequential design."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.compare import Factorial, Look, Ranks, Sequential, differences, factorial, ranked
from bench.report.evidence import ArmInfo, Evidence
from bench.report.levels import numeric
from bench.report.reader import Reader
from bench.report.results import ALPHA, ArmResult

RANKED = range(3, 21)
"""Numbers of arms of which all pairs can still be read."""
_UNIT, _SCORE = " unit", " score"  # no factor has a name like these


def ranks(reader: Reader, learned: Sequence[ArmResult], seed: int) -> Ranks | None:
    """Rank the arms on the units on which each has a score; None for too few or too many of them.

    Arms without any score are no reason to leave all the others out, so ranks are of every learned arm
    only where each has one.
    """
    if len(learned) not in RANKED:
        return None
    scores = reader.scores[[arm.info.name for arm in learned]].to_numpy()
    found = ranked(scores, np.random.default_rng([seed, 3]), alpha=ALPHA)
    return found if found.units >= 2 else None


def effects(reader: Reader) -> Factorial | None:
    """Return what each factor of the grid does; None without a grid or without scores of it.

    The baseline belongs to the grid where it is one of its combinations. Its levels come first, so
    that contrasts are against what the study takes for granted.
    """
    evidence = reader.evidence
    grid = evidence.of_kind("grid")
    base = next(arm for arm in evidence.arms if arm.name == evidence.baseline)
    factors = [name for name in evidence.factors if any(name in arm.levels for arm in grid)]
    if not grid or not factors:
        return None
    cells = [arm for arm in (base, *grid) if set(factors) <= set(arm.levels)]
    levels = {name: _levels(name, cells, base) for name in factors}
    rows = [
        {_UNIT: str(unit), _SCORE: score, **{name: str(arm.levels[name]) for name in factors}}
        for arm in cells
        for unit, score in reader.scores[arm.name].dropna().items()
    ]
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    for name in factors:
        frame[name] = pd.Categorical(frame[name], categories=levels[name])
    return factorial(frame, factors, _SCORE, _UNIT)


def looks(evidence: Evidence, reader: Reader, changes: Sequence[ArmResult]) -> tuple[tuple[str, Look], ...]:
    """Return what the sequential rule says of each change; empty where no looks were declared."""
    if not evidence.looks or not changes:
        return ()
    control = reader.scores[evidence.baseline].to_numpy()
    gaps = [differences(reader.scores[arm.info.name].to_numpy(), control) for arm in changes]
    found = Sequential(evidence.looks, ALPHA).family(gaps)
    return tuple((arm.info.name, look) for arm, look in zip(changes, found, strict=True))


def _levels(factor: str, cells: Sequence[ArmInfo], base: ArmInfo) -> list[str]:
    values = list(dict.fromkeys(arm.levels[factor] for arm in cells))
    if numeric(values):
        values.sort(key=float)
    first = [value for value in values if value == base.levels.get(factor)]
    return list(dict.fromkeys(str(value) for value in (*first, *values)))
