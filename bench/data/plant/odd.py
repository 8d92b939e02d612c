"""What is odd about one recording of a plant: it can be used, but a reader should know."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.data.plant.batch import Batch
from bench.data.plant.pictures import Pictures
from bench.data.plant.stills import Images

#: A video that covers less than this share of the current is worth a word.
COVERED = 0.5


def odd(batch: Batch, shortest: float) -> Iterator[str]:
    """Yield what its clocks, its current and its labels show, a sentence each."""
    yield from _holes(batch)
    yield from _phases(batch)
    yield from _oddities(batch)
    yield from _left_out(batch, shortest)


def ends(batch: Batch) -> NDArray[np.uint8]:
    """Return the first and the last picture as a study looks at them; of a folder every image is opened.

    What cannot be should be known before a study has run.

    Raises:
        InvalidRequest: one of them cannot be read.
    """
    reader, said = batch.video.reader, batch.video.said
    if isinstance(reader, Images):
        reader.require_headers()
    index = np.array([0, reader.count - 1])
    return Pictures(reader, index, said.crop, said.side, said.grey)[:]


def odd_pictures(shown: NDArray[np.uint8]) -> Iterator[str]:
    """Yield what the first and the last picture show."""
    if (np.ptp(shown, axis=(1, 2)) == 0).all():
        yield "video: the first and the last picture are of one colour each; see whether the camera was on"
    elif shown.max() <= 1:
        yield (
            "video: the first and the last picture hold no value but 0 and 1 of 255, black to the eye; if 1 "
            "stands for white, save it as 255"
        )


def _phases(batch: Batch) -> Iterator[str]:
    current = batch.current
    low, high = current.values.min(axis=0), current.values.max(axis=0)
    for which, one, many in (
        (
            low == high,
            "never changes; see whether it was logged",
            "never change; see whether they were logged",
        ),
        (
            (low < high) & (high <= 0),
            "is never above 0; see whether its sensor is the right way round",
            "are never above 0; see whether their sensors are the right way round",
        ),
    ):
        names = [name for name, so in zip(current.columns, which, strict=True) if so]
        if names:
            yield f"current: {', '.join(names)} {counted(len(names), one, many)}"


def _holes(batch: Batch) -> Iterator[str]:
    for what, stretches in (("current", batch.current.stretches), ("video", batch.video.stretches)):
        gaps = [(b.start - a.end, a.end) for a, b in zip(stretches[:-1], stretches[1:], strict=True)]
        if gaps:
            longest, at = max(gaps)
            holes = counted(len(gaps), "{n} hole breaks", "{n} holes break")
            yield f"{what}: {holes} it, the longest of {longest:.3g} s, {span(at)} into the recording"
        held, total = sum(int(each.held.sum()) for each in stretches), sum(map(len, stretches))
        if held:
            repeat = counted(held, f"{{n}} of {total} samples repeats", f"{{n}} of {total} samples repeat")
            yield f"{what}: {repeat} the one before, since none was logged"


def _oddities(batch: Batch) -> Iterator[str]:
    empty, all_of = batch.current.empty, len(batch.labels)
    if empty:
        one, many = "{n} row with an empty cell is left out", "{n} rows with an empty cell are left out"
        yield f"current: {counted(empty, one, many)}"
    begin, end = batch.video.stretches[0].start, batch.video.stretches[-1].end
    partly, wholly = batch.labels.outside(begin, end)
    for number, one, many in (
        (wholly, "lies outside the video and is left out", "lie outside the video and are left out"),
        (partly, "reaches beyond the video and is cut there", "reach beyond the video and are cut there"),
        (
            batch.labels.overlaps(),
            "overlaps another and is joined to it",
            "overlap others and are joined to them",
        ),
    ):
        if number:
            yield f"labels: {number} of {all_of} intervals {counted(number, one, many)}"
    first, last = batch.current.stretches[0].start, batch.current.stretches[-1].end
    covered = (min(end, last) - max(begin, first)) / (last - first)
    if covered < COVERED:
        yield f"the video covers {covered:.0%} of the current; see whether it begins when it is said to"
    if batch.current.clock.wall and not batch.current.clock.zoned:
        yield "times carry no zone and plant.yaml names none: one zone is assumed, without summer time"


def _left_out(batch: Batch, shortest: float) -> Iterator[str]:
    kept = batch.pieces(shortest)
    total = sum(each.seconds for each in batch.video.stretches)
    lost = total - sum(shown.seconds for _, shown in kept)
    if kept and lost > 1:
        yield f"{span(lost)} of video are left out, in stretches shorter than {shortest:g} s"


def counted(number: int, one: str, many: str) -> str:
    """Return a sentence about one or about many."""
    return (one if number == 1 else many).format(n=number)


def span(seconds: float) -> str:
    """Say a length of time as one would.

    >>> span(42.0), span(754.0), span(7200.0)
    ('42 s', '12.6 min', '2 h')
    """
    if seconds < 90:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 5400 else f"{seconds / 3600:.3g} h"
