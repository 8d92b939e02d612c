"""How often each modality takes each code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.figures.readings import read, shown
from bench.report.lang import say
from bench.report.style import BLUE, VERMILLION, grid, legend, titles, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]


def usage(comparison: Comparison) -> Iterator[Sketch]:
    """Draw the shares of the codes by modality, for the baseline and the arms that differ most from it."""
    runs = {
        arm.info.name: [by_rank(arrays["code_usage"]) for _, arrays in read(comparison, arm, "code_usage")]
        for arm in shown(comparison)
    }
    found = {name: np.stack(each) for name, each in runs.items() if each and _same_size(each)}
    if not found:
        return
    columns = min(2, len(found))
    figure, panels = grid(len(found), columns, 4.2 * columns + 0.6, 2.1, share=False)
    for axes, (name, each) in zip(panels, found.items(), strict=True):
        _panel(axes, name, each)
    left_out = len(comparison.learned) - len(found)
    titles(figure, say("Use of the codebook on the test part"), comparison.evidence.data, left_out)
    legend(figure)
    caption = say(
        "Share of the steps that take a code, the code most used by the video first; mean over at most {n} "
        "units, each with codes in an order of its own. Where the two curves part, the current takes codes "
        "that the head has seldom seen. Perplexity is the number of codes that would be in use were all used "
        "alike.",
        n=max(len(each) for each in found.values()),
    )
    yield Sketch("code_usage", caption, figure, _data(found))


def by_rank(counts: NDArray[Any]) -> Floats:
    """Return shares of the codes ``(2, codes)``, the code most used by the video first.

    Args:
        counts: how often current and video take each code, shape ``(2, codes)``.
    """
    share = np.asarray(counts, dtype=float) / np.maximum(np.sum(counts, axis=1, keepdims=True), 1)
    found: Floats = share[:, np.lexsort((-share[0], -share[1]))]
    return found


def perplexity(share: Floats) -> float:
    """Return exp(entropy) of shares that sum to 1."""
    some = share[share > 0]
    return float(np.exp(-(some * np.log(some)).sum()))


def _panel(axes: Axes, name: str, runs: Floats) -> None:
    current, video = runs.mean(axis=0)
    taken = np.flatnonzero(current + video)
    most = int(taken[-1]) + 1 if len(taken) else 1
    edges = np.arange(most + 1) + 0.5
    axes.stairs(video[:most], edges, fill=True, color=BLUE, alpha=0.45, lw=0, label=say("video"))
    axes.stairs(current[:most], edges, baseline=None, color=VERMILLION, lw=1.5, label=say("current"))
    of_current, of_video = (float(np.mean([perplexity(run[m]) for run in runs])) for m in (0, 1))
    told = say(
        "{codes} codes; perplexity: current {current:.1f}, video {video:.1f}",
        codes=runs.shape[2],
        current=of_current,
        video=of_video,
    )
    axes.set_title(f"{wrapped(name, 40)}\n{told}", fontsize=9, loc="left")
    axes.set_ylim(bottom=0)
    axes.set_xlim(0.5, most + 0.5)
    axes.set_xlabel(say("codes, by use of the video"))
    axes.set_ylabel(say("share of steps"))


def _same_size(runs: list[Floats]) -> bool:
    return len({run.shape for run in runs}) == 1


def _data(found: dict[str, Floats]) -> pd.DataFrame:
    """Return one row an arm and rank of a code."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "arm": name,
                    "units": len(runs),
                    "rank": np.arange(1, runs.shape[2] + 1),
                    "video": runs[:, 1].mean(axis=0),
                    "current": runs[:, 0].mean(axis=0),
                }
            )
            for name, runs in found.items()
        ],
        ignore_index=True,
    )
