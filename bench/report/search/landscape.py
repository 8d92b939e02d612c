"""Which parameters mattered, and where their good values lie."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.compare.importance import ENOUGH, Importance, Judged, importances
from bench.report.drawing import Sketch
from bench.report.lang import say
from bench.report.search.tables import plain
from bench.report.searched import PARAM, ArmSearch, Searched
from bench.report.style import (
    BLUE,
    INK,
    MOST_SERIES,
    grid,
    legend,
    logarithmic,
    name_rows,
    series,
    titles,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from optuna.distributions import BaseDistribution

RESAMPLES = 50
LEVEL = 0.8
_ROWS, _SLICES = 10, 3


def judges(searched: Searched) -> tuple[str, list[ArmSearch]]:
    """Return the sampler whose searches importances are taken from, and these searches.

    The one with the most complete trials: a sampler that stops many leaves few to learn from, all near
    its best. The deciding one among equals.
    """
    complete = {
        sampler: sum(len(each.scored) for each in searched.searches if each.sampler == sampler)
        for sampler in searched.samplers
    }
    sampler = max(complete, key=lambda name: complete[name], default="")
    return sampler, [each for each in searched.searches if each.sampler == sampler]


def too_few(searched: Searched) -> list[ArmSearch]:
    """Return the searches that have too few complete trials for an importance."""
    return [each for each in judges(searched)[1] if len(each.scored) < ENOUGH]


def landscape(searched: Searched, metric: str, data: str) -> Iterator[Sketch]:
    """Draw importances and slices; nothing where no search has enough complete trials."""
    sampler, candidates = judges(searched)
    searches = [each for each in candidates if len(each.scored) >= ENOUGH]
    found = importances(
        [_judged(each, searched.maximize) for each in searches], np.random.default_rng(0), RESAMPLES, LEVEL
    )
    if not found:
        return
    number = len(searches)
    over = say("mean over {n} searches", n=number) if number > 1 else say("one search")
    caption = say(
        "Importance of the parameters (PED-ANOVA, Watanabe, Bansal & Hutter 2023): share in what tells the "
        "best complete trials of {sampler} from all, {over}; bar: middle {level:.0f} % of {resamples} "
        "resamples of the trials: how stable the ranking is.",
        sampler=sampler,
        over=over,
        level=100 * LEVEL,
        resamples=RESAMPLES,
    )
    shares = pd.DataFrame(
        [{"parameter": each.name, "share": each.share, "low": each.low, "high": each.high} for each in found]
    )
    yield Sketch("search_importance", caption, _importance(found, data), shares, "winners")
    caption = say(
        "Value on validation against the most important parameters: complete trials (filled), trials stopped "
        "early at their last value (hollow; at the lower edge those below it), winners (star)."
    )
    shown = found[:_SLICES]
    yield Sketch(
        "search_slices", caption, _slices(searched, shown, metric, data), _trials(searched, shown), "winners"
    )


def _trials(searched: Searched, found: Sequence[Importance]) -> pd.DataFrame:
    """Return what the slices draw: parameters and value of each trial, the last where it was stopped."""
    frames = []
    for search in searched.deciding:
        scored = search.scored
        stopped = search.trials[search.trials["state"] == "pruned"]
        rows = pd.concat(
            [scored, stopped.assign(value=[_last(steps) for steps in stopped["steps"]])], ignore_index=True
        )
        keys = {each.name: rows[PARAM + each.name] for each in found if PARAM + each.name in rows}
        told = {"arm": search.arm, "repeat": search.repeat, "trial": rows["number"], "state": rows["state"]}
        frames.append(
            pd.DataFrame({**told, **keys, "value": rows["value"], "winner": rows["number"] == search.winner})
        )
    return pd.concat(frames, ignore_index=True)


def _judged(search: ArmSearch, maximize: bool) -> Judged:
    # Trials that got the worst value count: the region that fails is part of what tells good from bad.
    rows = search.trials[search.trials["state"] == "complete"]
    space = _space(search)
    params = [
        {key: _typed(space[key], row[PARAM + key]) for key in sorted(space)}
        for row in rows.to_dict("records")
    ]
    return Judged(space, params, rows["value"].to_numpy(), maximize)


def _space(search: ArmSearch) -> dict[str, BaseDistribution]:
    from optuna.distributions import json_to_distribution

    return {key: json_to_distribution(said) for key, said in search.space.items()}


def _typed(distribution: BaseDistribution, value: Any) -> Any:
    """Return a value as the distribution knows it: a column of a table may have changed its type."""
    return distribution.to_external_repr(distribution.to_internal_repr(value))


def _importance(found: Sequence[Importance], data: str) -> Figure:
    shown = found[:_ROWS]
    figure, (axes,) = grid(1, 1, 8.0, 0.9 + 0.36 * max(len(shown), 2))
    for row, each in enumerate(shown):
        axes.plot(
            [each.low, each.high], [row, row], color=BLUE, alpha=0.45, lw=5, solid_capstyle="butt", zorder=2
        )
        axes.scatter([each.share], [row], s=38, color=BLUE, edgecolors="white", linewidths=1, zorder=3)
    name_rows(axes, [each.name for each in shown])
    axes.set_xlim(left=0)
    axes.set_xlabel(say("importance (shares of all parameters sum to 1)"))
    title = say("Importance of the parameters")
    if len(shown) < len(found):
        title = say("Importance of the parameters: the first {n} of {all}", n=len(shown), all=len(found))
    titles(figure, title, data)
    return figure


def _slices(searched: Searched, found: Sequence[Importance], metric: str, data: str) -> Figure:
    figure, panels = grid(len(found), len(found), 2.9 * len(found) + 1.0, 3.0)
    drawn = searched.arms[:MOST_SERIES]
    values = pd.concat([each.scored["value"] for each in searched.deciding])
    # Trials stopped at their first epoch lie far below; half a range of them is enough.
    floor = float(values.min() - 0.5 * (values.max() - values.min()))
    for axes, each in zip(panels, found, strict=True):
        _slice(axes, searched, each.name, drawn, floor)
    panels[0].set_ylabel(f"{metric}\n{say('on validation (fraction)')}")
    title = say("Value against the most important parameters")
    titles(figure, title, data, len(searched.arms) - len(drawn))
    legend(figure, fit=True)
    return figure


def _slice(axes: Axes, searched: Searched, key: str, arms: Sequence[str], floor: float) -> None:
    searches = [each for arm in arms for each in searched.of(arm) if key in each.space]
    spaces = [_space(each)[key] for each in searches]
    names = list(dict.fromkeys(plain(c) for space in spaces for c in getattr(space, "choices", ())))
    for place, arm in enumerate(arms):
        colour = series(place)[0]
        # Every arm is in the legend of the first panel, with or without this parameter.
        axes.scatter([], [], s=18, color=colour, label=wrapped(arm))
        for each in (one for one in searches if one.arm == arm):
            points = each.scored
            x = _places(points, key, names)
            axes.scatter(x, points["value"], s=16, color=colour, alpha=0.6, linewidths=0, zorder=2)
            stopped = each.trials[each.trials["state"] == "pruned"]
            last = [_last(steps) for steps in stopped["steps"]]
            x = _places(stopped, key, names)
            axes.scatter(
                x, np.maximum(last, floor), s=14, facecolors="none", edgecolors=colour, alpha=0.6, lw=0.8
            )
            won = points[points["number"] == each.winner]
            axes.scatter(
                _places(won, key, names),
                won["value"],
                s=130,
                marker="*",
                color=colour,
                edgecolors=INK,
                lw=0.8,
                zorder=4,
            )
    if names:
        axes.set_xticks(range(len(names)), [wrapped(name, 12) for name in names])
        axes.set_xlim(-0.5, len(names) - 0.5)
    elif any(getattr(space, "log", False) for space in spaces):
        logarithmic(axes)
    axes.set_xlabel(wrapped(key))


def _last(steps: str) -> float:
    """Return the value of the last step on record; NaN if there is none."""
    found = {float(epoch): value for epoch, value in json.loads(steps).items()}
    return float(found[max(found)]) if found else math.nan


def _places(rows: pd.DataFrame, key: str, names: Sequence[str]) -> np.ndarray[Any, Any]:
    """Return where trials lie on the axis; those of one choice side by side in the order of proposals."""
    values = rows[PARAM + key]
    if not names:
        return values.to_numpy(dtype=float)
    aside = 0.3 * (np.mod(rows["number"].to_numpy() * 0.618034, 1.0) * 2 - 1)
    return np.array([names.index(plain(value)) for value in values], dtype=float) + aside
