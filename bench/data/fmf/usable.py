"""What a study would get from the batches: how many windows, and in which part of which split."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.data.finding import Finding
from bench.data.fmf.batch import Batch
from bench.data.recording import Signal, frames_of
from bench.data.split import SplitSpec, split
from bench.data.windows import NEITHER, Track, Windows, WindowSpec, cut
from models.errors import InvalidRequest

if TYPE_CHECKING:
    from bench.data.fmf.source import FmfParameters


def usable(
    parameters: FmfParameters, path: Path, batches: list[Batch], labels: list[NDArray[np.uint8]]
) -> Iterator[Finding]:
    """Yield how many windows each split gives at the leads that studies use, or why it gives none.

    Args:
        parameters: what of the pictures is looked at.
        path: where the batches were found.
        batches: all of them.
        labels: ``(frames,)`` of each, 0 or 1.
    """
    from bench.data.fmf.source import Fmf

    try:
        source = Fmf(parameters, path)
    except InvalidRequest as error:
        yield Finding("wrong", "", str(error))
        return
    yield Finding(
        "fact", "", f"{source.title}: {source.count} recordings, fingerprint {source.fingerprint()[:16]}"
    )
    for lead in (source.lead, 0.0):
        try:
            tracks, windows = windows_of(batches, labels, source.windows, lead)
        except InvalidRequest as error:
            yield Finding("odd", "", f"at a lead of {lead:g} s: {error}")
            continue
        for by in ("published", "recording") if source.published else ("recording",):
            spec = SplitSpec(by=by, validation=source.split.validation, test=source.split.test)
            try:
                parts = split(spec, tracks, windows, seed=0, fold=None)
            except InvalidRequest as error:
                yield Finding("odd", "", f"split by {by} at a lead of {lead:g} s: {error}")
                continue
            out = (
                f"; {parts.dropped:,} left out, as they reach across a border or too near"
                if parts.dropped
                else ""
            )
            yield Finding(
                "fact",
                "",
                f"split by {by} at a lead of {lead:g} s: {len(parts.train):,} windows to train, "
                f"{len(parts.validation):,} to validate, {len(parts.test):,} to test{out}",
            )


def windows_of(
    batches: list[Batch], labels: list[NDArray[np.uint8]], spec: WindowSpec, lead: float
) -> tuple[tuple[Track, ...], Windows]:
    """Cut batches into windows without looking at a picture."""
    tracks: list[Track] = []
    named: list[NDArray[np.float32]] = []
    parts: list[NDArray[np.int8]] = []
    c_first = v_first = 0
    for batch, label in zip(batches, labels, strict=True):
        known = np.full(batch.mat.frames, NEITHER, np.int8) if batch.parts is None else batch.parts
        for number, (seen, run) in enumerate(batch.pieces):
            slots = batch.video.rows(seen)
            frames, part = (
                frames_of(Signal(each[slots], batch.video.rate), spec.video_step) for each in (label, known)
            )
            named.append(np.stack([frames.mean(axis=1), frames[:, -1]], axis=1).astype(np.float32))
            parts.append(np.where((part == part[:, :1]).all(axis=1), part[:, 0], NEITHER).astype(np.int8))
            c_count = int(run.seconds / spec.current_step + 1e-9)
            starts = float(run.begin - batch.origin), float(seen.begin - batch.origin)
            tracks.append(
                Track(
                    f"{batch.stem}.{number}",
                    batch.stem,
                    -1,
                    0.0,
                    float("-inf"),
                    c_first,
                    c_count,
                    starts[0],
                    v_first,
                    len(frames),
                    starts[1],
                )
            )
            c_first, v_first = c_first + c_count, v_first + len(frames)
    return tuple(tracks), cut(tuple(tracks), np.concatenate(named), spec, lead, np.concatenate(parts))
