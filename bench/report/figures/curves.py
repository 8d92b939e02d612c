"""What happened while the arms trained: scores and diagnostics over the epochs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.lang import say, template
from bench.report.style import grid, legend, series, titles, wrapped

#: Diagnostics that are drawn where an arm has them, and how their axes are called.
LEARNING = {
    "validation.current.balanced_accuracy": template("balanced accuracy on validation"),
    "contrast.active": template("share of triplets with a loss"),
    "retrieval": template("R@1, current to video"),
    "effective_rank.current": template("effective rank of the current"),
    "cone.current": template("length of the mean unit vector"),
    "contrast.metadata_r2": template("R² of the metadata, in training"),
    "bridge.current_gate_entropy": template("entropy of the current's router, nats"),
    "bridge.attention_entropy": template("entropy of the attention, nats"),
}
#: The same of the codes.
CODES = {
    "kappa": template("equal codes, corrected for chance (kappa)"),
    "equal_codes": template("share of equal codes"),
    "perplexity.current": template("perplexity of the current, codes"),
    "perplexity.video": template("perplexity of the video, codes"),
}
MOST = 7
Courses = dict[str, NDArray[np.float64]]


def curves(comparison: Comparison) -> Iterator[Sketch]:
    """Draw how the arms learned, and how they came to use the codes."""
    caption = say(
        "What happened while the arms trained: mean over units (line) and the range of the units (band). "
        "Retrieval is measured among at most 500 validation windows."
    )
    yield from _sheet(comparison, "curves", say("Over the epochs"), LEARNING, caption)
    caption = say(
        "How current and video use the codebook on at most 500 validation windows: mean over units (line) "
        "and the range of the units (band). Equal codes: share of the steps at which both take the same "
        "code; kappa leaves out what two independent draws would share. Perplexity is the number of codes "
        "that would be in use were all used alike: near 1 the codebook has collapsed. Agreement is not "
        "quality: any nuisance that both see raises it."
    )
    yield from _sheet(comparison, "code_curves", say("Codes over the epochs"), CODES, caption)


def _sheet(
    comparison: Comparison, name: str, title: str, shown: dict[str, str], caption: str
) -> Iterator[Sketch]:
    """Draw one panel a diagnostic, one line an arm with the range of its units."""
    from matplotlib.ticker import MaxNLocator

    found = courses(comparison, shown)
    if not found:
        return
    columns = min(2, len(found))
    figure, panels = grid(len(found), columns, 4.6 * columns + 0.4, 2.7, share=False)
    places = {arm.info.name: place for place, arm in enumerate(comparison.learned[:MOST])}
    for axes, (told, by_arm) in zip(panels, found.items(), strict=True):
        for arm, values in by_arm.items():
            colour, dash = series(places[arm])
            epochs = np.arange(1, values.shape[1] + 1)
            axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.12, lw=0)
            axes.plot(epochs, values.mean(axis=0), dash, color=colour, lw=1.8)
        axes.set_ylabel(wrapped(say(shown[told]), 32))
        axes.set_xlabel(say("epoch"))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for arm, place in places.items():
        if any(arm in by_arm for by_arm in found.values()):
            panels[0].plot([], [], series(place)[1], color=series(place)[0], lw=1.8, label=wrapped(arm))
    left_out = max(0, len(comparison.learned) - MOST)
    titles(figure, title, comparison.evidence.data, left_out)
    legend(figure, fit=True)
    yield Sketch(name, caption, figure, _tidy(found))


def courses(comparison: Comparison, shown: dict[str, str]) -> dict[str, Courses]:
    """Return ``(units, epochs)`` of each diagnostic and each of the first arms, where there are any."""
    found: dict[str, Courses] = {}
    runs = comparison.evidence.finished
    for arm in comparison.learned[:MOST]:
        told = [comparison.evidence.curve(key) for key in runs.loc[runs["arm"] == arm.info.name, "key"]]
        for name in shown:
            values = [[epoch.get(name) for epoch in curve] for curve in told]
            whole = [each for each in values if each and None not in each]
            if whole and len({len(each) for each in whole}) == 1 and len(whole[0]) > 1:
                found.setdefault(name, {})[arm.info.name] = np.array(whole, dtype=float)
    return found


def _tidy(found: dict[str, Courses]) -> pd.DataFrame:
    """Return one row a diagnostic, arm and epoch."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "diagnostic": name,
                    "arm": arm,
                    "epoch": np.arange(1, values.shape[1] + 1),
                    "units": len(values),
                    "mean": values.mean(axis=0),
                    "least": values.min(axis=0),
                    "most": values.max(axis=0),
                }
            )
            for name, by_arm in found.items()
            for arm, values in by_arm.items()
        ],
        ignore_index=True,
    )
