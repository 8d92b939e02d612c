"""The figures of a search, each with the table it stands by."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.compare import t_interval
from bench.compare.anytime import Anytime, Floats, summary
from bench.report.comparison import Comparison
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
_SPENT = "share of the budget spent (epochs / epochs of all trials run to the end)"
_BEST = "best on validation (fraction)"
_BAND = 3  # repeats from which on an interval says more than the lines do

Sketch = tuple[str, str, str, "Figure"]
"""Section, file stem, caption and figure."""


def search_figures(comparison: Comparison) -> Iterator[Sketch]:
    """Draw every figure of the search; none without one."""
    searched = comparison.evidence.search
    if searched is None:
        return
    arms = [arm for arm in tuning(comparison) if len(arm.tuned)]
    if arms:
        caption = (
            "What was promised and what was kept, by arm: best on validation (diamond), mean on test tuned "
            "(filled) and as declared (hollow), with 95 % t intervals over units."
        )
        yield "tuning", "tuning", caption, _promises(comparison, arms)
    metric, data = readable(comparison.evidence.metric), comparison.evidence.data
    if any(len(each.scored) for each in searched.deciding):
        how = _how([searched.of(arm) for arm in searched.arms])
        caption = f"Best on validation so far against the share of the budget spent, by arm; {how}"
        yield "search", "search_arms", caption, _by_arm(searched, metric, data)
        if len(searched.samplers) > 1:
            how = _how([searched.of(arm, sampler) for arm in searched.arms for sampler in searched.samplers])
            caption = f"Best on validation so far against the share of the budget spent, by sampler; {how}"
            yield "search", "search_samplers", caption, _by_sampler(searched, metric, data)
        yield from landscape(searched, metric, data)
    if len(searched.objectives) > 1 and any(len(each.scored) for each in searched.deciding):
        yield "pareto", "search_front", *fronts(searched, data)


def _how(groups: Sequence[Sequence[ArmSearch]]) -> str:
    counts = [sum(len(each.scored) > 0 for each in group) for group in groups]
    many = f"mean over {max(counts)} searches, band: 95 % t interval at each point"
    if 0 < min(counts) < max(counts):
        many += " (fewer where a search has no value, and then one line each below three)"
    lines = many if max(counts) >= _BAND else "one line a search"
    return f"{lines}. A value counts from the end of its trial on; a dot ends a search."


def _by_arm(searched: Searched, metric: str, data: str) -> Figure:
    drawn = searched.arms[:MOST_SERIES]
    figure, (axes,) = grid(1, 1, 8.0, 4.0)
    for place, arm in enumerate(drawn):
        _curves(axes, searched, searched.of(arm), wrapped(arm), *series(place))
    axes.set_xlim(left=0)
    axes.set_xlabel(_SPENT)
    axes.set_ylabel(_BEST)
    titles(figure, f"Best {metric} so far, by arm", data, len(searched.arms) - len(drawn))
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
        axes.set_xlabel("share of the budget (epochs)")  # short: a figure-wide label meets the legend
    figure.supylabel(_BEST, fontsize=9.5)
    titles(figure, f"Best {metric} so far, by sampler", data, len(searched.arms) - len(drawn))
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
                label = {BLUE: "test, tuned", GREY: "test, as declared"}[colour] if row == 0 else None
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
            label = "validation, best" if row == 0 else None
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
    axes.set_xlabel(f"{readable(comparison.evidence.metric)} (fraction)")
    titles(figure, "Promised on validation, kept on test", comparison.evidence.data, len(arms) - len(drawn))
    legend(figure)
    return figure
