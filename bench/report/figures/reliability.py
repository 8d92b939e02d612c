"""Whether a probability that is said is the share that comes true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.figures.readings import shown, warnings
from bench.report.lang import say
from bench.report.style import BLUE, GREY, INK, titles, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 10
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bins:
    """Windows by what was predicted of them, in ``BINS`` bins of equal width.

    Attributes:
        count: windows in each bin, shape (BINS,).
        said: sum of P(positive) in each bin.
        came: number of positives in each bin.
    """

    count: Floats
    said: Floats
    came: Floats

    @property
    def curve(self) -> Floats:
        """Mean P and share of positives of the bins that hold windows, shape (2, bins)."""
        some = self.count > 0
        return np.stack([self.said[some], self.came[some]]) / self.count[some]

    @property
    def error(self) -> float:
        """Expected calibration error: gap of positives and mean P in a bin, mean over windows."""
        return float(np.abs(self.came - self.said).sum() / self.count.sum())


def binned(label: NDArray[Any], score: NDArray[Any]) -> Bins:
    """Return windows in bins of P(positive), a probability of 1 in the last (Naeini et al., 2015).

    The error is biased upward where bins hold few windows, and says nothing of how well classes are told
    apart: a head that always says the base rate is calibrated.

    Args:
        label: 0 or 1, shape (windows,), at least one.
        score: P(positive) in [0, 1], shape (windows,).
    """
    place = np.minimum((np.asarray(score) * BINS).astype(int), BINS - 1)
    return Bins(
        np.bincount(place, minlength=BINS).astype(float),
        np.bincount(place, weights=np.asarray(score, dtype=float), minlength=BINS).astype(float),
        np.bincount(place, weights=np.asarray(label, dtype=float), minlength=BINS).astype(float),
    )


def reliability(comparison: Comparison) -> Iterator[Sketch]:
    """Draw the reliability diagram of the baseline and of the arms that differ most from it."""
    found = {
        arm.info.name: {unit: binned(label, score) for unit, label, score in warnings(comparison, arm)}
        for arm in shown(comparison)
    }
    found = {name: runs for name, runs in found.items() if runs}
    if not found:
        return
    figure, upper, lower = _canvas(len(found))
    for place, (name, runs) in enumerate(found.items()):
        _panel(upper[place], lower[place], name, list(runs.values()))
    upper[0].set_ylabel(say("share of abnormal windows"))
    lower[0].set_ylabel(say("windows"))
    left_out = len(comparison.learned) - len(found)
    titles(figure, say("Reliability of P(abnormal) on the test part"), comparison.evidence.data, left_out)
    caption = say(
        "Share of abnormal windows among those that were given a probability, in {bins} bins: all runs "
        "together (points, larger where there are more windows) and each of at most {n} units (thin lines); "
        "the dotted line is perfect calibration. Below: number of windows in a bin. ECE is the expected "
        "calibration error (Naeini et al., 2015), mean over units.",
        bins=BINS,
        n=max(len(runs) for runs in found.values()),
    )
    yield Sketch("reliability", caption, figure, _data(found))


def _canvas(panels: int) -> tuple[Figure, list[Axes], list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(4.6, 2.5 * panels + 1.0), 4.6), layout="constrained")
    rows = figure.subplots(
        2, panels, sharex=True, sharey="row", squeeze=False, gridspec_kw={"height_ratios": [3, 1]}
    )
    return figure, list(rows[0]), list(rows[1])


def _panel(axes: Axes, below: Axes, name: str, runs: list[Bins]) -> None:
    from matplotlib.collections import LineCollection

    axes.plot([0, 1], [0, 1], ":", color=INK, lw=1, zorder=1)
    lines = LineCollection([run.curve.T for run in runs], colors=GREY, lw=0.7, alpha=0.5, zorder=2)
    axes.add_collection(lines)
    pooled = _pooled(runs)
    x, y = pooled.curve
    size = 12 + 90 * np.sqrt(pooled.count[pooled.count > 0] / pooled.count.max())
    axes.plot(x, y, color=BLUE, lw=1.4, zorder=3)
    axes.scatter(x, y, s=size, color=BLUE, edgecolors="white", linewidths=0.8, zorder=4)
    error = float(np.mean([run.error for run in runs]))
    axes.set_title(f"{wrapped(name, 24)}\n{say('ECE {error:.3f}', error=error)}", fontsize=9.5, loc="left")
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    edges = (np.arange(BINS) + 0.5) / BINS
    below.bar(edges, pooled.count, width=0.86 / BINS, color=BLUE, alpha=0.55, lw=0)
    below.set_xlabel(say("P(abnormal)"))
    below.grid(axis="x", visible=False)


def _pooled(runs: list[Bins]) -> Bins:
    return Bins(*(np.sum([getattr(run, part) for run in runs], axis=0) for part in ("count", "said", "came")))


def _data(found: dict[str, dict[str, Bins]]) -> pd.DataFrame:
    """Return one row a unit and bin that holds windows."""
    return pd.DataFrame(
        [
            {
                "arm": arm,
                "unit": unit,
                "from": i / BINS,
                "to": (i + 1) / BINS,
                "windows": int(run.count[i]),
                "mean_probability": run.said[i] / run.count[i],
                "share_abnormal": run.came[i] / run.count[i],
                "ece_of_unit": run.error,
            }
            for arm, runs in found.items()
            for unit, run in runs.items()
            for i in range(BINS)
            if run.count[i]
        ]
    )
