"""What there is to say of one batch and its folder, in plain words: facts, and every irregularity."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.data.finding import Finding, Kind
from bench.data.fmf.batch import Batch
from bench.data.fmf.clock import Clock
from bench.data.fmf.content import Content, lifeless
from bench.data.fmf.layout import CURRENTS, STAMPS, VIDEOS, Layout, passed_over
from bench.data.fmf.lists import Parts, blocks
from bench.data.fmf.table import written
from bench.data.windows import NEITHER, TEST, TRAIN

#: What systems leave in folders.
LITTER = {"thumbs.db", "desktop.ini"}


def strangers(layout: Layout, path: Path) -> Iterator[Finding]:
    """Yield what lies about and is not read."""
    for entry in passed_over(layout, path):
        yield Finding("odd", "", f"{entry} is left alone, since {layout.folder} is read")
    if layout.release == 1:
        return
    for folder, suffix in ((VIDEOS, ".mat"), (CURRENTS, ".csv"), (STAMPS, ".csv")):
        there = sorted((layout.folder / folder).iterdir()) if (layout.folder / folder).is_dir() else []
        for entry in there:
            known = entry.suffix == suffix and entry.stem in layout.stems
            if not (known or entry.name.startswith(".") or entry.name.lower() in LITTER):
                yield Finding("odd", f"{folder}/{entry.name}", "belongs to no video here and is not read")


def about(layout: Layout, batch: Batch, content: Content) -> Iterator[Finding]:
    """Yield what there is of one batch, and every irregularity of its signals and clocks."""
    mat, stem, label = batch.mat, batch.stem, content.label
    video = layout.name(mat.path)
    runs = np.flatnonzero(np.diff(label.astype(np.int8), prepend=0) == 1)
    yield Finding(
        "fact",
        video,
        f"{counted(mat.frames, 'frame')} of {mat.width} x {mat.height} at {batch.video.rate} a second; "
        f"{label.mean():.1%} abnormal, in {counted(len(runs), 'stretch', 'es')}",
    )
    yield from lifeless(layout, batch, content)
    if layout.release == 2:
        yield from _clock(layout.name(layout.stamps(stem)), batch.video, "frame")
        yield from _clock(layout.name(layout.currents(stem)), batch.current, "row")
    else:
        said = f"{batch.video.rate} frames are taken for a second; --set rate=N says otherwise"
        yield Finding("odd", video, f"there is no clock in release 1: {said}")
    low, middle, high = np.quantile(batch.amperes, [0, 0.5, 1])
    where = video if layout.release == 1 else layout.name(layout.currents(stem))
    yield Finding("fact", where, f"current {low:,.0f} to {high:,.0f} A, median {middle:,.0f} A")
    yield from _together(layout, batch, where)
    if batch.parts is not None:
        yield from _parts(video, batch.parts)


def _clock(where: str, clock: Clock, noun: str) -> Iterator[Finding]:
    """Yield the span of a table, and the seconds that do not hold what they should."""
    rows, last = counted(int(clock.counts.sum()), noun), clock.first + len(clock.counts) - 1
    yield Finding(
        "fact",
        where,
        f"{rows}, {clock.rate} a second, {written(clock.first)} to {written(last)}",
    )
    inner = np.arange(len(clock.counts))
    edge = (inner == 0) | (inner == inner[-1])
    few, many = clock.counts < clock.rate, clock.counts > clock.rate
    kinds: tuple[tuple[Kind, NDArray[np.bool_], str], ...] = (
        ("odd", clock.counts == 0, "missing, the recording breaks there"),
        ("odd", clock.usable & few, f"fewer than {clock.rate} {noun}s, stretched over the second"),
        ("odd", clock.usable & many, f"more than {clock.rate} {noun}s, thinned out"),
        ("odd", ~clock.usable & many, f"far more than {clock.rate} {noun}s (stamped twice), left out"),
        (
            "odd",
            ~clock.usable & few & (clock.counts > 0) & ~edge,
            f"far fewer than {clock.rate} {noun}s, left out",
        ),
        ("fact", ~clock.usable & few & edge, "incomplete at an end, left out"),
    )
    for kind, seconds, fate in kinds:
        found = np.flatnonzero(seconds)
        if len(found):
            first = written(clock.first + int(found[0]))
            which = first if len(found) == 1 else f"the first at {first}"
            yield Finding(kind, where, f"{counted(len(found), 'second')} ({which}): {fate}")


def _together(layout: Layout, batch: Batch, where: str) -> Iterator[Finding]:
    """Yield how the two clocks overlap."""
    before, after = (
        batch.video.first - batch.current.first,
        batch.current.first + len(batch.current.counts) - batch.video.first - len(batch.video.counts),
    )
    if before > 0 or after > 0:
        yield Finding(
            "fact",
            where,
            f"{max(before, 0)} s of current before the first frame, {max(after, 0)} s after the last",
        )
    seconds = np.arange(len(batch.video.counts)) + batch.video.first
    usable = np.zeros(len(seconds), dtype=bool)
    for run in batch.current.stretches:
        usable |= (seconds >= run.begin) & (seconds < run.end)
    alone = int(batch.video.counts[~usable].sum())
    if alone:
        first = written(int(seconds[~usable & (batch.video.counts > 0)][0]))
        yield Finding("odd", where, f"{counted(alone, 'frame')} without a current, the first at {first}")
    found = batch.pieces
    if len(found) > 1:
        lengths = ", ".join(f"{seen.seconds:,} s" for seen, _ in found[:6]) + (
            " ..." if len(found) > 6 else ""
        )
        yield Finding("odd", layout.name(batch.mat.path), f"breaks into {len(found)} recordings of {lengths}")


def _parts(where: str, parts: Parts) -> Iterator[Finding]:
    train, test, rest = (int((parts == part).sum()) for part in (TRAIN, TEST, NEITHER))
    spans = [f"{a:,} to {b - 1:,}" for a, b in blocks(parts, TEST)]
    said = " and ".join(spans) if len(spans) < 4 else f"{len(spans)} separate runs"
    yield Finding(
        "fact",
        where,
        f"published: {train:,} frames to train, {test:,} to test ({said or 'none'}), {rest:,} in neither",
    )
    for count, verb in ((train, "learn from"), (test, "test on")):
        if not count:
            yield Finding("odd", where, f"the published split has no frame to {verb}")
    if len(spans) > 3:
        yield Finding(
            "odd", where, f"test frames are scattered over {len(spans)} runs: few windows will lie in one"
        )


def counted(number: int, noun: str, plural: str = "s") -> str:
    """Return a number with its noun.

    >>> counted(1, "batch", "es"), counted(2000, "row")
    ('1 batch', '2,000 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else plural}"
