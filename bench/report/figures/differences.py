"""Differences from the baseline, arm by arm."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.figures.marks import (
    VERDICTS,
    canvas,
    compared,
    heights,
    points,
    row,
    thinned,
    together,
    widest,
)
from bench.report.lang import say
from bench.report.metric import in_seconds, readable
from bench.report.style import GREEN, INK, legend, name_rows, titles


def differences(comparison: Comparison) -> Iterator[Sketch]:
    """Draw the paired difference of every unit, its mean and interval, with the verdict beside it."""
    found = compared(comparison)
    if not found:
        return
    arms = widest(found)
    base, rope = comparison.baseline, comparison.evidence.rope
    figure, axes = canvas(len(arms))
    height, frames = heights(comparison, len(arms)), []
    if rope > 0:
        label = say("±{rope:g}: too small to matter", rope=rope)
        axes.axvspan(-rope, rope, color=GREEN, alpha=0.14, lw=0, label=label)
    axes.axvline(0, color=INK, lw=1)
    for place, arm in enumerate(arms):
        assert arm.paired is not None and arm.verdict is not None
        word, interval = arm.verdict.word, arm.paired.interval()
        unit_by_unit = arm.scores - base.scores.reindex(arm.scores.index)
        row(axes, place, unit_by_unit, height, arm.paired.mean, interval, VERDICTS[word])
        aside = ("axes fraction", "data")
        axes.annotate(say(word), (1.01, place), xycoords=aside, va="center", color=INK, size=9)
        frames.append(points(arm.info.name, unit_by_unit, interval, "difference", verdict=word))
    name_rows(axes, [arm.info.name for arm in arms])
    metric = readable(comparison.evidence.metric)
    if in_seconds(comparison.evidence.metric):
        axes.set_xlabel(say("Δ {metric} (s)", metric=metric))
    else:
        axes.set_xlabel(say("Δ {metric} (difference of fractions)", metric=metric))
    title = say("Difference from {arm}", arm=base.info.name)
    titles(figure, title, comparison.evidence.data, len(comparison.changes) - len(arms))
    if rope > 0:
        legend(figure)
    caption = say(
        "Difference from the baseline, unit by unit (small points, one height a unit), with mean and "
        "95 % t interval (large); the band is the region of practical equivalence."
    )
    yield Sketch("differences", caption + thinned(comparison, height), figure, together(frames))
