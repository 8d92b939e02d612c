"""Scores by the levels of one factor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import pandas as pd

from bench.compare import t_interval
from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.figures.marks import chance, heights, points, thinned, together
from bench.report.lang import say
from bench.report.levels import UNITS, Level, by_level, numeric
from bench.report.metric import readable, short, with_unit
from bench.report.style import BLUE, ORANGE, legend, noted, titles, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST = 24  # levels of a factor
_SPREAD = 3  # how much longer than evenly spaced levels an axis to scale may be


def factors(comparison: Comparison) -> Iterator[Sketch]:
    """Draw one figure a factor that has at least two levels with scores."""
    for factor in comparison.evidence.factors:
        levels = by_level(comparison.evidence, factor)
        if len(levels) > 1:
            yield _factor(comparison, factor, levels)


def stem(*names: str) -> str:
    """Return names as part of a file's name."""
    return "_".join("".join(c if c.isascii() and c.isalnum() else "_" for c in name) for name in names)


def axis(factor: str) -> str:
    """Return a factor with its unit."""
    return f"{factor} ({UNITS[factor]})" if factor in UNITS else factor


def level_name(level: Level) -> str:
    """Return a level as text."""
    return f"{level:g}" if numeric([level]) else str(level)


def _factor(comparison: Comparison, factor: str, levels: Mapping[Level, pd.Series]) -> Sketch:
    from matplotlib.figure import Figure

    shown = dict(list(levels.items())[:_MOST])
    places = _places(factor, list(shown))
    scaled = places != list(range(len(shown)))
    gap = min(b - a for a, b in pairwise(places))
    room = 0.6 if numeric(shown) else 1.1  # inches: of a level
    figure = Figure(figsize=(min(14.0, max(5.5, room * len(shown) + 2.5)), 4.2), layout="constrained")
    axes = figure.subplots()
    chance(axes, comparison, vertical=False)
    frames = _ceiling(axes, comparison, factor, list(shown), places)
    means = [float(scores.mean()) for scores in shown.values()]
    if numeric(shown):
        axes.plot(places, means, color=BLUE, lw=1, alpha=0.6, zorder=2)
    offset = heights(comparison, len(shown))
    for place, (level, scores) in zip(places, shown.items(), strict=True):
        some = scores[[str(unit) in offset for unit in scores.index]]
        x = [place + gap * offset[str(unit)] for unit in some.index]
        axes.scatter(x, some, s=16, color=BLUE, alpha=0.55, linewidths=0, zorder=2)
        low, high = t_interval(scores)
        if math.isfinite(low):
            axes.plot([place, place], [low, high], color=BLUE, lw=2.4, solid_capstyle="butt", zorder=3)
        axes.scatter([place], [scores.mean()], s=36, color=BLUE, edgecolors="white", linewidths=1, zorder=4)
        frames.append(points(level_name(level), scores, (low, high)).rename(columns={"arm": factor}))
    axes.set_xticks(places, [wrapped(level_name(level), 14) for level in shown])
    axes.set_xlim(places[0] - 0.5 * gap, places[-1] + 0.5 * gap)
    axes.grid(axis="x", visible=False)
    _label(figure, axes, comparison, factor, len(levels) - len(shown))
    order = say("Levels are to scale.") if scaled else say("Levels are in order, not to scale.")
    caption = say(
        "Score by {factor}, unit by unit (small points), with mean and 95 % t interval (large); "
        "averaged over the arms that share a level.",
        factor=factor,
    )
    return Sketch(
        f"factor_{stem(factor)}",
        f"{caption}{say(' ')}{order}{thinned(comparison, offset)}",
        figure,
        together(frames),
    )


def _places(factor: str, levels: list[Level]) -> list[float]:
    """Return where levels stand: to scale where they have a unit and none would meet its neighbour."""
    even = [float(place) for place in range(len(levels))]
    if factor not in UNITS or not numeric(levels):
        return even
    values = [float(level) for level in levels]
    gap = min(b - a for a, b in pairwise(values))
    return values if values[-1] - values[0] <= _SPREAD * gap * even[-1] else even


def _ceiling(
    axes: Axes, comparison: Comparison, factor: str, shown: list[Level], places: list[float]
) -> list[pd.DataFrame]:
    """Draw the exact ceiling of each level: a wrong lead leaves less to be known."""
    if not math.isfinite(comparison.ceiling):
        return []
    found = by_level(comparison.evidence, factor, "ceiling.balanced_accuracy")
    known = [
        (place, level, float(found[level].mean()))
        for place, level in zip(places, shown, strict=True)
        if level in found
    ]
    if known:
        at, _, ceilings = zip(*known, strict=True)
        axes.plot(at, ceilings, color=ORANGE, lw=1.4, ls="--", label=say("exact ceiling"))
    return [
        pd.DataFrame({factor: [level_name(level)], "unit": ["exact ceiling"], "score": [ceiling]})
        for _, level, ceiling in known
    ]


def _label(figure: Figure, axes: Axes, comparison: Comparison, factor: str, left_out: int) -> None:
    metric = readable(comparison.evidence.metric)
    axes.set_xlabel(axis(factor))
    axes.set_ylabel(with_unit(comparison.evidence.metric, short(comparison.evidence.metric)))
    title = say("{metric} by {factor}", metric=f"{metric[:1].upper()}{metric[1:]}", factor=factor)
    if left_out:
        title = noted(title, say("the first {n} levels", n=_MOST))
    titles(figure, title, comparison.evidence.data)
    legend(figure)
