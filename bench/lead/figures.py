"""The curves of every estimator, and the leads of single episodes, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.lead.evidence import Answer
from bench.lead.inquiry import Findings
from bench.report.drawing import Drawing, Sketch
from bench.report.lang import count, say
from bench.report.style import BLUE, GREY, INK, ORANGE, grid, legend, style, titles, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes


#: Seconds of a bar of the leads of single episodes.
WIDTH = 20.0


def drawings(findings: Findings) -> list[Drawing]:
    """Draw the curves, and the leads of single episodes where they were read."""
    with style():
        drawn = [_curves(findings).drawing()]
        if any(episode.lead is not None for episode in findings.episodes):
            drawn.append(_episodes(findings).drawing())
    return drawn


def _curves(findings: Findings) -> Sketch:
    answers = findings.answers
    columns = min(2, len(answers))
    figure, panels = grid(len(answers), columns, 4.4 * columns + 0.8, 2.3, share=False)
    for axes, each, kind in zip(panels, answers, findings.kinds, strict=True):
        _panel(axes, each, say(kind.summary))
    for axes in panels[-columns:]:
        axes.set_xlabel(say("lead of the current, s"))
    titles(figure, say("How well current and video go together, by lead"), findings.inquiry.source.title)
    legend(figure, fit=True)
    caption = say(
        "Mean curve over held-out recordings, minus the mean of mismatched pairs (whose middle 95 % is grey; "
        "above the dotted line only 1 % of them rise anywhere). Shaded: 95 % interval of the peak, where a "
        "lead was found."
    )
    return Sketch("lead", caption, figure, _tidy(answers))


def _panel(axes: Axes, answer: Answer, summary: str) -> None:
    leads = answer.leads
    if answer.paired:
        axes.fill_between(leads, *answer.band, color=GREY, alpha=0.3, lw=0, label=say("mismatched pairs"))
        axes.axhline(answer.highest, color=INK, ls=":", lw=1, label=say("1 % of mismatched pairs above"))
    axes.plot(leads, answer.curve, color=BLUE, lw=1.8, label=say("pairs as recorded"))
    told = say(answer.word)
    if answer.word == "found":
        axes.axvspan(answer.low, answer.high, color=ORANGE, alpha=0.3, lw=0, label=say("95 % CI"))
        axes.axvline(answer.lead, color=ORANGE, lw=1.5)
        told = say("{lead:.0f} s [{low:.0f}, {high:.0f}]", lead=answer.lead, low=answer.low, high=answer.high)
    axes.set_title(say("{name}: {told}", name=answer.name, told=told), loc="left", fontsize=9.5)
    axes.set_ylabel(wrapped(summary, 26, most=3), fontsize=8)


def _tidy(answers: tuple[Answer, ...]) -> pd.DataFrame:
    """Return one row an estimator and lead."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "estimator": each.name,
                    "lead_s": each.leads,
                    "curve": each.curve,
                    "mismatched_low": each.band[0],
                    "mismatched_high": each.band[1],
                }
            )
            for each in answers
        ],
        ignore_index=True,
    )


def _episodes(findings: Findings) -> Sketch:
    rows = [each for each in findings.episodes if each.lead is not None]
    leads = np.array([each.lead for each in rows], dtype=np.float64)
    figure, (axes,) = grid(1, 1, 5.2, 2.6)
    edges = np.arange(WIDTH * np.floor(leads.min() / WIDTH), leads.max() + WIDTH, WIDTH)
    axes.hist(leads, bins=edges.tolist(), color=BLUE, alpha=0.6)
    axes.axvline(float(np.median(leads)), color=ORANGE, lw=2, label=say("median"))
    axes.set_xlabel(say("lead of the current, s"))
    axes.set_ylabel(say("episodes"))
    titles(figure, say("Lead of single episodes"), findings.inquiry.source.title)
    legend(figure)
    caption = count(
        len(rows),
        "Lead read from {n} episode, with the error of reading one.",
        "Leads read from {n} episodes, one at a time. Their spread is of the true leads and of the error of "
        "reading one, together.",
    )
    data = pd.DataFrame(
        {
            "recording": [each.recording for each in rows],
            "onset_s": [each.onset for each in rows],
            "visible_s": [each.seconds for each in rows],
            "lead_s": leads,
        }
    )
    return Sketch("episodes", caption, figure, data)
