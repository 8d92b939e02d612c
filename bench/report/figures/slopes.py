"""From the baseline to an arm, one line a unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.report.comparison import ArmResult, Comparison
from bench.report.drawing import Sketch
from bench.report.figures.marks import compared, widest
from bench.report.lang import say
from bench.report.metric import short, with_unit
from bench.report.style import BLUE, GREY, INK, VERMILLION, grid, legend, titles, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS = 6
_LINES = 100  # units that can be told apart at all


def slopes(comparison: Comparison) -> Iterator[Sketch]:
    """Draw the pairs themselves: what a mean difference may hide, such as one unit that decides it."""
    found = compared(comparison)
    if not found:
        return
    arms = widest(found, _PANELS)
    figure, panels = grid(len(arms), len(arms), max(6.2, 1.5 * len(arms) + 1.4), 3.0)
    frames = []
    for axes, arm in zip(panels, arms, strict=True):
        frames.append(_panel(axes, arm, comparison.baseline))
    panels[0].set_ylabel(with_unit(comparison.evidence.metric, short(comparison.evidence.metric)))
    title = say("From {arm} to each arm, unit by unit", arm=comparison.baseline.info.name)
    titles(figure, title, comparison.evidence.data, len(comparison.changes) - len(arms))
    for colour, dash, label in (
        (BLUE, "-", say("higher")),
        (VERMILLION, "--", say("lower")),
        (INK, "-", say("mean")),
    ):
        panels[0].plot([], [], dash, color=colour, lw=2.4 if colour == INK else 1.2, label=label)
    legend(figure, fit=True)
    caption = say(
        "Every unit from the baseline (left) to the arm (right); the mean of the pairs in bold. "
        "Lines that cross show units that disagree on the arm."
    )
    units = max(len(arm.scores) for arm in arms)
    if units > _LINES:
        caption += say(" ") + say("The first {n} of {units} units.", n=_LINES, units=units)
    if len(arms) < len(found):
        caption += say(" ") + say("The {n} arms with the largest difference.", n=len(arms))
    yield Sketch("slopes", caption, figure, pd.concat(frames, ignore_index=True))


def _panel(axes: Axes, arm: ArmResult, base: ArmResult) -> pd.DataFrame:
    from matplotlib.collections import LineCollection

    assert arm.verdict is not None
    pairs = pd.DataFrame({"baseline": base.scores.reindex(arm.scores.index), "score": arm.scores})
    drawn = pairs.to_numpy()[:_LINES]
    for sign, colour, dash in ((1, BLUE, "-"), (-1, VERMILLION, "--"), (0, GREY, ":")):
        ends = drawn[np.sign(drawn[:, 1] - drawn[:, 0]) == sign]
        lines = [[(0, left), (1, right)] for left, right in ends]
        axes.add_collection(
            LineCollection(lines, colors=colour, linestyles=dash, lw=1.1, alpha=0.75, zorder=2)
        )
        axes.scatter(np.tile([0, 1], len(ends)), ends.ravel(), s=7, color=colour, alpha=0.75, lw=0, zorder=2)
    axes.plot([0, 1], pairs.mean().to_numpy(), color=INK, lw=2.6, marker="o", ms=5, zorder=3)
    axes.set_title(wrapped(arm.info.name, 17, 3), fontsize=9, loc="left")
    axes.set_xticks([0, 1], [say("baseline"), say("arm")])
    axes.set_xlim(-0.22, 1.22)
    axes.set_xlabel(say(arm.verdict.word), color=INK, fontsize=9)
    axes.grid(axis="x", visible=False)
    return pd.DataFrame(
        {
            "arm": arm.info.name,
            "verdict": arm.verdict.word,
            "unit": pairs.index,
            "baseline": pairs["baseline"].to_numpy(),
            "score": pairs["score"].to_numpy(),
            "difference": (pairs["score"] - pairs["baseline"]).to_numpy(),
        }
    )
