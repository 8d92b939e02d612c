"""What a run leaves for the figures that look inside: how its codes were used."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.cell.scores import nearest_steps

PAIRS = 8192
"""Pairs of codes that are kept, the most frequent."""

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
