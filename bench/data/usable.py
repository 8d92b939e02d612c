"""What a study would get from recordings that were looked at: how much, how abnormal, which windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.finding import Finding
from bench.data.windows import Track, WindowSpec, cut
from models.errors import InvalidRequest

#: With fewer recordings than this, whole ones cannot be held out for test and validation.
FEW = 5


@dataclass(frozen=True)
class Looked:
    """What one recording adds to the whole.

    Attributes:
        hours: of video.
        abnormal: share of them.
        tracks: where its steps lie in arrays of its own; several where holes break it.
        label: ``(steps, 2)``: mean label of a step, label of its last sample.
    """

    hours: float
    abnormal: float
    tracks: tuple[Track, ...]
    label: NDArray[Any]


def whole(title: str, looked: list[Looked], more: str = "") -> Iterator[Finding]:
    """Yield how much there is, and what of it no method could learn from."""
    hours = sum(each.hours for each in looked)
    if not hours:
        return
    abnormal = sum(each.hours * each.abnormal for each in looked) / hours
    recordings = "1 recording" if len(looked) == 1 else f"{len(looked)} recordings"
    yield Finding("fact", "", f"{title}: {recordings}, {hours:.3g} h of video, {abnormal:.0%} abnormal{more}")
    if abnormal in (0, 1):
        said = "nothing" if abnormal == 0 else "everything"
        yield Finding("wrong", "", f"{said} is labelled abnormal, so that there is nothing to tell apart")
    if len(looked) < FEW:
        yield Finding(
            "odd", "",
            f"with fewer than {FEW} recordings few can be held out; --set split.by=time divides each of them",
        )  # fmt: skip


def windows(spec: WindowSpec, lead: float, looked: list[Looked]) -> Iterator[Finding]:
    """Yield how many windows a study would have, if it does not say otherwise."""
    labels, reason = [], "no window fits any recording"
    for each in looked:
        try:
            labels.append(cut(each.tracks, each.label, spec, lead).label)
        except InvalidRequest as error:
            reason = str(error)
            yield Finding("odd", each.tracks[0].group, "no window of the usual lengths fits")
    if not labels:
        yield Finding("wrong", "", reason)
        return
    label = np.concatenate(labels)
    yield Finding(
        "fact" if 0 < label.mean() < 1 else "odd", "",
        f"{len(label)} windows of {spec.current_seconds:g} s of current and {spec.video_seconds:g} s of "
        f"video, {label.mean():.0%} abnormal, unless a study says otherwise",
    )  # fmt: skip
