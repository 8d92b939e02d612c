"""The figures of a search, each with the table it stands by."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.compare import t_interval
from bench.compare.anytime import Anytime, Floats, summary
from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.lang import say, template
from bench.report.metric import readable
from bench.report.search.budget import curve, share
from bench.report.search.fronts import fronts
from bench.report.search.landscape import landscape
from bench.report.search.tuning import Tuned, tuning
from bench.report.searched import ArmSearch, Searched
from bench.report.style import (
    BLUE,
    GREY,
    MOST_SERIES,
    ORANGE,
    grid,
    legend,
    name_rows,
    series,
    titles,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS = 9  # arms of the figure of samplers
_SPENT = template("share of the budget spent (epochs / epochs of all trials run to the end)")
_BEST = template("best on validation (fraction)")
_BAND = 3  # repeats from which on an interval says more than the lines do


def search_figures(comparison: Comparison) -> Iterator[Sketch]:
    """Draw every figure of the search; none without one."""
    searched = comparison.evidence.search
    if searched is None:
        return
    arms = [arm for arm in tuning(comparison) if len(arm.tuned)]
    if arms:
        caption = say(
            "What was promised and what was kept, by arm: best on validation (diamond), mean on test tuned "
            "(filled) and as declared (hollow), with 95 % t intervals over units."
        )
        yield Sketch("tuning", caption, _promises(comparison, arms), _kept(arms), "tuning")
    metric, data = readable(comparison.evidence.metric), comparison.evidence.data
    if any(len(each.scored) for each in searched.deciding):
        how = _how([searched.of(arm) for arm in searched.arms])
        caption = say(
            "Best on validation so far against the share of the budget spent, by arm; {how}", how=how
        )
        figure = _by_arm(searched, metric, data)
        yield Sketch("search_arms", caption, figure, _spent(searched, searched.deciding), "search")
        if len(searched.samplers) > 1:
            how = _how([searched.of(arm, sampler) for arm in searched.arms for sampler in searched.samplers])
            caption = say(
                "Best on validation so far against the share of the budget spent, by sampler; {how}", how=how
            )
            figure = _by_sampler(searched, metric, data)
            yield Sketch("search_samplers", caption, figure, _spent(searched, searched.searches), "search")
        yield from landscape(searched, metric, data)
    if len(searched.objectives) > 1 and any(len(each.scored) for each in searched.deciding):
        yield fronts(searched, data)


def _spent(searched: Searched, searches: Sequence[ArmSearch]) -> pd.DataFrame:
    """Return the best so far at every point of the budget at which it changes, and at the end."""
    frames = []
    for search in searches:
        found = curve(search, searched)
        x = np.append(found.epochs, found.spent) if len(found.best) else np.array([])
        told = {"arm": search.arm, "sampler": search.sampler, "repeat": search.repeat, "epochs": x}
        frames.append(
            pd.DataFrame({**told, "share": x / searched.budget, "best": found.at(x) if len(x) else x})
        )
    return pd.concat(frames, ignore_index=True)


def _kept(arms: Sequence[Tuned]) -> pd.DataFrame:
    """Return what was promised of each arm, and every test score tuned and as declared."""
    frames = [
        pd.DataFrame(
            {
                "arm": arm.arm,
                "kind": kind,
                "unit": scores.index,
                "score": scores.to_numpy(),
                "promised": arm.promised,
            }
        )
        for arm in arms
        for kind, scores in (("tuned", arm.tuned), ("declared", arm.declared))
        if len(scores)
    ]
    return pd.concat(frames, ignore_index=True)


def _how(groups: Sequence[Sequence[ArmSearch]]) -> str:
    counts = [sum(len(each.scored) > 0 for each in group) for group in groups]
    lines = say("one line a search.")
    if max(counts) >= _BAND:
        lines = say("mean over {n} searches, band: 95 % t interval at each point.", n=max(counts))
        if 0 < min(counts) < max(counts):
            lines = say(
                "mean over {n} searches, band: 95 % t interval at each point (fewer where a search has no "
                "value, and then one line each below three).",
                n=max(counts),
            )
    return say(" ").join([lines, say("A value counts from the end of its trial on; a dot ends a search.")])


def _by_arm(searched: Searched, metric: str, data: str) -> Figure:
    drawn = searched.arms[:MOST_SERIES]
    figure, (axes,) = grid(1, 1, 8.0, 4.0)
    for place, arm in enumerate(drawn):
        _curves(axes, searched, searched.of(arm), wrapped(arm), *series(place))
    axes.set_xlim(left=0)
    axes.set_xlabel(say(_SPENT))
    axes.set_ylabel(say(_BEST))
    titles(figure, say("Best {metric} so far, by arm", metric=metric), data, len(searched.arms) - len(drawn))
    legend(figure, fit=True)
    return figure


def _by_sampler(searched: Searched, metric: str, data: str) -> Figure:
    drawn = searched.arms[:_PANELS]
    columns = min(3, len(drawn))
    figure, panels = grid(len(drawn), columns, 2.6 * columns + 2.2, 2.3)
    most = max(share(each, searched) for each in searched.searches)
    for axes, arm in zip(panels, drawn, strict=True):
        for place, sampler in enumerate(searched.samplers):
            _curves(axes, searched, searched.of(arm, sampler), sampler, *series(place))
        axes.set_title(wrapped(arm), fontsize=9.5, loc="left")
        axes.set_xlim(0, 1.04 * most)
        axes.set_xlabel(say("share of the budget (epochs)"))  # short: a figure-wide label meets the legend
    figure.supylabel(say(_BEST), fontsize=9.5)
    titles(
        figure, say("Best {metric} so far, by sampler", metric=metric), data, len(searched.arms) - len(drawn)
    )
    legend(figure, fit=True)
    return figure


def _curves(
    axes: Axes, searched: Searched, found: Sequence[ArmSearch], name: str, colour: str, dash: str
) -> None:
    """Draw the searches of one arm by one sampler: each, or their mean and its interval."""
    curves = [each for each in (curve(one, searched) for one in found) if len(each.best)]
    if not curves:
        return
    if len(curves) < _BAND:
        for i, each in enumerate(curves):
            x = np.append(each.epochs, each.spent)
            _steps(axes, x / searched.budget, each.at(x), colour, dash, name if i == 0 else None)
        return
    x = _grid(curves)
    found_mean = summary(curves, x)
    axes.fill_between(
        x / searched.budget, found_mean.low, found_mean.high, step="post", color=colour, alpha=0.16, lw=0
    )
    _steps(axes, x / searched.budget, found_mean.mean, colour, dash, name)


def _steps(axes: Axes, x: object, y: object, colour: str, dash: str, name: str | None) -> None:
    shares, best = np.asarray(x), np.asarray(y)
    axes.step(shares, best, where="post", color=colour, ls=dash, lw=1.6, label=name)
    axes.scatter(shares[-1:], best[-1:], s=14, color=colour, zorder=3)


def _grid(curves: Sequence[Anytime]) -> Floats:
    """Return every point at which a mean over the curves can change."""
    points: Floats = np.unique(np.concatenate([np.append(each.epochs, each.spent) for each in curves]))
    begun = max(each.epochs[0] for each in curves)
    kept: Floats = points[points >= begun]
    return kept


def _promises(comparison: Comparison, arms: Sequence[Tuned]) -> Figure:
    drawn = arms[:40]
    figure, (axes,) = grid(1, 1, 8.0, 1.0 + 0.5 * max(len(drawn), 2))
    for row, arm in enumerate(drawn):
        for scores, place, colour, face in (
            (arm.declared, row + 0.16, GREY, "none"),
            (arm.tuned, row - 0.16, BLUE, BLUE),
        ):
            low, high = t_interval(scores)
            if math.isfinite(low):
                axes.plot([low, high], [place, place], color=colour, lw=2, solid_capstyle="butt", zorder=2)
            if len(scores):
                label = (
                    {BLUE: say("test, tuned"), GREY: say("test, as declared")}[colour] if row == 0 else None
                )
                axes.scatter(
                    [float(scores.mean())],
                    [place],
                    s=34,
                    facecolors=face,
                    edgecolors=colour,
                    linewidths=1.4,
                    zorder=3,
                    label=label,
                )
        if math.isfinite(arm.promised):
            label = say("validation, best") if row == 0 else None
            axes.scatter(
                [arm.promised],
                [row - 0.16],
                s=34,
                marker="D",
                facecolors="none",
                edgecolors=ORANGE,
                linewidths=1.4,
                zorder=3,
                label=label,
            )
    name_rows(axes, [arm.arm for arm in drawn])
    axes.set_xlabel(say("{metric} (fraction)", metric=readable(comparison.evidence.metric)))
    title = say("Promised on validation, kept on test")
    titles(figure, title, comparison.evidence.data, len(arms) - len(drawn))
    legend(figure)
    return figure
