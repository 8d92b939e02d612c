"""A recording in time: what the video shows, what current and video score, and who warned when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.report.drawing import Sketch
from bench.report.lang import say, template
from bench.report.style import BLUE, GREY, INK, VERMILLION, legend, titles, wrapped
from bench.report.timeline import Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOK = {"current": (VERMILLION, "-", "v"), "video": (BLUE, "--", "s")}
_NAMES = {"current": template("current, score"), "video": template("video, score")}
_ALARMS = {"current": template("current, alarm"), "video": template("video, alarm")}
_LANES = {"video": 1.16, "current": 1.36}  # heights of the alarms, above the scores
_WIDTH, _ROW = 9.0, 1.75  # inches: of the figure, and of an arm in it
_APART = 0.055  # of the time shown: seconds of warning nearer than this are not written out


def timelines(
    name: str, found: Sequence[Timeline], title: str, data: str, caption: str, section: str = "results"
) -> Sketch:
    """Draw a recording, one row an arm; all rows are of the same recording.

    Args:
        name: file stem.
        found: one an arm, at least one.
        title: of the figure.
        data: title of the data.
        caption: what it shows.
        section: where it stands in a report.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, 1.5 + _ROW * len(found)), layout="constrained")
    rows = list(figure.subplots(len(found), 1, sharex=True, squeeze=False).flat)
    for axes, each in zip(rows, found, strict=True):
        _row(axes, each)
    rows[-1].set_xlabel(say("minutes since the recording began"))
    titles(figure, title, data)
    legend(figure, fit=True)
    frame = pd.concat([table(each) for each in found], ignore_index=True)
    return Sketch(name, caption, figure, frame, section)


def table(each: Timeline) -> pd.DataFrame:
    """Return a timeline as a table: one line a score, an alarm or an episode, in the order of time."""
    told = {"arm": each.arm, "unit": each.unit, "recording": each.recording}
    lines = []
    for modality, line in each.lines.items():
        kept = np.where(line.aside, math.nan, line.met)
        parts = (("score", line.time, line.score), ("alarm", line.alarms, kept))
        for what, times, values in parts:
            lines.append(
                pd.DataFrame({**told, "what": what, "modality": modality, "second": times, "value": values})
            )
    for start, end in each.episodes:
        span = {"what": ["episode_start", "episode_end"], "modality": "video", "second": [start, end]}
        lines.append(pd.DataFrame({**told, **span, "value": math.nan}))
    frame = pd.concat([line for line in lines if len(line)], ignore_index=True)
    return frame.sort_values("second", kind="stable", ignore_index=True)


def _row(axes: Axes, each: Timeline) -> None:
    for place, (start, end) in enumerate(each.episodes):
        label = say("abnormal on the video") if not place else None
        axes.axvspan(start / 60, end / 60, color=GREY, alpha=0.28, lw=0, label=label)
    for modality, line in each.lines.items():
        colour, dash, marker = LOOK[modality]
        axes.plot(line.time / 60, line.score, dash, color=colour, lw=1.5, label=say(_NAMES[modality]))
        if math.isfinite(line.threshold):
            axes.axhline(line.threshold, color=colour, lw=0.8, ls=":")
        lane = _LANES[modality]
        looks = ((line.met, colour, colour), (line.false, "none", colour), (line.aside, "none", GREY))
        for kept, fill, edge in looks:
            name = say(_ALARMS[modality]) if fill == colour and len(line.alarms) else None
            at = line.alarms[kept] / 60
            axes.scatter(at, np.full(len(at), lane), s=26, marker=marker, facecolors=fill,
                         edgecolors=edge, linewidths=1.0, zorder=4, label=name)  # fmt: skip
    _warnings(axes, each)
    axes.set_ylim(-0.04, 1.66)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel(say("P(abnormal)"))
    begin, end = each.span
    border = 0.012 * (end - begin)  # so that a marker at either end is whole
    axes.set_xlim((begin - border) / 60, (end + border) / 60)
    told = say("{arm}, {unit}", arm=wrapped(each.arm, 60, 1), unit=each.unit)
    if math.isfinite(each.lead):
        told = say("{sentence}; paired with the video {lead:g} s later", sentence=told, lead=each.lead)
    axes.set_title(told, fontsize=9, loc="left")
    axes.spines["bottom"].set_visible(True)


def _warnings(axes: Axes, each: Timeline) -> None:
    """Draw from each first alarm of the current to the episode it warns of, with its seconds."""
    if "current" not in each.lines:
        return
    lane, begin, end = _LANES["current"], *each.span
    colour, before = LOOK["current"][0], -math.inf
    for (start, _), seconds in zip(each.episodes, each.lines["current"].warned, strict=True):
        if not seconds > 0:
            continue
        axes.plot([(start - seconds) / 60, start / 60], [lane, lane], color=colour, lw=2.2, zorder=3)
        middle = start - seconds / 2
        if middle - before > _APART * (end - begin):
            axes.text(middle / 60, lane + 0.085, f"{seconds:.0f} s", ha="center", fontsize=8, color=INK)
            before = middle


def caption(found: Sequence[Timeline]) -> str:
    """Return what the figure of a recording shows."""
    said = say(
        "Scores of the windows of a recording, each at the moment it is known; grey: the label of the video "
        "says abnormal."
    )
    if not found[0].ruled:
        return said + say(" ") + say("No rule for alarms is on record.")
    return said + say(" ") + say(
        "Dotted: the threshold of the rule for alarms, chosen on validation. Above: where an alarm is "
        "raised, filled if it comes at most {horizon:g} s before an episode or during it, open if it meets "
        "none, open and grey if that is so at a border of the record, where it counts as nothing; the bar is "
        "the warning, with its seconds.",
        horizon=found[0].horizon,
    )  # fmt: skip
