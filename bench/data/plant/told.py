"""One recording of a plant in plain words: what it holds, and what a reader should know about it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.data.finding import Finding
from bench.data.plant.batch import Batch

#: A video that covers less than this share of the current is worth a word.
COVERED = 0.5


def told(batch: Batch, shortest: float) -> Iterator[Finding]:
    """Yield what one recording holds, and what is odd about it."""
    name = batch.place.name
    for text in (_current(batch), _video(batch), _labels(batch)):
        yield Finding("fact", name, text)
    for text in (*_holes(batch), *_oddities(batch), *_left_out(batch, shortest)):
        yield Finding("odd", name, text)


def require_ends(batch: Batch) -> None:
    """Decode the first and the last picture: what cannot be should be known before a study has run.

    Raises:
        InvalidRequest: one of them cannot be decoded.
    """
    for _ in batch.video.reader.pictures(sorted({0, batch.video.reader.count - 1})):
        pass


def _current(batch: Batch) -> str:
    current = batch.current
    first = current.stretches[0]
    seconds = sum(each.seconds for each in current.stretches)
    made = "" if batch.place.settings.current.rate is None else f", put there by {current.by}"
    return (
        f"current: {', '.join(current.columns)} at {first.rate:g} Hz{made}, {_span(seconds)}, "
        f"{'by a clock on the wall' if current.clock.wall else 'in seconds'}"
    )


def _video(batch: Batch) -> str:
    video = batch.video
    shown = video.signal(video.stretches[0]).values
    height, width = video.reader.shape[:2]
    whole = shown.shape[1:3] == (height, width)
    small = "" if whole else f", looked at as {shown.shape[2]} x {shown.shape[1]}"
    seconds = sum(each.seconds for each in video.stretches)
    begins = f"{abs(video.start):g} s {'after' if video.start >= 0 else 'before'} the current"
    begins = "with the current" if abs(video.start) < 1e-3 else begins
    return (
        f"video: {video.path.name}, {width} x {height}{small} at {video.stretches[0].rate:g} Hz, "
        f"{_span(seconds)}, begins {begins}"
    )


def _labels(batch: Batch) -> str:
    count = int(batch.labels.abnormal.sum())
    intervals = _count(count, "{n} abnormal interval", "{n} abnormal intervals")
    return f"labels: {intervals}, {share_abnormal(batch):.0%} of the video"


def share_abnormal(batch: Batch) -> float:
    """Return the share of the video of a recording that is abnormal."""
    label = [batch.labels.label(each.start, each.rate, len(each)) for each in batch.video.stretches]
    return float(np.concatenate(label).mean())


def _holes(batch: Batch) -> Iterator[str]:
    for what, stretches in (("current", batch.current.stretches), ("video", batch.video.stretches)):
        gaps = [(b.start - a.end, a.end) for a, b in zip(stretches[:-1], stretches[1:], strict=True)]
        if gaps:
            longest, at = max(gaps)
            holes = _count(len(gaps), "{n} hole breaks", "{n} holes break")
            yield f"{what}: {holes} it, the longest of {longest:.3g} s, {_span(at)} into the recording"
        held, total = sum(int(each.held.sum()) for each in stretches), sum(map(len, stretches))
        if held:
            repeat = _count(held, f"{{n}} of {total} samples repeats", f"{{n}} of {total} samples repeat")
            yield f"{what}: {repeat} the one before, since none was logged"


def _oddities(batch: Batch) -> Iterator[str]:
    empty, all_of = batch.current.empty, len(batch.labels)
    if empty:
        one, many = "{n} row with an empty cell is left out", "{n} rows with an empty cell are left out"
        yield f"current: {_count(empty, one, many)}"
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
            yield f"labels: {number} of {all_of} intervals {_count(number, one, many)}"
    first, last = batch.current.stretches[0].start, batch.current.stretches[-1].end
    covered = (min(end, last) - max(begin, first)) / (last - first)
    if covered < COVERED:
        yield f"the video covers {covered:.0%} of the current; see whether it begins when it is said to"
    if batch.current.clock.wall and not batch.current.clock.zoned:
        yield "times carry no zone and plant.yaml names none: one zone is assumed, without summer time"


def _count(number: int, one: str, many: str) -> str:
    return (one if number == 1 else many).format(n=number)


def _left_out(batch: Batch, shortest: float) -> Iterator[str]:
    kept = batch.pieces(shortest)
    total = sum(each.seconds for each in batch.video.stretches)
    lost = total - sum(shown.seconds for _, shown in kept)
    if kept and lost > 1:
        yield f"{_span(lost)} of video are left out, in stretches shorter than {shortest:g} s"


def _span(seconds: float) -> str:
    """Say a length of time as one would.

    >>> _span(42.0), _span(754.0), _span(7200.0)
    ('42 s', '12.6 min', '2 h')
    """
    if seconds < 90:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 5400 else f"{seconds / 3600:.3g} h"
