"""What is kept of a method while it trains, for the figures that show training itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.cell.inputs import Inputs, as_rows
from bench.data.split import Split
from models.method import MODALITIES, Method, evaluating

WINDOWS, WIDTH = 120, 32
"""Windows of a sample, and principal components of their vectors: all there is at the default width."""
COUNTED, MAPS = 500, 9
"""Windows whose codes are counted while a method trains, and epochs at which they are, at most."""


def album_of(cell: dict[str, Any], inputs: Inputs, parts: Split) -> Album:
    """Return what a cell keeps while it trains: its codebooks in a search, else pictures of one seed.

    One seed is enough for a picture, and keeps the record small.
    """
    if cell.get("read") == "validation":
        return Codebooks()
    if cell["treatment"] == "method" and cell["seeds"]["initialisation"] == 0:
        return Pictures(inputs, parts.test, cell["budget"]["epochs"])
    return Album()


class Album:
    """Looks at a method between two epochs; looking changes nothing. This one keeps nothing."""

    def look(self, epoch: int, method: Method) -> None:
        """See the method after an epoch; 0 is before the first."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what was kept, by name."""
        return {}


class Codebooks(Album):
    """Keeps the codebook of every epoch, as a search shows it: ``codebook`` ``(epochs, codes, width)``."""

    def __init__(self) -> None:
        self._seen: list[NDArray[np.float16]] = []

    def look(self, epoch: int, method: Method) -> None:
        """Keep the codebook; before the first epoch there is none to tell of."""
        if epoch:
            self._seen.append(method.codebooks()[0].detach().cpu().numpy().astype(np.float16))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the codebooks; nothing where nothing was trained."""
        return {"codebook": np.stack(self._seen)} if self._seen else {}


class Pictures(Album):
    """Keeps where some windows lie and which codes they take while a method trains.

    For pictures and not as evidence: no score is taken, no label looked at.

    Args:
        inputs: the scaled windows.
        rows: windows to draw from, evenly: those of the test part.
        epochs: how many there will be.
    """

    def __init__(self, inputs: Inputs, rows: NDArray[np.int64], epochs: int) -> None:
        self._inputs, self._rows = inputs, rows
        self._sample, self._counted = evenly(len(rows), WINDOWS), evenly(len(rows), COUNTED)
        self._stages, self._maps = stages(epochs), evenly(epochs + 1, MAPS)
        self._space: list[NDArray[np.float16]] = []
        self._usage: list[NDArray[np.int32]] = []

    def look(self, epoch: int, method: Method) -> None:
        """Keep windows and codes of the epochs that are shown."""
        device = self._inputs.label.device
        if epoch in self._stages:
            rows = as_rows(self._rows[self._sample], device)
            with torch.no_grad(), evaluating(method):
                means = [method.encode(m, self._inputs.window(m, rows)).mean(1) for m in MODALITIES]
            self._space.append(_components(torch.stack(means)).astype(np.float16))
        codes = len(method.codebooks()[0])
        if epoch in self._maps and codes > 1:
            rows = as_rows(self._rows[self._counted], device)
            taken = [method.codes(m, self._inputs.window(m, rows))[1] for m in MODALITIES]
            counts = [np.bincount(each.cpu().numpy().ravel(), minlength=codes) for each in taken]
            self._usage.append(np.stack(counts).astype(np.int32))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what was kept, each with the epochs it is of; nothing of vectors that are not finite.

        ``space`` ``(stages, 2, n, d)``: mean semantic vectors of current and video, as at most ``WIDTH``
        principal components of both together, in units of their spread; ``space_rows`` ``(n,)``: which of
        the rows they are; ``code_course`` ``(epochs, 2, codes)``: how often each takes each code.
        """
        found: dict[str, NDArray[Any]] = {}
        space = np.stack(self._space)
        if np.isfinite(space).all():
            found |= {
                "space": space,
                "space_rows": self._sample.astype(np.int32),
                "space_epochs": np.array(self._stages, dtype=np.int32),
            }
        if self._usage:
            found |= {"code_course": np.stack(self._usage), "code_epochs": self._maps.astype(np.int32)}
        return found


def stages(epochs: int) -> tuple[int, ...]:
    """Return the epochs whose windows are shown: before training, the first, the middle one, the last.

    >>> stages(6), stages(2), stages(1)
    ((0, 1, 3, 6), (0, 1, 2), (0, 1))
    """
    return tuple(sorted({0, 1, (epochs + 1) // 2, epochs}))


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """Return at most so many places of ``count``, evenly spaced, the first and the last among them.

    >>> evenly(10, 4)
    array([0, 3, 6, 9])
    """
    places: NDArray[np.int64] = np.unique(
        np.linspace(0, count - 1, min(most, count)).round().astype(np.int64)
    )
    return places


def _components(vectors: torch.Tensor) -> NDArray[np.float64]:
    """Return ``(2, n, D)`` vectors in principal components of all of them, ``(2, n, min(D, WIDTH))``."""
    flat = vectors.detach().double().cpu().numpy().reshape(-1, vectors.shape[-1])
    flat = flat - flat.mean(axis=0)
    if not np.isfinite(flat).all():
        return np.full((2, vectors.shape[1], min(flat.shape[1], WIDTH)), np.nan)
    left, values, _ = np.linalg.svd(flat, full_matrices=False)
    kept: NDArray[np.float64] = (left * values)[:, :WIDTH] / max(float(flat.std()), 1e-12)
    return kept.reshape(2, vectors.shape[1], -1)
