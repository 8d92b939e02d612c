"""Scores of all arms, controls and references."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from bench.compare import t_interval
from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.figures.marks import MOST, canvas, chance, heights, points, row, thinned, together
from bench.report.lang import say
from bench.report.metric import readable, with_unit
from bench.report.style import BLUE, GREY, ORANGE, legend, name_rows, titles


@dataclass(frozen=True, eq=False)
class _Row:
    name: str
    kind: str
    scores: pd.Series
    look: tuple[str, str]


def scores(comparison: Comparison) -> Iterator[Sketch]:
    """Draw the score of every unit by arm, with chance and the exact ceiling where they are known."""
    rows = _rows(comparison)
    if not any(len(each.scores) for each in rows):
        return
    drawn = rows[:MOST]
    figure, axes = canvas(len(drawn))
    height, frames = heights(comparison, len(drawn)), []
    chance(axes, comparison, vertical=True)
    if math.isfinite(comparison.ceiling):
        label = say("exact ceiling ({score:.3f})", score=comparison.ceiling)
        axes.axvline(comparison.ceiling, color=ORANGE, lw=1.4, ls="--", label=label)
    for place, each in enumerate(drawn):
        mean = float(each.scores.mean()) if len(each.scores) else math.nan
        interval = t_interval(each.scores)
        row(axes, place, each.scores, height, mean, interval, each.look)
        frames.append(points(each.name, each.scores, interval, kind=each.kind))
    name_rows(axes, [each.name for each in drawn])
    axes.set_xlabel(with_unit(comparison.evidence.metric, readable(comparison.evidence.metric)))
    titles(figure, say("Score by arm"), comparison.evidence.data, len(rows) - len(drawn))
    legend(figure)
    caption = say("Score of every arm, unit by unit (small points), with mean and 95 % t interval (large).")
    yield Sketch("scores", caption + thinned(comparison, height), figure, together(frames))


def _rows(comparison: Comparison) -> list[_Row]:
    all_units = comparison.evidence.scores(comparison.evidence.metric)
    found = [
        _Row(arm.info.name, arm.info.kind, all_units[arm.info.name].dropna(), (BLUE, "o"))
        for arm in comparison.learned
    ]
    found += [_Row(each.info.name, "control", each.scores, (GREY, "D")) for each in comparison.controls]
    # The exact ceiling is a line, not a row.
    return found + [
        _Row(each.name, "reference", each.scores, (ORANGE, "s"))
        for each in comparison.references
        if each.name != "exact ceiling"
    ]
