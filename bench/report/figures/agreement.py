"""Which code the current takes where the video takes a given one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.figures.readings import read, shown
from bench.report.figures.shades import name_shades, shade
from bench.report.lang import say
from bench.report.style import GREY, grid, legend, titles, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CODES = 24
"""Codes that are drawn; the others stand together in the last row and column."""
_SHOWN = (0.05, 0.25, 0.5, 1.0)  # shares in the legend
Floats = NDArray[np.float64]


def agreement(comparison: Comparison) -> Iterator[Sketch]:
    """Draw the agreement of codes in one unit, since codes of two units have nothing in common."""
    found: dict[str, tuple[str, NDArray[np.int64], Floats]] = {}
    for arm in shown(comparison):
        for unit, arrays in read(comparison, arm, "code_pairs", "code_usage", most=1):
            found[arm.info.name] = (unit, *together(arrays["code_pairs"], arrays["code_usage"]))
    if not found:
        return
    columns = min(2, len(found))
    figure, panels = grid(len(found), columns, 3.7 * columns + 0.5, 3.5, share=False)
    for axes, (name, (unit, codes, counts)) in zip(panels, found.items(), strict=True):
        _panel(axes, f"{wrapped(name, 42)}\n{unit}", codes, counts)
    left_out = len(comparison.learned) - len(found)
    name_shades(panels[0], {share: f"{100 * share:.0f} %" for share in _SHOWN})
    legend(figure)
    titles(figure, say("Agreement of codes on the test part"), comparison.evidence.data, left_out)
    caption = say(
        "Where the video takes a code (row), the share of the codes (columns) that the current takes at the "
        "same time, the fuller the colour the more (empty: under 2.5 %): {n} codes most used by the video, "
        "in an order in which codes that are taken together lie together, and all others. On the diagonal "
        "both take the same code; a filled block is a group of codes that stand for the same. Agreement is "
        "not quality: any nuisance that both see raises it.",
        n=CODES,
    )
    yield Sketch("code_agreement", caption, figure, _data(found))


def together(pairs: NDArray[Any], used: NDArray[Any]) -> tuple[NDArray[np.int64], Floats]:
    """Return the codes most used by the video, and how often they meet those of the current.

    Args:
        pairs: code of the current, of the video, and how often they meet, shape ``(3, m)``.
        used: how often current and video take each code, shape ``(2, codes)``.

    Returns:
        The codes, seriated, shape ``(k,)``, and counts ``(k + 1, k + 1)``: rows by the video's code, columns
        by the current's, the last of both for all other codes.
    """
    order = np.lexsort((-used[0], -used[1]))
    codes = order[used.sum(axis=0)[order] > 0][:CODES]
    codes = codes[seriated(_met(pairs, codes, used.shape[1])[:-1, :-1])]
    return codes, _met(pairs, codes, used.shape[1])


def seriated(counts: Floats) -> NDArray[np.int64]:
    """Return an order of codes in which those that are taken together lie together.

    By the first axis of the correspondence analysis (Greenacre, 2007) of the counts made symmetric, so that
    rows and columns share it.

    Args:
        counts: how often a code of the video (rows) meets one of the current, shape ``(k, k)``.
    """
    both = counts + counts.T
    share = both.sum(axis=1) / max(both.sum(), 1)
    if not len(both) or share.min() <= 0:
        return np.arange(len(both))
    root = np.sqrt(np.outer(share, share))
    residual = both / both.sum() / root - root
    axis = np.linalg.eigh(residual)[1][:, -1] / np.sqrt(share)
    axis = axis * (1 if axis[0] <= 0 else -1)  # the code most used by the video in the upper half
    return np.argsort(axis.round(9), kind="stable")


def _met(pairs: NDArray[Any], codes: NDArray[np.int64], size: int) -> Floats:
    place = np.full(size, len(codes))
    place[codes] = np.arange(len(codes))
    counts = np.zeros((len(codes) + 1,) * 2)
    np.add.at(counts, (place[pairs[1]], place[pairs[0]]), pairs[2])
    return counts


def shares(counts: Floats) -> Floats:
    """Return counts as shares of their row; rows without any are 0."""
    found: Floats = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return found


def _panel(axes: Axes, title: str, codes: NDArray[np.int64], counts: Floats) -> None:
    size = len(counts)
    shade(axes, shares(counts))
    axes.plot([-0.5, size - 0.5], [size - 1.5] * 2, color=GREY, lw=0.7)
    axes.plot([size - 1.5] * 2, [-0.5, size - 0.5], color=GREY, lw=0.7)
    axes.set_aspect("equal")
    names = [str(code) for code in codes] + [say("other")]
    step = max(1, size // 8)
    seen = [*range(0, size - 1 - step // 2, step), size - 1]
    axes.set_xticks(seen, [names[i] for i in seen], fontsize=8, rotation=90)
    axes.set_yticks(seen, [names[i] for i in seen], fontsize=8)
    axes.set_xlabel(say("code of the current"))
    axes.set_ylabel(say("code of the video"))
    axes.set_title(title, fontsize=9, loc="left")


def _data(found: dict[str, tuple[str, NDArray[np.int64], Floats]]) -> pd.DataFrame:
    """Return one row an arm and pair of codes that meet."""
    rows = []
    for arm, (unit, codes, counts) in found.items():
        names, share = [*map(str, codes), "other"], shares(counts)
        for row, column in np.argwhere(counts > 0):
            told = {"arm": arm, "unit": unit, "video": names[row], "current": names[column]}
            rows.append({**told, "steps": int(counts[row, column]), "share_of_video": share[row, column]})
    return pd.DataFrame(rows)
