"""The picture of several objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.report.drawing import Sketch
from bench.report.lang import say
from bench.report.metric import readable
from bench.report.search.pareto import front
from bench.report.searched import ArmSearch, Searched
from bench.report.style import INK, MOST_SERIES, grid, legend, logarithmic, series, titles, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_UNITS = {"lead": "s", "cpu_seconds": "s"}
_TIMES = 10  # span of an objective beyond which its axis is logarithmic


def fronts(searched: Searched, data: str) -> Sketch:
    """Draw the first objective against each other one."""
    first, *others = searched.objectives
    arms = searched.arms[:MOST_SERIES]
    figure, panels = grid(len(others), min(3, len(others)), max(6.5, 3.4 * min(3, len(others)) + 1), 3.4)
    for axes, name in zip(panels, others, strict=True):
        for place, arm in enumerate(arms):
            axes.scatter([], [], s=30, color=series(place)[0], label=wrapped(arm))
            for each in searched.of(arm)[:1]:
                _front(axes, each, searched, name, *series(place))
        axes.set_xlabel(_axis(name, searched.directions[searched.objectives.index(name)]))
        values = [v for each in searched.deciding for v in each.scored[name].dropna()]
        if values and min(values) > 0 and max(values) > _TIMES * min(values):
            logarithmic(axes)
        else:
            axes.locator_params(axis="x", nbins=5)
    panels[0].set_ylabel(_axis(first, searched.directions[0]))
    titles(figure, say("Pareto front on validation"), data, len(searched.arms) - len(arms))
    legend(figure, fit=True)
    parts = [
        say(
            "Complete trials on validation: those that no other trial of the arm beats on every objective "
            "(large), the others (small) and the retrained winner (ringed)."
        )
    ]
    if len(others) == 1:
        parts.append(say("The line joins what is attained."))
    if searched.repeats > 1:
        parts.append(say("The first of {n} searches.", n=searched.repeats))
    return Sketch("search_front", say(" ").join(parts), figure, _trials(searched), "pareto")


def _trials(searched: Searched) -> pd.DataFrame:
    """Return the objectives of every complete trial, and whether it is in the front or the winner."""
    frames = []
    for search in (each for arm in searched.arms for each in searched.of(arm)[:1]):
        rows, best = search.scored, front(search, searched)
        frames.append(
            rows[list(searched.objectives)].assign(
                arm=search.arm,
                trial=rows["number"],
                front=rows["number"].isin(best["number"]),
                winner=rows["number"] == search.winner,
            )
        )
    found = pd.concat(frames, ignore_index=True)
    return found[["arm", "trial", *searched.objectives, "front", "winner"]]


def _front(axes: Axes, search: ArmSearch, searched: Searched, name: str, colour: str, dash: str) -> None:
    first = searched.objectives[0]
    rows, best = search.scored, front(search, searched)
    axes.scatter(rows[name], rows[first], s=10, color=colour, alpha=0.4, linewidths=0, zorder=2)
    order = np.argsort(best[name].to_numpy(), kind="stable")
    x, y = best[name].to_numpy()[order], best[first].to_numpy()[order]
    if len(searched.objectives) == 2:  # of three, a pair of axes shows no front
        less = searched.directions[1] == "minimize"
        axes.step(x, y, where="post" if less else "pre", color=colour, ls=dash, lw=1.2, zorder=2)
    axes.scatter(x, y, s=30, color=colour, zorder=3)
    won = rows[rows["number"] == search.winner]
    axes.scatter(won[name], won[first], s=90, facecolors="none", edgecolors=INK, linewidths=1.2, zorder=4)


def _axis(name: str, direction: str) -> str:
    unit = f" ({_UNITS[name]})" if name in _UNITS else ""
    better = say("→ better") if direction == "maximize" else say("← better")
    return f"{readable(name)}{unit}\n{better}"
