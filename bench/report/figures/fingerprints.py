"""How well codes name the batch, against the score."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from bench.compare import t_interval
from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.evidence import ArmInfo
from bench.report.fingerprints import PARTS, PROBES, Fingerprint
from bench.report.fingerprints import fingerprints as found_of
from bench.report.lang import say
from bench.report.metric import short, with_unit
from bench.report.style import INK, grid, legend, series, titles, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = (("learnt", "shared"), ("new", "current"))
FEWEST, MOST = 3, 24  # arms
_NAMED = 7  # arms that a legend names where there are no factors


def fingerprints(comparison: Comparison) -> Iterator[Sketch]:
    """Draw one point an arm, for the two probes that say most."""
    found = {(each.arm, each.part, each.probe): each for each in found_of(comparison)}
    arms = [arm.info for arm in comparison.learned if len(arm.scores)]
    shown = [p for p in PANELS if sum((arm.name, *p) in found for arm in arms) >= FEWEST]
    if not shown or len(arms) > MOST:
        return
    figure, panels = grid(len(shown), len(shown), 4.8 * len(shown) + 0.4, 3.6)
    groups = _groups(arms)
    frames = []
    for axes, (part, probe) in zip(panels, shown, strict=True):
        for arm in arms:
            if (each := found.get((arm.name, part, probe))) is not None:
                frames.append(_point(axes, comparison, arm, each, groups))
        axes.axvline(0, color=INK, lw=1, ls=":", zorder=1)
        axes.set_xlabel(wrapped(say("skill of naming the batch: {probe}, {part}", probe=say(PROBES[probe]),
                                    part=say(PARTS[part])), 48))  # fmt: skip
    panels[0].set_ylabel(with_unit(comparison.evidence.metric, short(comparison.evidence.metric)))
    for name, place in groups.items():
        colour, _ = series(place)
        panels[0].plot([], [], "o", color=colour, mec="white", label=wrapped(name, 34))
    left_out = len(arms) - _NAMED if len(groups) == _NAMED and not arms[0].levels else 0
    titles(figure, say("Batch fingerprints and the score"), comparison.evidence.data, max(0, left_out))
    legend(figure, fit=True)
    along = _along(arms)
    caption = say(
        "Each point is an arm: how well its codes name the production batch of a window, and its score; "
        "means and 95 % t intervals over units. Dotted: chance of naming the batch."
    )
    if along:
        caption += say(" ") + say("Numbers at the points: {factor}.", factor=along)
    yield Sketch("fingerprints", caption, figure, pd.concat(frames, ignore_index=True), "fingerprints")


def _point(
    axes: Axes, comparison: Comparison, arm: ArmInfo, each: Fingerprint, groups: Mapping[str, int]
) -> pd.DataFrame:
    """Draw one arm and return what is drawn."""
    result = next(one for one in comparison.learned if one.info.name == arm.name)
    x, y = each.mean, float(result.scores.mean())
    across, up = each.interval, t_interval(result.scores)
    place = groups.get(_group(arm))
    if place is not None:
        colour, _ = series(place)
        if math.isfinite(across[0]):
            axes.plot(across, [y, y], color=colour, lw=1.2, alpha=0.6, zorder=2)
        if math.isfinite(up[0]):
            axes.plot([x, x], up, color=colour, lw=1.2, alpha=0.6, zorder=2)
        axes.scatter([x], [y], s=34, color=colour, ec="white", lw=0.8, zorder=4)
        if len(arm.levels) > 1:
            level = str(arm.levels[_split(arm)[0]])
            axes.annotate(level, (x, y), xytext=(4, 4), textcoords="offset points", fontsize=8, color=INK)
    told = {"arm": [arm.name], "part": each.part, "probe": each.probe, "skill": x, "skill_low": across[0]}
    return pd.DataFrame({**told, "skill_high": across[1], "score": y, "low": up[0], "high": up[1]})


def _split(arm: ArmInfo) -> tuple[str, str]:
    """Return the factor that is written at the points and the one that colours them."""
    names = list(arm.levels)
    return (names[0], names[1])


def _group(arm: ArmInfo) -> str:
    """Return what an arm has its colour for: the level of the second factor, else its own name."""
    if len(arm.levels) < 2:
        return arm.name
    other = _split(arm)[1]
    return f"{other} = {arm.levels[other]}"


def _groups(arms: list[ArmInfo]) -> dict[str, int]:
    names = list(dict.fromkeys(_group(arm) for arm in arms))
    return {name: place for place, name in enumerate(names[:_NAMED])}


def _along(arms: list[ArmInfo]) -> str:
    return _split(arms[0])[0] if len(arms[0].levels) > 1 else ""
