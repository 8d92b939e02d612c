"""Two factors of a grid at a time: does the effect of one depend on the level of the other?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

import pandas as pd

from bench.compare import Effect
from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.figures.factors import axis, stem
from bench.report.lang import say
from bench.report.levels import UNITS
from bench.report.metric import short, with_unit
from bench.report.style import grid, legend, noted, series, titles, wrapped

_FIGURES = 3  # pairs of factors that are drawn, in the order of the study
_LINES, _LEVELS = 6, 16
Means = dict[tuple[str, ...], Effect]


def interactions(comparison: Comparison) -> Iterator[Sketch]:
    """Draw one figure a pair of factors whose levels all meet."""
    found = comparison.effects
    if found is None:
        return
    means: dict[tuple[str, ...], Means] = {pair: {} for pair in combinations(found.levels, 2)}
    for each in found.means:
        if each.factors in means:
            means[each.factors][tuple(map(str, each.levels))] = each
    levels = {name: _ordered(tuple(map(str, each))) for name, each in found.levels.items()}
    whole = [pair for pair in means if len(means[pair]) == math.prod(len(levels[name]) for name in pair)]
    for pair in whole[:_FIGURES]:
        yield _figure(comparison, {name: levels[name] for name in pair}, means[pair])


def _number(level: str) -> float:
    """Return a level as a number; NaN for a word."""
    try:
        return float(level)
    except ValueError:
        return math.nan


def _ordered(levels: tuple[str, ...]) -> tuple[str, ...]:
    """Return numbers in ascending order and, after them, words as they come."""
    numbers = {level: _number(level) for level in levels}
    return tuple(sorted(levels, key=lambda level: math.inf if math.isnan(numbers[level]) else numbers[level]))


def _figure(comparison: Comparison, levels: dict[str, tuple[str, ...]], means: Means) -> Sketch:
    # The factor with an order of its own goes along the axis, of two such the one with more levels.
    along, other = sorted(levels, key=lambda name: (math.isnan(_number(levels[name][0])), -len(levels[name])))
    turned = list(levels) != [along, other]
    at, lines = levels[along][:_LEVELS], levels[other][:_LINES]
    figure, (axes,) = grid(1, 1, max(6.0, 1.0 * len(at) + 3.0), 3.2)
    rows = []
    for place, line in enumerate(lines):
        colour, dash = series(place)
        cells = [means[(line, level) if turned else (level, line)] for level in at]
        x = [i + 0.07 * (place - (len(lines) - 1) / 2) for i in range(len(at))]
        label = wrapped(f"{other} = {line}{_unit(other)}", 34)
        heights = [cell.estimate for cell in cells]
        axes.plot(
            x, heights, dash, color=colour, lw=1.8, marker="o", ms=5, mec="white", label=label, zorder=3
        )
        for where, cell in zip(x, cells, strict=True):
            if math.isfinite(cell.low):
                axes.plot([where] * 2, [cell.low, cell.high], color=colour, lw=1.6, alpha=0.8, zorder=2)
        rows += [
            {
                along: level,
                other: line,
                "mean": c.estimate,
                "low": c.low,
                "high": c.high,
            }
            for level, c in zip(at, cells, strict=True)
        ]
    axes.set_xticks(range(len(at)), [wrapped(level, 14) for level in at])
    axes.set_xlim(-0.5, len(at) - 0.5)
    axes.grid(axis="x", visible=False)
    axes.set_xlabel(axis(along))
    axes.set_ylabel(with_unit(comparison.evidence.metric, short(comparison.evidence.metric)))
    title = say("{first} and {second} together", first=along, second=other)
    if len(at) < len(levels[along]) or len(lines) < len(levels[other]):
        title = noted(title, say("the first {n} × {m} levels", n=len(at), m=len(lines)))
    titles(figure, title, comparison.evidence.data)
    legend(figure, fit=True)
    caption = say(
        "Mean score where a level of {first} meets one of {second}, averaged over all other factors, with "
        "95 % intervals within units: what all scores of a unit share is left out, so that the points may be "
        "compared with each other. Parallel lines mean no interaction.",
        first=along,
        second=other,
    )
    return Sketch(f"interaction_{stem(along, other)}", caption, figure, pd.DataFrame(rows), "factors")


def _unit(factor: str) -> str:
    return f" {UNITS[factor]}" if factor in UNITS else ""
