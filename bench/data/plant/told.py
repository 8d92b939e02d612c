"""One recording of a plant in plain words: what it holds, and what a reader should know about it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.data.finding import Finding
from bench.data.plant.batch import Batch
from bench.data.plant.odd import counted, odd, span


def told(batch: Batch, shortest: float) -> Iterator[Finding]:
    """Yield what one recording holds, and what is odd about it."""
    name = batch.place.name
    for text in (_current(batch), _video(batch), _labels(batch)):
        yield Finding("fact", name, text)
    for text in odd(batch, shortest):
        yield Finding("odd", name, text)


def _current(batch: Batch) -> str:
    current = batch.current
    first = current.stretches[0]
    seconds = sum(each.seconds for each in current.stretches)
    made = "" if batch.place.settings.current.rate is None else f", put there by {current.by}"
    return (
        f"current: {', '.join(current.columns)} at {first.rate:g} Hz{made}, {span(seconds)}, "
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
        f"{span(seconds)}, begins {begins}"
    )


def _labels(batch: Batch) -> str:
    count = int(batch.labels.abnormal.sum())
    intervals = counted(count, "{n} abnormal interval", "{n} abnormal intervals")
    return f"labels: {intervals}, {share_abnormal(batch):.0%} of the video"


def share_abnormal(batch: Batch) -> float:
    """Return the share of the video of a recording that is abnormal."""
    label = [batch.labels.label(each.start, each.rate, len(each)) for each in batch.video.stretches]
    return float(np.concatenate(label).mean())
