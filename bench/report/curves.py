"""What happened while the arms trained: scores and diagnostics over the epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.report.comparison import Comparison
from bench.report.style import legend, series, titles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Diagnostics that are drawn where an arm has them, and how their axes are called.
SHOWN = {
    "validation.current.balanced_accuracy": "balanced accuracy on validation",
    "contrast.active": "share of triplets with a loss",
    "retrieval": "R@1, current to video",
    "effective_rank.current": "effective rank of the current",
    "cone.current": "length of the mean unit vector",
    "contrast.metadata_r2": "R² of the metadata, in training",
    "bridge.current_gate_entropy": "entropy of the current's router, nats",
    "bridge.attention_entropy": "entropy of the attention, nats",
}
CAPTION = (
    "What happened while the arms trained: mean over units (line) and the range of the units (band). "
    "Retrieval is measured among at most 500 validation windows."
)
MOST = 7
Courses = dict[str, NDArray[np.float64]]


def courses(comparison: Comparison) -> dict[str, Courses]:
    """Return ``(units, epochs)`` of each diagnostic and each of the first arms, where there are any."""
    found: dict[str, Courses] = {}
    runs = comparison.evidence.finished
    for arm in comparison.learned[:MOST]:
        curves = [comparison.evidence.curve(key) for key in runs.loc[runs["arm"] == arm.info.name, "key"]]
        for name in SHOWN:
            told = [[epoch.get(name) for epoch in curve] for curve in curves]
            whole = [values for values in told if values and None not in values]
            if whole and len({len(values) for values in whole}) == 1 and len(whole[0]) > 1:
                found.setdefault(name, {})[arm.info.name] = np.array(whole, dtype=float)
    return found


def draw(comparison: Comparison, found: dict[str, Courses]) -> Figure:
    """Draw one panel a diagnostic."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    columns = min(2, len(found))
    rows = -(-len(found) // columns)
    figure = Figure(figsize=(4.6 * columns + 0.4, 2.7 * rows + 1.2), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for spare in panels[len(found) :]:
        spare.remove()
    places = {arm.info.name: place for place, arm in enumerate(comparison.learned[:MOST])}
    for axes, (name, by_arm) in zip(panels, found.items(), strict=False):
        for arm, values in by_arm.items():
            colour, dash = series(places[arm])
            epochs = np.arange(1, values.shape[1] + 1)
            axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.12, lw=0)
            axes.plot(epochs, values.mean(axis=0), dash, color=colour, lw=1.8)
        axes.set_ylabel(SHOWN[name])
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for arm, place in places.items():
        if any(arm in by_arm for by_arm in found.values()):
            panels[0].plot([], [], series(place)[1], color=series(place)[0], lw=1.8, label=arm)
    titles(figure, "Over the epochs", comparison.evidence.data, max(0, len(comparison.learned) - MOST))
    legend(figure, fit=True)
    return figure
