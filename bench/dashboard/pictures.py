"""What is drawn for the dashboard: how a trial learned, and how its codebook moved."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.report.metric import GEOMETRY, readable
from bench.report.style import GREY, INK, image, series, style, titles
from bench.search.log import Header, Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = Sequence[Mapping[str, Any]]
_COLUMNS = 3
_EPOCHS, _CODES = 6, 128  # panels of a codebook, and codes in each: t-SNE takes seconds for these
_DIMENSIONS = 30  # that PCA leaves for t-SNE


def learning_curve(header: Header, trial: Trial, curves: Mapping[str, Curve]) -> bytes | None:
    """Draw the validation score and every loss term by epoch, one line a seed.

    Args:
        header: the search.
        trial: one of its trials.
        curves: what each cell told after each epoch, by the name of its seed.
    """
    metric = f"validation.{header.objectives[0]}"
    terms = [name for curve in curves.values() for epoch in curve for name in epoch if _is_term(name)]
    names = [metric, *dict.fromkeys(terms)]
    if not any(curves.values()):
        return None
    with style():
        figure, panels = _panels(len(names), 2.4, 1.9)
        for axes, name in zip(panels, names, strict=True):
            for place, (seed, curve) in enumerate(curves.items()):
                colour, dash = series(place)
                points = [(epoch["epoch"], epoch.get(name)) for epoch in curve]
                x, y = zip(*points, strict=True) if points else ((), ())
                heights = [math.nan if value is None else value for value in y]
                axes.plot(x, heights, color=colour, ls=dash, lw=1.6, marker="o", ms=3.5, label=seed)
            axes.set_title(
                f"{readable(header.objectives[0])}, validation" if name == metric else name, size=9.5
            )
            axes.set_ylabel("fraction" if name == metric else "" if "." in name else "loss")
            axes.set_xlabel("epoch")
            axes.locator_params(axis="x", integer=True)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower right", frameon=False, ncols=min(6, len(labels)))
        titles(
            figure, f"{header.study}, arm {header.arm}: learning curve of trial {trial.number}", header.data
        )
        return image(figure, "png", "learning_curve")


def codebook(header: Header, trial: Trial, codebooks: NDArray[Any], seed: str) -> bytes | None:
    """Draw the codes of every epoch in one t-SNE embedding (van der Maaten and Hinton, 2008).

    All epochs are embedded together (PCA, then t-SNE with a fixed seed), so a code that moves in a
    panel has moved. A code keeps its colour: its place on the first principal axis of the last epoch.

    Args:
        header: the search.
        trial: one of its trials.
        codebooks: array ``(epochs, codes, width)``.
        seed: name of the seed they were learned with.
    """
    epochs = np.unique(np.linspace(0, len(codebooks) - 1, min(len(codebooks), _EPOCHS)).round().astype(int))
    codes = np.unique(
        np.linspace(0, codebooks.shape[1] - 1, min(codebooks.shape[1], _CODES)).round().astype(int)
    )
    shown = np.asarray(codebooks[np.ix_(epochs, codes)], dtype=np.float64)
    if (
        shown.shape[0] * shown.shape[1] < 5
        or not np.isfinite(shown).all()
        or np.ptp(shown, axis=(0, 1)).max() == 0
    ):
        return None
    places, trust, hue = _embedded(shown)
    with style():
        figure, panels = _panels(len(epochs), 2.4, 2.4, share=True)
        for axes, epoch, points, before in zip(
            panels, epochs, places, [places[0], *places[:-1]], strict=True
        ):
            (x, y), (old_x, old_y) = points.T, before.T
            axes.plot([old_x, x], [old_y, y], color=GREY, lw=0.5, alpha=0.6, zorder=1)
            axes.scatter(x, y, c=hue, cmap="viridis", s=16, linewidths=0.3, edgecolors="white", zorder=2)
            axes.set_title(f"epoch {epoch + 1}", size=9.5)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[["left", "bottom"]].set_visible(False)
        note = (
            f"{len(codes)} of {codebooks.shape[1]} codes, {seed}; one t-SNE of all epochs: its axes have no "
            f"unit (trustworthiness {trust:.2f}).\n"
            "Colour: a code's place on the main axis of the last epoch; grey: its way from the panel before."
        )
        figure.supxlabel(note, x=0.01, ha="left", size=8.5, color=INK)
        titles(figure, f"{header.study}, arm {header.arm}: codebook of trial {trial.number}", header.data)
        return image(figure, "png", "codebook")


def _embedded(shown: NDArray[Any]) -> tuple[NDArray[Any], float, NDArray[Any]]:
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE, trustworthiness

    rows = shown.reshape(-1, shown.shape[2])
    small = PCA(min(_DIMENSIONS, *rows.shape), random_state=0).fit_transform(rows)
    model = TSNE(2, perplexity=min(30.0, (len(rows) - 1) / 3), max_iter=500, random_state=0, n_jobs=1)
    flat = model.fit_transform(small)
    neighbours = min(5, (len(rows) - 1) // 2)
    trust = float(trustworthiness(small, flat, n_neighbors=neighbours))
    last = small.reshape(*shown.shape[:2], -1)[-1]
    hue = PCA(1, random_state=0).fit_transform(last)[:, 0].argsort().argsort()
    return flat.reshape(*shown.shape[:2], 2), trust, hue


def _panels(count: int, width: float, height: float, *, share: bool = False) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    size = (max(6.0, width * columns), 1.1 + height * rows)
    figure = Figure(figsize=size, layout="constrained")
    panels = list(figure.subplots(rows, columns, sharex=share, sharey=share, squeeze=False).flat)
    for spare in panels[count:]:
        spare.remove()
    return figure, panels[:count]


def _is_term(name: str) -> bool:
    return name != "epoch" and not name.startswith(("validation", *GEOMETRY))
