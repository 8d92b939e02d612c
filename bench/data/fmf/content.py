"""What only decoding tells of a batch: its labels, which pictures they are, and signals that say nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.finding import Finding
from bench.data.fmf.batch import FIRST_RELEASE, Batch
from bench.data.fmf.layout import Layout
from bench.data.fmf.mat import BLOCK, Mat

#: One frame in so many, about one a second, tells which pictures they are.
SAMPLED = 25


@dataclass(frozen=True)
class Content:
    """What the frames of a batch hold.

    Attributes:
        label: ``(frames,)`` whether a frame is abnormal.
        darkest, brightest: levels of all pixels.
        digest: equal only for batches of the same pictures.
    """

    label: NDArray[np.uint8]
    darkest: int
    brightest: int
    digest: str


def decoded(mat: Mat, progress: Callable[[int], None]) -> Content:
    """Decode every frame and every mask once."""
    labels, levels, digest = [], [], hashlib.sha256(str((mat.frames, mat.height, mat.width)).encode())
    for first in range(0, mat.frames, BLOCK):
        block = slice(first, min(first + BLOCK, mat.frames))
        pictures = mat.pictures(block)
        levels += [int(pictures.min()), int(pictures.max())]
        digest.update(pictures[::SAMPLED].tobytes())
        labels.append(mat.abnormal(block))
        progress(block.stop)
    return Content(np.concatenate(labels), min(levels), max(levels), digest.hexdigest())


def lifeless(layout: Layout, batch: Batch, content: Content) -> Iterator[Finding]:
    """Yield which signals of a batch say nothing, or cannot be what they are called, and what is not read."""
    mat = batch.mat
    video, table = layout.name(mat.path), layout.name(layout.currents(batch.stem))
    if not 0 < content.label.mean() < 1:
        yield Finding("odd", video, f"every frame is {'abnormal' if content.label.any() else 'normal'}")
    if content.darkest == content.brightest:
        yield Finding("odd", video, f"every pixel of every picture is {content.darkest}, of 0 to 255")
    elif content.brightest <= 1:
        yield Finding("odd", video, "pictures hold nothing but 0 and 1, of 0 to 255")
    read = {mat.key, "label", *(FIRST_RELEASE if layout.release == 1 else ())}
    if mat.fields - read:
        yield Finding("odd", video, f"also holds, and is not read: {', '.join(sorted(mat.fields - read))}")
    for phase, amperes in zip("ABC", batch.amperes.T, strict=True):
        low, high = amperes.min(), amperes.max()
        said = f"is {low:,.0f} A throughout" if low == high else "is never above 0 A" if high <= 0 else ""
        if said:
            yield Finding("odd", video if layout.release == 1 else table, f"phase {phase} {said}")
