"""What a study would get from the batches: how many windows, and in which part of which split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.data.finding import Finding
from bench.data.fmf.alike import other_rates
from bench.data.fmf.batch import Batch
from bench.data.recording import Signal, frames_of
from bench.data.split import Split, SplitSpec, split
from bench.data.windows import NEITHER, Track, Windows, WindowSpec, cut
from models.errors import InvalidRequest

if TYPE_CHECKING:
    from bench.data.fmf.source import Fmf, FmfParameters


@dataclass(frozen=True)
class Way:
    """One way of dividing the batches, at one lead.

    Attributes:
        name: what a reader calls it.
        stems: the batches that have windows.
        parts: the windows of each part; None if there are none.
        fault: why not.
    """

    name: str
    stems: frozenset[str] = frozenset()
    parts: Split | None = None
    fault: str = ""

    @property
    def finding(self) -> Finding:
        """How many windows there are, or why there are none."""
        if self.parts is None:
            return Finding("odd", "", f"{self.name}: {self.fault}")
        dropped = self.parts.dropped
        out = f"; {dropped:,} left out, as they reach across a border or too near" if dropped else ""
        train, validation, test = (
            f"{len(rows):,}" for rows in (self.parts.train, self.parts.validation, self.parts.test)
        )
        said = f"{train} windows to train, {validation} to validate, {test} to test{out}"
        return Finding("fact", "", f"{self.name}: {said}")


def usable(
    parameters: FmfParameters, path: Path, batches: list[Batch], labels: list[NDArray[np.uint8]]
) -> Iterator[Finding]:
    """Yield how many windows each split gives at the leads that studies use, or why it gives none.

    That no split gives any is wrong; that some do not is odd.

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
    yield from other_rates(source.layout, batches)
    kinds = np.unique(np.concatenate(labels))
    if len(kinds) < 2:
        said = "every frame is abnormal" if kinds[0] else "no frame is abnormal"
        yield Finding(
            "wrong",
            "",
            f"both classes must be there to be told apart, but {said}; check the masks in 'label'",
        )
        return
    looked = partial(_ways, source, batches, labels)
    ways = looked(("published", "recording") if source.published else ("recording",))
    if not any(way.parts for way in ways):
        ways = [*ways, *looked(("time",))]
    served = frozenset().union(*(way.stems for way in ways))
    for batch in batches:
        if served and batch.stem not in served:
            where = source.layout.name(batch.mat.path)
            yield Finding(
                "odd", where, "no window of the usual lengths fits, so that a study does not use it"
            )
    if not any(way.parts for way in ways):
        first: dict[str, Way] = {}
        for way in ways:
            first.setdefault(way.fault, way)
        yield from (Finding("wrong", "", way.finding.text) for way in first.values())
        return
    yield from (way.finding for way in ways)


def _ways(
    source: Fmf, batches: list[Batch], labels: list[NDArray[np.uint8]], kinds: tuple[str, ...]
) -> list[Way]:
    """Divide the batches in each of these ways, at the leads that studies use."""
    ways = []
    for lead in (source.lead, 0.0):
        try:
            tracks, windows = windows_of(batches, labels, source.windows, lead)
        except InvalidRequest as error:
            ways.append(Way(f"at a lead of {lead:g} s", fault=str(error)))
            continue
        stems = frozenset(tracks[index].group for index in np.unique(windows.recording))
        for by in kinds:
            name = f"split by {by} at a lead of {lead:g} s"
            spec = SplitSpec(by=by, validation=source.split.validation, test=source.split.test)
            try:
                ways.append(Way(name, stems, split(spec, tracks, windows, seed=0, fold=None)))
            except InvalidRequest as error:
                ways.append(Way(name, stems, fault=str(error)))
    return ways


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
