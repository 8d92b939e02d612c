"""What several figures of scores share: rows with points and intervals, chance, and which arms are drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.report.comparison import ArmResult, Comparison
from bench.report.lang import say
from bench.report.style import BLUE, GREEN, GREY, INK, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VERDICTS = {
    "better": (BLUE, "^"),
    "worse": (VERMILLION, "v"),
    "equivalent": (GREEN, "s"),
    "undecided": (GREY, "o"),
}
"""Colour and marker of a verdict."""
MOST = 64
"""Rows a figure can hold."""
_WIDTH, _ROW = 8.0, 0.42  # inches: of a figure, and of an arm in it
_POINTS, _FEWEST = 3000, 12  # points a figure can hold, and units that are drawn in any case
_TALL = 20  # rows from which on the scale stands on top as well


def compared(comparison: Comparison) -> list[ArmResult]:
    """Return the changes that share a unit with the baseline."""
    return [arm for arm in comparison.changes if arm.paired is not None and arm.paired.n > 0]


def widest(arms: list[ArmResult], most: int = MOST) -> list[ArmResult]:
    """Return the arms a figure can hold: those with the largest difference, in their own order."""
    size = {arm.info.name: abs(arm.paired.mean) for arm in arms if arm.paired is not None}
    kept = set(sorted(size, key=lambda name: -size[name])[:most])
    return [arm for arm in arms if arm.info.name in kept]


def heights(comparison: Comparison, rows: int) -> dict[str, float]:
    """Return one offset a unit, so that a unit can be followed from row to row.

    Of more units than ``rows`` of points can hold, only some are returned, evenly chosen.
    """
    units = comparison.evidence.units
    most = min(len(units), max(_FEWEST, _POINTS // max(rows, 1)))
    units = tuple(
        units[place] for place in np.unique(np.linspace(0, len(units) - 1, most).round().astype(int))
    )
    spread = np.linspace(-0.24, 0.24, len(units)) if len(units) > 1 else [0.0]
    return dict(zip(units, map(float, spread), strict=True))


def thinned(comparison: Comparison, height: Mapping[str, float]) -> str:
    """Return what a caption says of units whose points are not drawn; empty where all are."""
    units = len(comparison.evidence.units)
    if len(height) == units:
        return ""
    return say(" ") + say(
        "Points of {n} of the {units} units; means and intervals are of all.", n=len(height), units=units
    )


def row(
    axes: Axes,
    place: int,
    points: pd.Series,
    height: Mapping[str, float],
    mean: float,
    interval: tuple[float, float],
    look: tuple[str, str],
) -> None:
    """Draw the units of one arm, their mean and its interval."""
    colour, marker = look
    drawn = points[[str(unit) in height for unit in points.index]]
    at = [place + height[str(unit)] for unit in drawn.index]
    axes.plot(drawn, at, "o", ms=4, color=colour, alpha=0.55, mew=0, zorder=2)
    if math.isfinite(interval[0]):
        axes.plot(interval, [place, place], color=colour, lw=2.4, solid_capstyle="butt", zorder=3)
    axes.plot(mean, place, marker, ms=6.2, color=colour, mec="white", mew=1, zorder=4)


def points(
    arm: str, scores: pd.Series, interval: tuple[float, float], value: str = "score", **more: Any
) -> pd.DataFrame:
    """Return what a row draws: one line a unit, with the mean and its interval beside each."""
    mean = float(scores.mean()) if len(scores) else math.nan
    told = {"arm": arm, **more, "unit": scores.index, value: scores.to_numpy()}
    return pd.DataFrame({**told, "mean": mean, "low": interval[0], "high": interval[1]})


def together(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Return frames as one, without the empty ones."""
    full = [frame for frame in frames if len(frame)]
    return pd.concat(full, ignore_index=True) if full else frames[0]


def canvas(rows: int) -> tuple[Figure, Axes]:
    """Return a figure that has a line for each of so many rows."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, 1.7 + _ROW * max(rows, 2)), layout="constrained")
    axes = figure.subplots()
    if rows > _TALL:
        axes.tick_params(axis="x", labeltop=True)
    return figure, axes


def chance(axes: Axes, comparison: Comparison, *, vertical: bool) -> None:
    """Draw the chance level of the metric, if it has one."""
    draw: Any = axes.axvline if vertical else axes.axhline
    if comparison.chance is not None:
        label = say("chance ({level:g})", level=comparison.chance)
        draw(comparison.chance, color=INK, lw=1, ls=":", label=label)
