"""What a run leaves for the figures that look inside: how its codes were used, where its windows lie."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from bench.cell.inputs import Inputs
from bench.cell.readout import Readout
from bench.cell.scores import nearest_steps
from models.method import MODALITIES, Method

PAIRS = 8192
"""Pairs of codes that are kept, the most frequent."""
WINDOWS, WIDTH = 120, 32
"""Windows of a sample, and principal components of their vectors: all there is at the default width."""

Codes = NDArray[np.int64]


def code_counts(current: Codes, video: Codes, codes: int) -> dict[str, NDArray[np.int32]]:
    """Count the codes that two modalities take on paired windows.

    Args:
        current: code indices, shape ``(n, steps)``.
        video: those of the paired windows; the number of steps may differ.
        codes: size of the codebook.

    Returns:
        ``code_usage`` ``(2, codes)``: how often current and video take each code; ``code_pairs`` ``(3, m)``:
        code of the current, code of the video at the same time, and how often they meet, the most frequent
        first, at most ``PAIRS``. Empty for a single code.
    """
    if codes < 2:
        return {}
    usage = [np.bincount(index.ravel(), minlength=codes) for index in (current, video)]
    joint = nearest_steps(current, video.shape[1]) * codes + video
    pair, often = np.unique(joint, return_counts=True)
    order = np.lexsort((pair, -often))[:PAIRS]
    pairs = [pair[order] // codes, pair[order] % codes, often[order]]
    return {"code_usage": np.stack(usage).astype(np.int32), "code_pairs": np.stack(pairs).astype(np.int32)}


def sample(
    readout: Readout, fresh: Method, inputs: Inputs, rows: NDArray[np.int64]
) -> dict[str, NDArray[np.generic]]:
    """Return where some windows lie before and after pre-training, for a picture and not as evidence.

    Args:
        readout: of the trained method.
        fresh: the same method untrained.
        inputs: the scaled windows.
        rows: windows to draw from, evenly.

    Returns:
        ``space`` ``(2, 2, n, d)``: the mean semantic vectors before and after, of current and video, as at
        most ``WIDTH`` principal components of both modalities together, in units of their spread;
        ``space_rows`` ``(n,)``: which of ``rows`` they are. Empty where a vector is not finite.
    """
    place = np.unique(np.linspace(0, len(rows) - 1, min(WINDOWS, len(rows))).round().astype(np.int64))
    before = Readout(readout.arm, fresh, inputs, seed=readout.seed)
    stages = [
        _components(torch.stack([each.semantic(m, rows[place]) for m in MODALITIES]))
        for each in (before, readout)
    ]
    found = np.stack(stages).astype(np.float16)
    return {"space": found, "space_rows": place.astype(np.int32)} if np.isfinite(found).all() else {}


def _components(vectors: torch.Tensor) -> NDArray[np.float64]:
    """Return ``(2, n, D)`` vectors in principal components of all of them, ``(2, n, min(D, WIDTH))``."""
    flat = vectors.detach().double().cpu().numpy().reshape(-1, vectors.shape[-1])
    flat = flat - flat.mean(axis=0)
    if not np.isfinite(flat).all():
        return np.full((2, vectors.shape[1], min(flat.shape[1], WIDTH)), np.nan)
    left, values, _ = np.linalg.svd(flat, full_matrices=False)
    kept: NDArray[np.float64] = (left * values)[:, :WIDTH] / max(float(flat.std()), 1e-12)
    return kept.reshape(2, vectors.shape[1], -1)
