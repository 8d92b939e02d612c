"""Episodes warned of against false alarms, and how long before the video shows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.lang import say
from bench.report.style import GREY, INK, grid, legend, series, spaced, titles, wrapped
from bench.report.tables.warnings import HEARD
from bench.report.warned import Warned, WarningResult
from bench.warning import MAIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 8
"""Lines of a panel."""


def warnings(comparison: Comparison) -> Iterator[Sketch]:
    """Draw the operating curves beside the share of episodes warned of at least so many seconds before."""
    found = comparison.warnings
    if found is None or not found.results:
        return
    drawn = _drawn(found, comparison)
    figure, (left, right) = grid(2, 2, 9.6, 3.6, share=True)
    spaced(figure)
    _curves(left, drawn, found)
    _ahead(right, drawn, found)
    titles(figure, say("Early warning"), comparison.evidence.data, len(found.results) - len(drawn))
    legend(figure, fit=True)
    caption = say(
        "Left: share of episodes warned of before the video shows them against false alarms per hour on the "
        "test part, a point for each rate that a rule was chosen for on validation; the large one is the "
        "rate of the table ({budget:g} an hour). Right: share of all episodes warned of at least so long "
        "before the video shows them, by that rule; below 0 s the alarm comes after. Means over units.",
        budget=found.budget,
    )
    yield Sketch("warnings", caption, figure, _tidy(drawn, found), "warnings")


def _drawn(found: Warned, comparison: Comparison) -> list[WarningResult]:
    """Return the baseline from every source, then other arms while there is room, references first."""
    base = comparison.baseline.info.name
    references = {arm.name for arm in comparison.evidence.of_kind("reference")}
    order = sorted(
        range(len(found.results)),
        key=lambda i: (found.results[i].arm != base, found.results[i].arm not in references, i),
    )
    return [found.results[i] for i in sorted(order[:MOST])]


def _curves(axes: Axes, drawn: list[WarningResult], found: Warned) -> None:
    for place, each in enumerate(drawn):
        colour, dash = series(place)
        rate, share, _ = each.course
        axes.plot(rate, share, dash, color=colour, lw=1.6, marker="o", ms=3, label=_name(each))
        axes.scatter(rate[MAIN], share[MAIN], s=46, color=colour, edgecolors="white", lw=0.9, zorder=4)
    rate, _, chance = drawn[0].course
    order = np.argsort(rate)
    axes.plot(rate[order], chance[order], "-.", color=GREY, lw=1.2, label=say("random alarms"))
    axes.axvline(found.budget, color=INK, lw=0.8, ls=":", zorder=1)
    axes.set_xlim(left=0)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(say("false alarms per hour"))
    axes.set_ylabel(say("share of episodes warned"))


def _ahead(axes: Axes, drawn: list[WarningResult], found: Warned) -> None:
    for place, each in enumerate(drawn):
        colour, dash = series(place)
        ahead, share = survival(each.seconds)
        axes.step(ahead, share, dash, color=colour, lw=1.6, where="pre")
    axes.axvline(0, color=INK, lw=0.8, ls=":", zorder=1)
    axes.set_xlim(found.horizon, -min(found.horizon, 240.0))
    axes.set_xlabel(say("at least so long before the video shows it (s)"))


def survival(seconds: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return warnings in ascending order, and the share of all episodes with at least each.

    >>> [each.tolist() for each in survival(np.array([120.0, np.nan, -30.0, 120.0]))]
    [[-30.0, 120.0], [0.75, 0.5]]
    """
    known, often = np.unique(seconds[np.isfinite(seconds)], return_counts=True)
    return known, np.cumsum(often[::-1])[::-1] / max(len(seconds), 1)


def _name(each: WarningResult) -> str:
    return wrapped(say("{arm}: {source}", arm=each.arm, source=say(HEARD[each.source])), 34)


def _tidy(drawn: list[WarningResult], found: Warned) -> pd.DataFrame:
    """Return one row a point of a curve, then one a step of a distribution."""
    curves = [
        {"panel": "curve", "arm": each.arm, "source": each.source, "false_alarms_per_hour": rate,
         "seconds": np.nan, "share": share, "by_chance": chance, "table": place == MAIN}
        for each in drawn
        for place, (rate, share, chance) in enumerate(each.course.T)
    ]  # fmt: skip
    ahead = [
        {"panel": "ahead", "arm": each.arm, "source": each.source, "false_alarms_per_hour": np.nan,
         "seconds": second, "share": share, "by_chance": np.nan, "table": True}
        for each in drawn
        for second, share in zip(*survival(each.seconds), strict=True)
    ]  # fmt: skip
    return pd.DataFrame([*curves, *ahead])
