"""What is known of a grid: effects of levels, and whether factors matter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Effect:
    """An effect of one level, or of a pair of levels, in the unit of the score; NaN where unknown.

    Attributes:
        factors: the factor, or the two.
        levels: the level of each.
        estimate: see the field of :class:`Factorial` it stands in.
        se: its standard error.
        df: degrees of freedom of ``se``.
        low: lower end of the t interval.
        high: upper end of the t interval.
        p: two-sided p, not adjusted; NaN for means.
    """

    factors: tuple[str, ...]
    levels: tuple[Any, ...]
    estimate: float
    se: float
    df: int
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Omnibus:
    """Whether a factor (or a pair of factors together) does anything at all; NaN where unknown.

    Attributes:
        factors: the factor, or the two.
        f: F of all its effects being 0; where the grid is balanced against the effect's own variation between
            units, else in the mixed model.
        df: numerator degrees of freedom.
        df_rest: denominator degrees of freedom.
        epsilon: what both shrink by (Greenhouse & Geisser); 1 in the mixed model.
        p: p of ``f``.
        mixed_f: F in the mixed model.
        mixed_df_rest: its denominator degrees of freedom.
        mixed_p: its p; too small where units respond differently to the factors.
        holm: ``p`` adjusted over all omnibus tests.
    """

    factors: tuple[str, ...]
    f: float
    df: int
    df_rest: int
    epsilon: float
    p: float
    mixed_f: float
    mixed_df_rest: int
    mixed_p: float
    holm: float = math.nan


@dataclass(frozen=True, eq=False)
class Factorial:
    """All effects of a grid.

    Attributes:
        levels: factor -> its levels, the first of which contrasts are against; factors with one are left out.
        units: number of units read.
        left_out: number of units left out because they have gaps.
        cells: number of (unit, combination) read.
        missing: combinations of all factors that have no score, over all units.
        balanced: whether every unit has the same combinations; if so every effect is tested against its own
            variation between units, else in the mixed model.
        mean: mean of all combinations over units.
        sd_unit: standard deviation between units, shared by all cells of one.
        sd_rest: standard deviation of what is left.
        effects: level minus the mean of the levels, other factors averaged.
        contrasts: level minus the first level.
        interactions: what two levels together add to the effects of each.
        means: mean at a level, or at two levels, other factors averaged; the interval leaves out what all
            cells of a unit share, so that means may be compared with each other (Loftus & Masson 1994).
        omnibus: one test a factor and one a pair of factors.
        note: what is missing; empty otherwise.
    """

    levels: dict[str, tuple[Any, ...]]
    units: int
    left_out: int
    cells: int
    missing: int
    balanced: bool
    mean: float
    sd_unit: float
    sd_rest: float
    effects: tuple[Effect, ...] = ()
    contrasts: tuple[Effect, ...] = ()
    interactions: tuple[Effect, ...] = ()
    means: tuple[Effect, ...] = ()
    omnibus: tuple[Omnibus, ...] = ()
    note: str = ""
