"""Every figure the evidence supports, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from bench.report.comparison import Comparison
from bench.report.drawing import Drawing, Sketch
from bench.report.figures.agreement import agreement
from bench.report.figures.confusion import confusion
from bench.report.figures.course import course
from bench.report.figures.critical import critical
from bench.report.figures.curves import curves
from bench.report.figures.differences import differences
from bench.report.figures.epochs import epochs
from bench.report.figures.example import example
from bench.report.figures.factors import factors
from bench.report.figures.fingerprints import fingerprints
from bench.report.figures.interaction import interactions
from bench.report.figures.reliability import reliability
from bench.report.figures.robustness import robustness
from bench.report.figures.scores import scores
from bench.report.figures.slopes import slopes
from bench.report.figures.space import space
from bench.report.figures.usage import usage
from bench.report.figures.warnings import warnings
from bench.report.lang import say
from bench.report.search import search_figures
from bench.report.spread import LARGE, spread
from bench.report.style import style

T = TypeVar("T")

FIGURES: tuple[Callable[[Comparison], Iterator[Sketch]], ...] = (
    differences,
    scores,
    slopes,
    critical,
    factors,
    interactions,
    warnings,
    example,
    epochs,
    robustness,
    fingerprints,
    curves,
    confusion,
    reliability,
    usage,
    agreement,
    course,
    space,
    search_figures,
)


def drawings(comparison: Comparison) -> list[Drawing]:
    """Draw every figure; the same evidence gives the same bytes."""
    return drawings_beside(comparison, dict)[0]


def drawings_beside(comparison: Comparison, work: Callable[[], T]) -> tuple[list[Drawing], T]:
    """Draw every figure and do other work, side by side where the study is large."""
    searched = comparison.evidence.whole_searches
    note = say(" ") + say("Every unit is a whole search.") if searched else ""
    drawn = [partial(_drawn, figure, comparison, note) for figure in FIGURES]
    with style():
        found: list[Any] = spread([work, *drawn], worth=len(comparison.evidence.runs) >= LARGE)
    return [drawing for part in found[1:] for drawing in part], found[0]


def _drawn(
    figure: Callable[[Comparison], Iterator[Sketch]], comparison: Comparison, note: str
) -> list[Drawing]:
    return [sketch.drawing(note) for sketch in figure(comparison)]


def sketches(comparison: Comparison) -> Iterator[Sketch]:
    """Yield every figure, in the style in use."""
    for figure in FIGURES:
        yield from figure(comparison)
