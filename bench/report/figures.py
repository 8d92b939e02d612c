"""The figures: differences from the baseline, scores by arm, scores by factor level."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.compare import t_interval
from bench.report import curves
from bench.report.comparison import ArmResult, Comparison
from bench.report.levels import UNITS, Level, by_level, numeric
from bench.report.metric import readable, short
from bench.report.search import search_figures
from bench.report.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    VERMILLION,
    image,
    legend,
    name_rows,
    titles,
    wrapped,
)
from bench.report.style import style as _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_VERDICTS = {
    "better": (BLUE, "^"),
    "worse": (VERMILLION, "v"),
    "equivalent": (GREEN, "s"),
    "undecided": (GREY, "o"),
}
_WIDTH, _ROW = 8.0, 0.42  # inches: of a figure, and of an arm in it
_MOST = 64  # rows a figure can hold


@dataclass(frozen=True)
class Drawing:
    """A finished figure: file stem, what it shows in words, SVG and PNG bytes, the table it stands by."""

    name: str
    caption: str
    svg: bytes
    png: bytes
    section: str = "results"


def drawings(comparison: Comparison) -> list[Drawing]:
    """Draw every figure the evidence supports; the same evidence gives the same bytes."""
    whole = " Every unit is a whole search." if comparison.evidence.whole_searches else ""
    made = []
    with _style():
        drawn = chain((("results", *each) for each in _figures(comparison)), search_figures(comparison))
        for section, name, caption, figure in drawn:
            images = image(figure, "svg", name), image(figure, "png", name)
            made.append(Drawing(name, caption + whole, *images, section))
    return made


def _figures(comparison: Comparison) -> Iterator[tuple[str, str, Figure]]:
    compared = [arm for arm in comparison.changes if arm.paired is not None and arm.paired.n > 0]
    if compared:
        caption = (
            "Difference from the baseline, unit by unit (small points, one height a unit), with mean and "
            "95 % t interval (large); the band is the region of practical equivalence."
        )
        yield "differences", caption, _differences(comparison, _widest(compared))
    if any(len(scores) for _, scores, _ in _scored(comparison)):
        caption = "Score of every arm, unit by unit (small points), with mean and 95 % t interval (large)."
        yield "scores", caption, _scores(comparison)
    if found := curves.courses(comparison):
        yield "curves", curves.CAPTION, curves.draw(comparison, found)
    for factor in comparison.evidence.factors:
        levels = by_level(comparison.evidence, factor)
        if len(levels) > 1:
            caption = (
                f"Score by {factor}, unit by unit (small points), with mean and 95 % t interval (large); "
                "averaged over the arms that share a level. Levels are in order, not to scale."
            )
            stem = "factor_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in factor)
            yield stem, caption, _factor(comparison, factor, levels)


def _differences(comparison: Comparison, arms: list[ArmResult]) -> Figure:
    base = comparison.baseline
    figure, axes = _canvas(len(arms))
    height = _heights(comparison)
    rope = comparison.evidence.rope
    if rope > 0:
        axes.axvspan(-rope, rope, color=GREEN, alpha=0.14, lw=0, label=f"±{rope:g}: too small to matter")
    axes.axvline(0, color=INK, lw=1)
    for row, arm in enumerate(arms):
        assert arm.paired is not None and arm.verdict is not None
        colour, marker = _VERDICTS[arm.verdict.word]
        points = arm.scores - base.scores.reindex(arm.scores.index)
        _row(axes, row, points, height, arm.paired.mean, arm.paired.interval(), colour, marker)
        axes.annotate(
            arm.verdict.word, (1.01, row), xycoords=("axes fraction", "data"), va="center", color=INK, size=9
        )
    name_rows(axes, [arm.info.name for arm in arms])
    axes.set_xlabel(f"Δ {readable(comparison.evidence.metric)} (difference of fractions)")
    titles(
        figure,
        f"Difference from {base.info.name}",
        comparison.evidence.data,
        len(comparison.changes) - len(arms),
    )
    if rope > 0:
        legend(figure)
    return figure


def _scores(comparison: Comparison) -> Figure:
    rows = _scored(comparison)
    drawn = rows[:_MOST]
    figure, axes = _canvas(len(drawn))
    height = _heights(comparison)
    _chance(axes, comparison, vertical=True)
    if math.isfinite(comparison.ceiling):
        label = f"exact ceiling ({comparison.ceiling:.3f})"
        axes.axvline(comparison.ceiling, color=ORANGE, lw=1.4, ls="--", label=label)
    for row, (_, scores, (colour, marker)) in enumerate(drawn):
        mean = float(scores.mean()) if len(scores) else math.nan
        _row(axes, row, scores, height, mean, t_interval(scores), colour, marker)
    name_rows(axes, [name for name, _, _ in drawn])
    axes.set_xlabel(f"{readable(comparison.evidence.metric)} (fraction)")
    titles(figure, "Score by arm", comparison.evidence.data, len(rows) - len(drawn))
    legend(figure)
    return figure


def _factor(comparison: Comparison, factor: str, levels: Mapping[Level, pd.Series]) -> Figure:
    from matplotlib.figure import Figure

    width = min(14.0, max(5.0, 1.1 * len(levels) + 2.5))
    figure = Figure(figsize=(width, 4.2), layout="constrained")
    axes = figure.subplots()
    offset = _heights(comparison)
    _chance(axes, comparison, vertical=False)
    if math.isfinite(comparison.ceiling):
        # Each level has a ceiling of its own: a wrong lead leaves less to be known.
        ceilings = by_level(comparison.evidence, factor, "ceiling.balanced_accuracy").values()
        heights = [float(values.mean()) for values in ceilings]
        axes.plot(range(len(heights)), heights, color=ORANGE, lw=1.4, ls="--", label="exact ceiling")
    means = [float(scores.mean()) for scores in levels.values()]
    if numeric(levels):
        axes.plot(range(len(levels)), means, color=BLUE, lw=1, alpha=0.6, zorder=2)
    for place, scores in enumerate(levels.values()):
        x = [place + offset[str(unit)] for unit in scores.index]
        axes.scatter(x, scores, s=16, color=BLUE, alpha=0.55, linewidths=0, zorder=2)
        low, high = t_interval(scores)
        if math.isfinite(low):
            axes.plot([place, place], [low, high], color=BLUE, lw=2.4, solid_capstyle="butt", zorder=3)
        axes.scatter([place], [means[place]], s=36, color=BLUE, edgecolors="white", linewidths=1, zorder=4)
    axes.set_xticks(range(len(levels)), [wrapped(f"{x:g}" if numeric([x]) else str(x), 14) for x in levels])
    axes.set_xlim(-0.5, len(levels) - 0.5)
    axes.grid(axis="x", visible=False)
    axes.set_xlabel(f"{factor} ({UNITS[factor]})" if factor in UNITS else factor)
    axes.set_ylabel(f"{short(comparison.evidence.metric)} (fraction)")
    metric = readable(comparison.evidence.metric)
    titles(figure, f"{metric[:1].upper()}{metric[1:]} by {factor}", comparison.evidence.data)
    legend(figure)
    return figure


def _scored(comparison: Comparison) -> list[tuple[str, pd.Series, tuple[str, str]]]:
    """Return name, scores and look of each row of the figure of scores."""
    all_units = comparison.evidence.scores(comparison.evidence.metric)
    rows = [(arm.info.name, all_units[arm.info.name].dropna(), (BLUE, "o")) for arm in comparison.learned]
    rows += [(c.info.name, c.scores, (GREY, "D")) for c in comparison.controls]
    rows += [(r.name, r.scores, (ORANGE, "s")) for r in comparison.references if r.name != "exact ceiling"]
    return rows


def _widest(arms: list[ArmResult]) -> list[ArmResult]:
    """Return the arms a figure can hold: those with the largest difference, in their own order."""
    size = {arm.info.name: abs(arm.paired.mean) for arm in arms if arm.paired is not None}
    kept = sorted(size, key=lambda name: -size[name])[:_MOST]
    return [arm for arm in arms if arm.info.name in kept]


def _heights(comparison: Comparison) -> dict[str, float]:
    """Return one offset a unit, so that a unit can be followed from row to row."""
    units = comparison.evidence.units
    spread = np.linspace(-0.24, 0.24, len(units)) if len(units) > 1 else [0.0]
    return dict(zip(units, map(float, spread), strict=True))


def _row(
    axes: Axes,
    row: int,
    points: pd.Series,
    height: Mapping[str, float],
    mean: float,
    interval: tuple[float, float],
    colour: str,
    marker: str,
) -> None:
    at = [row + height[str(unit)] for unit in points.index]
    axes.scatter(points, at, s=16, color=colour, alpha=0.55, linewidths=0, zorder=2)
    if math.isfinite(interval[0]):
        axes.plot(interval, [row, row], color=colour, lw=2.4, solid_capstyle="butt", zorder=3)
    axes.scatter([mean], [row], s=38, color=colour, marker=marker, edgecolors="white", linewidths=1, zorder=4)


def _canvas(rows: int) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, 1.7 + _ROW * max(rows, 2)), layout="constrained")
    return figure, figure.subplots()


def _chance(axes: Axes, comparison: Comparison, *, vertical: bool) -> None:
    draw: Any = axes.axvline if vertical else axes.axhline
    if comparison.chance is not None:
        draw(comparison.chance, color=INK, lw=1, ls=":", label=f"chance ({comparison.chance:g})")
