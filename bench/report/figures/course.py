"""Which codes each modality takes while an arm trains."""

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
from bench.report.lang import say, template
from bench.report.style import grid, legend, titles, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CODES = 40
"""Codes that are drawn, the most used at the end of training."""
_SHOWN = (0.05, 0.25, 0.5, 1.0)  # of the largest share, in the legend
_MODALITIES = {"current": template("current"), "video": template("video")}
Floats = NDArray[np.float64]


def course(comparison: Comparison) -> Iterator[Sketch]:
    """Draw a map a modality and arm: codes across, epochs down, for one run of each arm."""
    found: dict[str, tuple[str, NDArray[np.int64], NDArray[np.int64], Floats]] = {}
    for arm in shown(comparison):
        for unit, arrays in read(comparison, arm, "code_course", "code_epochs", most=1):
            codes, share = by_last(arrays["code_course"])
            found[arm.info.name] = (unit, np.asarray(arrays["code_epochs"], dtype=np.int64), codes, share)
    if not found:
        return
    most = max(float(share.max()) for *_, share in found.values()) or 1.0
    tallest = max(len(epochs) for _, epochs, *_ in found.values())
    figure, panels = grid(2 * len(found), 2, 8.4, 0.9 + 0.17 * tallest, share=False)
    for place, (name, (unit, epochs, codes, share)) in enumerate(found.items()):
        for axes, modality, each in zip(panels[2 * place :], _MODALITIES, share.swapaxes(0, 1), strict=False):
            told = say("{arm}, {unit}", arm=wrapped(name, 34, 1), unit=unit)
            _panel(axes, f"{told}\n{say(_MODALITIES[modality])}", epochs, codes, each / most)
    name_shades(panels[0], {share: f"{100 * share * most:.2g} %" for share in _SHOWN})
    legend(figure)
    left_out = len(comparison.learned) - len(found)
    titles(figure, say("Use of the codes while training"), comparison.evidence.data, left_out)
    caption = say(
        "Share of the steps that take a code after so many epochs (0: before training), the fuller the "
        "colour the larger: at most 500 windows of the test part, without their labels, of one run. At most "
        "{n} codes, the most used at the end, the one most used by the video first; both maps of an arm have "
        "the same codes in the same order, so that a column filled in one and empty in the other is a code "
        "of one modality.",
        n=CODES,
    )
    yield Sketch("code_course", caption, figure, _data(found))


def by_last(counts: NDArray[Any]) -> tuple[NDArray[np.int64], Floats]:
    """Return the codes most used at the end, and the share of each of them at every epoch.

    Args:
        counts: how often current and video take each code, shape ``(epochs, 2, codes)``.

    Returns:
        Codes ``(k,)``, those of the video first, and shares ``(epochs, 2, k)`` of all steps.
    """
    counts = np.asarray(counts, dtype=float)
    share = counts / np.maximum(counts.sum(axis=2, keepdims=True), 1)
    current, video = share[-1]
    kept = np.argsort(-(current + video), kind="stable")[:CODES]
    kept = kept[(current + video)[kept] > 0]
    codes = kept[np.lexsort((-current[kept], -video[kept]))]
    return codes, share[:, :, codes]


def _panel(
    axes: Axes, title: str, epochs: NDArray[np.int64], codes: NDArray[np.int64], share: Floats
) -> None:
    shade(axes, share)
    axes.set_yticks(range(len(epochs)), [str(epoch) for epoch in epochs], fontsize=8)
    step = max(1, -(-len(codes) // 12))
    axes.set_xticks(range(0, len(codes), step), [str(code) for code in codes[::step]], fontsize=8)
    axes.set_xlabel(say("code"))
    axes.set_ylabel(say("epoch"))
    axes.set_title(title, fontsize=9, loc="left")


def _data(found: dict[str, tuple[str, NDArray[np.int64], NDArray[np.int64], Floats]]) -> pd.DataFrame:
    """Return one row an arm, epoch, modality and code that is taken."""
    rows = []
    for arm, (unit, epochs, codes, share) in found.items():
        for epoch, modality, code in np.argwhere(share > 0):
            told = {"arm": arm, "unit": unit, "epoch": epochs[epoch], "modality": list(_MODALITIES)[modality]}
            rows.append({**told, "code": codes[code], "share": share[epoch, modality, code]})
    return pd.DataFrame(rows)
