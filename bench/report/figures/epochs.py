"""Scores over the epochs, run by run, and where each way to choose would stop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.epochs import courses
from bench.report.figures.factors import stem
from bench.report.lang import say
from bench.report.metric import short, with_unit
from bench.report.style import BLUE, GREY, VERMILLION, grid, legend, noted, titles

ARMS = 2  # arms that are drawn


def epochs(comparison: Comparison) -> Iterator[Sketch]:
    """Draw one figure an arm that was scored after every epoch: validation beside test."""
    from matplotlib.ticker import MaxNLocator

    for course in courses(comparison)[:ARMS]:
        figure, panels = grid(2, 2, 9.6, 3.4)
        at = np.arange(1, course.test.shape[1] + 1)
        rows = np.arange(len(course.units))
        for axes, values, title in zip(
            panels, (course.validation, course.test), (say("validation"), say("test, peeked")), strict=True
        ):
            for run in values:
                axes.plot(at, run, color=GREY, lw=0.9, alpha=0.55, zorder=2)
            axes.plot([], [], color=GREY, lw=0.9, label=say("one run"))
            axes.plot(at, values.mean(axis=0), color=BLUE, lw=2.2, label=say("mean of runs"), zorder=3)
            label = say("best on validation")
            y = values[rows, course.chosen]
            axes.scatter(at[course.chosen], y, s=30, color=BLUE, ec="white", lw=0.8, label=label, zorder=4)
            axes.set_title(title, fontsize=9.5, loc="left")
            axes.set_xlabel(say("epoch"))
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        best = course.test[rows, course.peeked]
        look: Any = {"s": 46, "marker": "*", "color": VERMILLION, "ec": "white", "lw": 0.5, "zorder": 5}
        panels[1].scatter(at[course.peeked], best, **look)
        panels[0].scatter([], [], label=say("best on test (peeked)"), **look)
        panels[0].set_ylabel(with_unit(comparison.evidence.metric, short(comparison.evidence.metric)))
        titles(figure, noted(say("Choice of the epoch"), course.arm), comparison.evidence.data)
        legend(figure, fit=True)
        caption = say(
            "Score after every epoch, run by run. Dots: the epoch that is best on validation, which may be "
            "read; stars: the epoch that is best on the test part, which may not."
        )
        frame = pd.DataFrame(
            {
                "unit": np.repeat(course.units, len(at)),
                "epoch": np.tile(at, len(rows)),
                "validation": course.validation.ravel(),
                "test": course.test.ravel(),
            }
        )
        yield Sketch(f"epochs_{stem(course.arm)}", caption, figure, frame, "epochs")
