"""How often each class is called what, at the threshold of the head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.figures.readings import shown, warnings
from bench.report.lang import say
from bench.report.style import BLUE, INK, VERMILLION, grid, spaced, titles, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THRESHOLD = 0.5
Counts = NDArray[np.int64]


def confusion(comparison: Comparison) -> Iterator[Sketch]:
    """Draw the confusion matrix of the baseline and of the arms that differ most from it."""
    found = {arm.info.name: warnings(comparison, arm) for arm in shown(comparison)}
    counts = {name: np.stack([count(*each[1:]) for each in runs]) for name, runs in found.items() if runs}
    if not counts:
        return
    figure, panels = grid(len(counts), len(counts), 2.35 * len(counts) + 1.1, 2.1)
    spaced(figure)
    for axes, (name, each) in zip(panels, counts.items(), strict=True):
        _panel(axes, name, each)
    panels[0].set_yticks([0, 1], [say("normal"), say("abnormal")])
    panels[0].set_ylabel(say("label"))
    title = say("Confusion on the test part, called above {threshold:g}", threshold=THRESHOLD)
    titles(figure, title, comparison.evidence.data, len(comparison.learned) - len(counts))
    caption = say(
        "Share of the windows of a class (rows) that were called normal and abnormal (columns), mean over at "
        "most {n} units, and below it the number of windows in all. The two shares on the diagonal have the "
        "balanced accuracy as their mean. Windows overlap: they are not independent cases.",
        n=max(len(each) for each in counts.values()),
    )
    yield Sketch("confusion", caption, figure, _data(found, counts))


def count(label: NDArray[Any], score: NDArray[Any]) -> Counts:
    """Return windows by label (rows: negative, positive) and by what they were called (columns)."""
    called = np.asarray(score) > THRESHOLD
    truth = np.asarray(label, dtype=bool)
    return np.array([[np.sum((truth == t) & (called == c)) for c in (False, True)] for t in (False, True)])


def shares(counts: Counts) -> NDArray[np.float64]:
    """Return the share of each class by what it was called, mean over units that have the class."""
    with np.errstate(invalid="ignore"):
        each = counts / counts.sum(axis=2, keepdims=True)
    known = ~np.isnan(each)
    found: NDArray[np.float64] = np.where(known, each, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return found


def _panel(axes: Axes, name: str, counts: Counts) -> None:
    from matplotlib.patches import Rectangle

    total, share = counts.sum(axis=0), shares(counts)
    for row in (0, 1):
        for column in (0, 1):
            colour = BLUE if row == column else VERMILLION
            alpha = 0.06 + 0.5 * share[row, column]
            place = (column - 0.48, row - 0.48)
            axes.add_patch(Rectangle(place, 0.96, 0.96, color=colour, alpha=alpha, lw=0))
            axes.text(
                column, row - 0.1, f"{share[row, column]:.3f}", ha="center", va="center", size=11, color=INK
            )
            windows = f"{total[row, column]:,}"
            axes.text(column, row + 0.24, windows, ha="center", va="center", size=8.5, color=INK)
    axes.set_xlim(-0.5, 1.5)
    axes.set_ylim(1.5, -0.5)
    axes.set_xticks([0, 1], [say("normal"), say("abnormal")])
    axes.set_xlabel(say("called"))
    axes.set_title(wrapped(name, 24), fontsize=9.5, loc="left")
    axes.grid(False)
    axes.spines[["bottom"]].set_visible(False)
    axes.tick_params(left=False, bottom=False)


def _data(found: dict[str, list[Any]], counts: dict[str, Counts]) -> pd.DataFrame:
    """Return one row a unit, label and call."""
    names: Sequence[str] = ("normal", "abnormal")
    return pd.DataFrame(
        [
            {
                "arm": arm,
                "unit": run[0],
                "label": names[row],
                "called": names[column],
                "windows": matrix[row, column],
            }
            for arm, matrices in counts.items()
            for run, matrix in zip(found[arm], matrices, strict=True)
            for row in (0, 1)
            for column in (0, 1)
        ]
    )
