"""How scores fall with the strength of a disturbance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.figures.marks import chance
from bench.report.lang import retell, say
from bench.report.metric import short
from bench.report.robust import Reading, readings
from bench.report.style import grid, legend, series, titles, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 8  # arms that are drawn
_MARKS = "o^sDvPXp"
COLUMNS = 3


def robustness(comparison: Comparison) -> Iterator[Sketch]:
    """Draw one panel a disturbance, one line an arm or reference."""
    found = readings(comparison)
    if not found:
        return
    arms = list(dict.fromkeys(each.arm for each in found))
    places = {arm: place for place, arm in enumerate(arms[:MOST])}
    panels = [(name, list(group)) for name, group in groupby(found, key=lambda each: each.disturbed.name)]
    columns = min(COLUMNS, len(panels))
    figure, axes = grid(len(panels), columns, 3.5 * columns + 0.6, 2.9)
    frames = []
    for panel, (name, group) in zip(axes, panels, strict=True):
        chance(panel, comparison, vertical=False)
        for arm, place in places.items():
            own = [each for each in group if each.arm == arm]
            if own:
                frames.append(_line(panel, own, place, len(places)))
        modality, _, measure = group[0].column.rpartition(".")
        read = say("{measure} on {modality}", measure=short(measure), modality=say(modality))
        panel.set_title(wrapped(f"{name}: {read}", 40), fontsize=9.5, loc="left")
        panel.set_xlabel(say("strength (1 = {worst})", worst=retell(group[0].disturbed.worst)))
        panel.set_xlim(-0.05, 1.08)
    for panel in axes[::columns]:
        panel.set_ylabel(say("{metric} (fraction)", metric=short(panels[0][1][0].column)))
    _names(axes[0], places, found)
    titles(figure, say("Under disturbances"), comparison.evidence.data, max(0, len(arms) - MOST))
    legend(figure, fit=True)
    caption = say(
        "Mean score as what is read at test is disturbed ever more, after training on clean windows. Points "
        "at 0: the clean test part. Bars: 95 % t intervals of the change from it, run by run, so that what "
        "all readings of a run share is left out."
    )
    yield Sketch("robustness", caption, figure, pd.concat(frames, ignore_index=True), "robustness")


def _line(axes: Axes, own: list[Reading], place: int, places: int) -> pd.DataFrame:
    """Draw an arm and return what is drawn."""
    look = _look(place, own[0].reference)
    own = sorted(own, key=lambda each: each.disturbed.strength)
    clean = float(own[0].scores.mean()) - own[0].lost.mean
    x = [0.0, *(each.disturbed.strength for each in own)]
    y = [clean, *(float(each.scores.mean()) for each in own)]
    at = [each + 0.012 * (place - (places - 1) / 2) for each in x]
    axes.plot(at, y, **look, lw=1.6, zorder=3)
    ends = [(math.nan, math.nan), *(each.lost.interval() for each in own)]
    bars = [(clean + low, clean + high) for low, high in ends]
    for where, (low, high) in zip(at, bars, strict=True):
        if math.isfinite(low):
            axes.plot([where] * 2, [low, high], color=look["color"], lw=1.6, alpha=0.7, zorder=2)
    low_ends, high_ends = zip(*bars, strict=True)
    told = {"disturbance": own[0].disturbed.name, "arm": own[0].arm, "score": own[0].column}
    return pd.DataFrame({**told, "strength": x, "mean": y, "low": low_ends, "high": high_ends})


def _look(place: int, reference: bool) -> dict[str, Any]:
    """Return colour, marker and dash: arms are solid, references dotted."""
    marker, dash = _MARKS[place % len(_MARKS)], ":" if reference else "-"
    return {"color": series(place)[0], "ls": dash, "marker": marker, "ms": 5, "mec": "white", "mew": 0.7}


def _names(axes: Axes, places: dict[str, int], found: list[Reading]) -> None:
    """Name the lines in the legend, which is that of the first panel."""
    references = {each.arm for each in found if each.reference}
    for arm, place in places.items():
        axes.plot([], [], **_look(place, arm in references), lw=1.8, label=wrapped(arm))
