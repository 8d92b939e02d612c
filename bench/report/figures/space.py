"""Where the windows of both modalities lie, before, while and after a method trains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.figures.readings import read
from bench.report.lang import count, say
from bench.report.style import BLUE, VERMILLION, grid, legend, titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEIGHBOURS = 10
_PERPLEXITY, _ITERATIONS = 30.0, 400
_FEWEST = 2 * NEIGHBOURS
_LOOK = {"current": "o", "video": "^"}
_BEFORE, _AFTER = 0, -1  # stages of a record that does not name its epochs
Floats = NDArray[np.float64]


def space(comparison: Comparison) -> Iterator[Sketch]:
    """Draw the sample on record of one run of the baseline, embedded by t-SNE, stage by stage."""
    for unit, arrays in read(comparison, comparison.baseline, "space", "space_rows", "label"):
        vectors = np.asarray(arrays["space"], dtype=np.float64)
        label = np.asarray(arrays["label"])[arrays["space_rows"]] == 1
        if vectors.shape[2] >= _FEWEST:
            yield _figure(comparison, unit, _epochs(arrays), vectors, label)
            return


def _epochs(arrays: Mapping[str, Any]) -> list[int]:
    return [int(e) for e in arrays["space_epochs"]] if "space_epochs" in arrays else [_BEFORE, _AFTER]


def embed(vectors: Floats) -> Floats:
    """Return points in the plane of vectors ``(n, d)`` (t-SNE; van der Maaten & Hinton, 2008).

    Begun from the principal components and with a fixed seed, on one thread, whose order of additions is
    fixed: the same vectors give the same points. Only neighbourhoods mean something; neither distances
    between groups nor their sizes do.
    """
    if np.ptp(vectors, axis=0).max() == 0:
        return np.zeros((len(vectors), 2))
    kept = np.ascontiguousarray(vectors, dtype=np.float32)
    return _embedded(kept.tobytes(), kept.shape).copy()


@lru_cache(maxsize=16)
def _embedded(content: bytes, shape: tuple[int, int]) -> Floats:
    """Embed vectors once, whatever languages they are shown in: nothing of a figure takes longer."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    vectors = np.frombuffer(content, dtype=np.float32).reshape(shape)
    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    model = TSNE(2, perplexity=perplexity, max_iter=_ITERATIONS, init="pca", random_state=0, n_jobs=1)
    with threadpool_limits(1):
        found: Floats = model.fit_transform(vectors).astype(np.float64)
    return found


def turned(points: Floats, before: Floats) -> Floats:
    """Return points turned and mirrored about their centre so that they lie as near as can be to others.

    An embedding has no orientation of its own; orthogonal Procrustes (Schönemann, 1966) gives it that of the
    panel before.
    """
    from scipy.linalg import orthogonal_procrustes

    centred, target = points - points.mean(axis=0), before - before.mean(axis=0)
    if not (np.any(centred) and np.any(target)):
        return points
    found: Floats = centred @ orthogonal_procrustes(centred, target)[0]
    return found


def neighbours(vectors: Floats, group: NDArray[Any]) -> float:
    """Return the share of the ten nearest of each vector that are of its own group, in the space itself."""
    squares = (vectors**2).sum(axis=1)
    distance = squares[:, None] + squares[None] - 2 * vectors @ vectors.T
    np.fill_diagonal(distance, np.inf)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :NEIGHBOURS]
    return float((group[nearest] == group[:, None]).mean())


def _figure(
    comparison: Comparison, unit: str, epochs: list[int], vectors: Floats, label: NDArray[np.bool_]
) -> Sketch:
    windows = vectors.shape[2]
    modality, kind = np.repeat(list(_LOOK), windows), np.tile(label, 2)
    figure, panels = grid(len(epochs), 2, 8.4, 3.5, share=False)
    frames, points = [], None
    for axes, epoch, flat in zip(panels, epochs, vectors, strict=True):
        flat = flat.reshape(2 * windows, -1)
        points = embed(flat) if points is None else turned(embed(flat), points)
        _panel(axes, points, modality, kind)
        same = say(
            "nearest {n}: {modality:.0f} % of the same modality, {label:.0f} % of the same class",
            n=NEIGHBOURS,
            modality=100 * neighbours(flat, modality),
            label=100 * neighbours(flat, kind),
        )
        axes.set_title(f"{_when(epoch)}\n{same}", fontsize=9, loc="left")
        told = {"unit": unit, "window": np.tile(np.arange(windows), 2), "modality": modality}
        when = {"epoch": epoch if epoch != _AFTER else None}
        place = {"abnormal": kind.astype(int), "x": points[:, 0], "y": points[:, 1]}
        frames.append(pd.DataFrame({**when, **told, **place}))
    title = say("Windows of both modalities, {arm}, {unit}", arm=comparison.baseline.info.name, unit=unit)
    titles(figure, title, comparison.evidence.data)
    legend(figure, fit=True)
    caption = say(
        "Mean semantic vectors of {n} windows of the test part, current and video of each, embedded by "
        "t-SNE (van der Maaten & Hinton, 2008; perplexity {perplexity:g}, fixed seed), each panel by "
        "itself and then turned to resemble the panel before: axes have no unit, distances between groups no "
        "meaning. One run, a picture and no evidence. The shares above are those in the space itself; of the "
        "same modality near 50 % means that the modalities are mixed.",
        n=windows,
        perplexity=round(min(_PERPLEXITY, (2 * windows - 1) / 3)),
    )
    return Sketch("space", caption, figure, pd.concat(frames, ignore_index=True))


def _when(epoch: int) -> str:
    if epoch == _BEFORE:
        return say("before pre-training")
    return say("after pre-training") if epoch == _AFTER else count(epoch, "after 1 epoch", "after {n} epochs")


def _panel(axes: Axes, points: Floats, modality: NDArray[Any], abnormal: NDArray[np.bool_]) -> None:
    names = {
        ("current", False): say("current, normal"),
        ("current", True): say("current, abnormal"),
        ("video", False): say("video, normal"),
        ("video", True): say("video, abnormal"),
    }
    for (kind, positive), name in names.items():
        x, y = points[(modality == kind) & (abnormal == positive)].T
        colour = VERMILLION if positive else BLUE
        filled = kind == "video"
        axes.scatter(
            x, y, s=17, marker=_LOOK[kind], facecolors=colour if filled else "none", edgecolors=colour,
            linewidths=0 if filled else 1.0, alpha=0.75, label=name,
        )  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    axes.spines[["left", "bottom", "top", "right"]].set_visible(True)
    axes.margins(0.04)
