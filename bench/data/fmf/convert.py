"""Release 1 into release 2: one self-contained file a batch into video, currents, stamps and lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.data.fmf.alike import apart
from bench.data.fmf.batch import FIRST_RELEASE, read_first
from bench.data.fmf.clock import Clock
from bench.data.fmf.layout import VIDEOS, find
from bench.data.fmf.mat import BLOCK, Mat, look, opened
from bench.data.fmf.table import written
from bench.data.fmf.write import (
    Block,
    Ints,
    Told,
    new_folder,
    second_release,
    write_lists,
    write_mat,
    write_tables,
)
from bench.data.source import Share
from models.errors import InvalidRequest

#: Second at which a batch begins that has no clock: 2000-01-01 00:00:00, which nobody takes for a real one.
NO_CLOCK = 946_684_800


def convert(source: Path, target: Path, *, rate: int = 25, progress: Share = lambda share: None) -> str:
    """Write what release 1 holds as release 2, and say what was assumed.

    Release 1 holds no clock: the frames are given seconds of their own, ``rate`` to each, that begin at
    midnight of 2000-01-01. Two rows of current a second are taken from the frames that begin each half.

    Args:
        source: folder of release 1, or one of its files.
        target: where to; must not exist, or be empty.
        rate: frames a second.
        progress: told the share that is written.

    Raises:
        InvalidRequest: no release 1 at the source, anything wrong with its files, or a target that is in use
            or inside the source.
    """
    layout = find(source)
    if layout.release == 2:
        raise InvalidRequest(
            f"{source} must be of release 1 to be converted, but is of release 2 already; use it as it is"
        )
    if target.resolve().is_relative_to(layout.folder.resolve()):
        raise InvalidRequest(
            f"{target} must lie outside {layout.folder}, or both releases would lie in one folder; name a "
            "folder elsewhere"
        )
    mats = {stem: look(layout.video(stem), FIRST_RELEASE) for stem in layout.stems}
    batches = [read_first(stem, mat, rate) for stem, mat in mats.items()]
    for fault in apart(layout, batches):
        raise InvalidRequest(fault)
    inner = second_release(new_folder(target))
    told = Told(sum(mat.frames for mat in mats.values()), progress)
    for batch in batches:
        mat = batch.mat
        path, blocks = inner / VIDEOS / f"{batch.stem}.mat", told.through(_blocks(mat))
        write_mat(path, mat.frames, (mat.height, mat.width), blocks, key="data", simulated=mat.simulated)
        rows, frames = (NO_CLOCK + _stamps(clock) for clock in (batch.current, batch.video))
        write_tables(inner, batch.stem, batch.amperes, rows, frames)
    write_lists(inner, {batch.stem: batch.parts for batch in batches if batch.parts is not None})
    return (
        f"{len(batches)} batches, {told.total:,} frames written to {target}; release 1 holds no clock: "
        f"{rate} frames were taken for a second, and time counts from {written(NO_CLOCK)}"
    )


def _stamps(clock: Clock) -> Ints:
    return np.repeat(np.arange(len(clock.counts)), clock.counts)


def _blocks(mat: Mat) -> Iterator[Block]:
    for first in range(0, mat.frames, BLOCK):
        rows = slice(first, min(first + BLOCK, mat.frames))
        pictures = mat.pictures(rows)
        with opened(mat.path) as file:
            masks = (file["label"][rows] > 0).astype(np.uint8).transpose(0, 2, 1)
        yield pictures, masks
