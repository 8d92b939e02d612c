"""What is found when studies or data sets are laid side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bench.compare import Estimate, Paired
from bench.report.lang import template

Agree = Literal["yes", "no", "open"]
AGREEMENTS = (template("yes"), template("no"), template("open"))


@dataclass(frozen=True)
class Side:
    """One arm against its baseline in one of the two: the difference, the verdict and the runs behind it."""

    paired: Paired
    verdict: str
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Gap:
    """How much more an arm gains here than there: a difference of differences; NaN where none exists.

    Attributes:
        mean: difference here minus difference there, in the unit of the metric.
        low: lower end of the 95 % interval.
        high: upper end.
        p: two-sided p of no difference.
        holm: ``p`` adjusted over the arms both have.
        units: units that entered, of both together where they are not paired.
        paired: whether both ran on the same units, so that a unit's difference is taken from its own.
    """

    mean: float
    low: float
    high: float
    p: float
    holm: float
    units: int
    paired: bool

    def on_some(self, here: Side, there: Side) -> bool:
        """Return whether it is of fewer units than the gains of the two, and so not their difference."""
        return self.paired and self.units < max(here.paired.n, there.paired.n)


@dataclass(frozen=True)
class BesideRow:
    """One arm in both.

    Attributes:
        arm: its name here.
        other: its name there.
        here: against the baseline of this study.
        there: against the baseline of the other.
        gap: the difference of the two.
        agree: ``yes`` for the same verdict, ``no`` for two that exclude each other, ``open`` where one of
            them is undecided.
    """

    arm: str
    other: str
    here: Side
    there: Side
    gap: Gap
    agree: Agree


@dataclass(frozen=True)
class Beside:
    """Another study, or the same one on other data, beside this one.

    Attributes:
        name: what it is called in a sentence and in the table.
        study: name of the other study.
        data: title of its data.
        rows: the arms both have, in the order of this one.
        only_here: arms the other one lacks.
        only_there: arms this one lacks.
        paired: whether both ran on the same units.
        notes: says what a reader must know of how the two differ, in the language in use.
    """

    name: str
    study: str
    data: str
    rows: tuple[BesideRow, ...]
    only_here: tuple[str, ...] = ()
    only_there: tuple[str, ...] = ()
    paired: bool = False
    notes: Callable[[], list[str]] = list


@dataclass(frozen=True)
class World:
    """One arm over all data sets: how often it is ahead of the baseline, and its interquartile mean."""

    arm: str
    improvement: Estimate | None
    iqm: Estimate
    difference: Estimate | None
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Worlds:
    """Arms on at least three data sets together, the baseline first."""

    names: tuple[str, ...]
    arms: tuple[World, ...]
