"""Mean ranks of several arms, and which of them no test tells apart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from bench.compare import Ranks
from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.lang import count, say
from bench.report.style import BLUE, INK, titles, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINE = 0.39  # inches: of a name
_BAR = 0.18  # inches: of a bar
_BARS = 12  # bars that are drawn: more say no more than that the study was small
_LONGEST = 30  # columns of a line of a name
_ASIDE = 0.07  # how far lines go beyond the scale, as a share of it


def critical(comparison: Comparison) -> Iterator[Sketch]:
    """Draw a critical-difference diagram (Demšar, 2006) whose bars are the groups of the pairwise tests.

    Bars follow the paired tests and not the distance of mean ranks, which depends on the other arms in the
    study (Benavoli, Corani & Mangili, 2016).
    """
    found, arms = comparison.ranks, comparison.ranked_arms
    if found is None or not math.isfinite(found.critical):
        return
    bars = found.cliques[:_BARS]
    figure, axes = _canvas(len(arms), len(bars))
    _names(axes, arms, found)
    for place, bar in enumerate(bars):
        ranks = [found.mean[arm] for arm in bar]
        height = -(place + 1) * _BAR
        axes.plot(
            [min(ranks), max(ranks)], [height] * 2, color=BLUE, lw=3.2, solid_capstyle="round", zorder=3
        )
        axes.plot(ranks, [height] * len(ranks), "o", color=BLUE, ms=5.5, mec="white", mew=0.8, zorder=4)
    units = count(found.units, "{n} unit", "{n} units")
    titles(figure, say("Mean ranks over {units}, 1 is best", units=units), comparison.evidence.data)
    yield Sketch("critical_difference", _caption(found), figure, _data(arms, found), "ranks")


def _canvas(arms: int, bars: int) -> tuple[Figure, Axes]:
    """Return axes in inches downward: the scale of ranks on top, bars below it, names at both sides."""
    from matplotlib.figure import Figure

    depth = (bars + 1) * _BAR + math.ceil(arms / 2) * _LINE
    figure = Figure(figsize=(9.0, depth + 1.25), layout="constrained")
    axes = figure.subplots()
    axes.set_ylim(-depth, 0.0)
    axes.set_xlim(1 - _ASIDE * arms, arms + _ASIDE * arms)
    axes.spines[["bottom", "left", "right"]].set_visible(False)
    axes.spines["top"].set_visible(True)
    axes.spines["top"].set_bounds(1, arms)
    axes.xaxis.tick_top()
    axes.set_xticks(range(1, arms + 1, math.ceil(arms / 10)))
    axes.set_yticks([])
    axes.grid(False)
    axes.tick_params(axis="x", length=4, top=True)
    axes.set_xlabel(say("mean rank"))
    axes.xaxis.set_label_position("top")
    return figure, axes


def _names(axes: Axes, arms: Sequence[str], found: Ranks) -> None:
    """Write the better half at the left, best on top, and the worse half at the right, worst on top."""
    order, half, top = found.order, math.ceil(len(arms) / 2), _BAR * (min(len(found.cliques), _BARS) + 1)
    sides = {"right": order[:half], "left": tuple(reversed(order[half:]))}
    for (alignment, side), end in zip(sides.items(), axes.get_xlim(), strict=True):
        for line, arm in enumerate(side):
            height = -top - (line + 0.5) * _LINE
            axes.plot([found.mean[arm]] * 2 + [end], [0, height, height], color=INK, lw=0.9, zorder=2)
            away = -1 if alignment == "right" else 1
            for said, points in ((f"{found.mean[arm]:.2f}", 4), (wrapped(arms[arm], _LONGEST), 36)):
                axes.annotate(
                    said, (end, height), (away * points, 0), textcoords="offset points", ha=alignment,
                    va="center", size=9, color=INK,
                )  # fmt: skip


def _caption(found: Ranks) -> str:
    parts = [
        say(
            "Critical-difference diagram (Demšar, 2006): mean rank of each arm within the units that have a "
            "score of every arm. A bar joins arms of which no pair is told apart (paired sign-flip tests, "
            "step-down Holm over all pairs, {alpha:g}); its members have a dot.",
            alpha=found.alpha,
        ),
        say(
            "Friedman test by permutation: p = {p:.3g}; Nemenyi's critical difference would be "
            "{critical:.2f} ranks.",
            p=found.p,
            critical=found.critical,
        ),
    ]
    if not found.cliques:
        parts.append(say("Every pair is told apart."))
    if len(found.cliques) > _BARS:
        parts.append(say("The first {n} of {all} bars.", n=_BARS, all=len(found.cliques)))
    if found.left_out:
        parts.append(
            count(
                found.left_out,
                "{n} unit without a score of every arm is left out.",
                "{n} units without a score of every arm are left out.",
            )
        )
    return say(" ").join(parts)


def _data(arms: Sequence[str], found: Ranks) -> pd.DataFrame:
    """Return one row an arm, best first, with the numbers of the bars it belongs to."""
    bars = [[str(i + 1) for i, bar in enumerate(found.cliques) if arm in bar] for arm in range(len(arms))]
    rows = [
        {"arm": arms[arm], "mean_rank": found.mean[arm], "units": found.units, "bars": " ".join(bars[arm])}
        for arm in found.order
    ]
    return pd.DataFrame(rows)
