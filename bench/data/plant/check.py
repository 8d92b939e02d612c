"""What a look at a plant's folder finds, in plain words: what is there, what is odd, what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.data.finding import Finding
from bench.data.plant.batch import Batch, read_batch
from bench.data.plant.common import alike, currents_of, require_some, title_of
from bench.data.plant.declared import read_settings
from bench.data.plant.layout import PLANT, Place, folders_of, place_of
from bench.data.plant.settings import Settings
from bench.data.plant.told import require_ends, share_abnormal, told
from bench.data.recording import Recording, frames_of
from bench.data.source import Share
from bench.data.tables import folder_with
from bench.data.windows import Track, WindowSpec, cut
from models.errors import InvalidRequest

if TYPE_CHECKING:
    from bench.data.plant.source import PlantParameters

T = TypeVar("T")
#: With fewer recordings than this, whole ones cannot be held out for test and validation.
FEW = 5
#: Samples of the current that a step must hold to be described.
SAMPLES = 4


@dataclass(frozen=True)
class Looked:
    """What one recording adds to the whole."""

    hours: float
    abnormal: float
    tracks: tuple[Track, ...]
    label: NDArray[np.float64]


def findings(parameters: PlantParameters, path: Path, progress: Share) -> Iterator[Finding]:
    """Yield what there is to say about every recording, then about all of them.

    Every table is read whole and the clock of every film; of the pictures the first and the last are
    decoded. A recording that is wrong does not hide what is wrong with the next.
    """
    try:
        root = folder_with(path, (), "plant")
        settings = read_settings(root / PLANT)
    except InvalidRequest as error:
        yield Finding("wrong", "", str(error))
        return
    look = _Look(root, [])
    found = (
        look.try_(folder.name, partial(place_of, folder, settings, parameters.camera))
        for folder in folders_of(root)
    )
    places = [place for place in found if place is not None]
    yield from _ignored(root)
    yield from _unlabelled(places)
    if places or not look.faults:
        look.try_("", partial(require_some, root, places))
    labelled = tuple(
        place for place in places if place.labels and look.try_(place.name, partial(currents_of, place))
    )
    metadata = (look.try_("", partial(alike, labelled)) if labelled else None) or ()
    yield from look.news()
    if not metadata and any(place.metadata for place in labelled):
        yield Finding("odd", "", "some recordings have no metadata.csv, so that of the others is not used")
    looked = []
    for done, place in enumerate(labelled):
        batch = look.try_(place.name, partial(read_batch, place, metadata))
        if batch is not None:
            yield from told(batch, parameters.shortest)
            look.try_(place.name, partial(require_ends, batch))
            looked.append(
                look.try_(place.name, partial(_looked, batch, parameters.shortest, settings.windows))
            )
        yield from look.news()
        progress((done + 1) / len(labelled))
    whole = [each for each in looked if each is not None]
    yield from _whole(title_of(settings), settings, whole)
    if not look.faults:
        yield from _windows(settings, whole)


@dataclass
class _Look:
    """Collects what is wrong instead of stopping at the first of it."""

    root: Path
    faults: list[Finding]
    told: int = 0

    def try_(self, where: str, read: Callable[[], T]) -> T | None:
        """Return what is read, or None, and keep why not."""
        try:
            return read()
        except InvalidRequest as error:
            # Without the part of each path that the reader typed.
            self.faults.append(Finding("wrong", where, str(error).replace(f"{self.root}/", "")))
            return None

    def news(self) -> Iterator[Finding]:
        """Yield what was found wrong since this was last asked."""
        yield from self.faults[self.told :]
        self.told = len(self.faults)


def _ignored(root: Path) -> Iterator[Finding]:
    ours = {folder.name for folder in folders_of(root)}
    others = sorted(p.name for p in root.iterdir() if p.is_dir() and p.name not in ours and p.name[0] != ".")
    if others:
        yield Finding("odd", "", f"not a recording, so left alone: {', '.join(others)}")
    if any((root / name).exists() for name in ("current.csv", "current.parquet")):
        yield Finding("odd", "", "a current that lies in no folder of its own is left alone; give it one")


def _unlabelled(places: list[Place]) -> Iterator[Finding]:
    without = [place.name for place in places if place.labels is None]
    if without:
        yield Finding(
            "odd", "",
            f"left out, of pre-training too, since they have no labels.csv: {', '.join(without)} (where "
            "nothing was abnormal, write one with only its header)",
        )  # fmt: skip


def _looked(batch: Batch, shortest: float, spec: WindowSpec) -> Looked:
    """Count the steps of a recording as preparing it would, without a picture being decoded."""
    found = list(batch.recordings(shortest, 0.0))
    tracks, labels, first = [], [], [0, 0]
    for each in found:
        steps = frames_of(each.current, spec.current_step)
        if steps.shape[1] < SAMPLES:
            raise InvalidRequest(
                f"{batch.place.current}: a step of {spec.current_step:g} s must hold at least {SAMPLES} "
                f"samples, and at {each.current.rate:g} Hz holds {steps.shape[1]}; lower "
                f"windows.current_steps ({spec.current_steps}) in plant.yaml"
            )
        shown = frames_of(each.label, spec.video_step)
        labels.append(np.stack([shown.mean(axis=1), shown[:, -1]], axis=1))
        tracks.append(_track(each, first, len(steps), len(shown)))
        first = [first[0] + len(steps), first[1] + len(shown)]
    hours = sum(len(each.label.values) / each.label.rate for each in found) / 3600
    return Looked(hours, share_abnormal(batch), tuple(tracks), np.concatenate(labels))


def _track(recording: Recording, first: list[int], current: int, video: int) -> Track:
    return Track(
        name=recording.name,
        group=recording.group,
        fold=recording.fold,
        clock=recording.clock,
        scored_from=recording.scored_from,
        current_first=first[0],
        current_count=current,
        current_start=recording.current.start,
        video_first=first[1],
        video_count=video,
        video_start=recording.video.start,
    )


def _whole(title: str, settings: Settings, looked: list[Looked]) -> Iterator[Finding]:
    hours = sum(each.hours for each in looked)
    if not hours:
        return
    abnormal = sum(each.hours * each.abnormal for each in looked) / hours
    recordings = "1 recording" if len(looked) == 1 else f"{len(looked)} recordings"
    yield Finding("fact", "", f"{title}: {recordings}, {hours:.3g} h of video, {abnormal:.0%} abnormal")
    if abnormal in (0, 1):
        said = "nothing" if abnormal == 0 else "everything"
        yield Finding("wrong", "", f"{said} is labelled abnormal, so that there is nothing to tell apart")
    if len(looked) < FEW:
        yield Finding(
            "odd", "",
            f"with fewer than {FEW} recordings few can be held out; --set split.by=time divides each of them",
        )  # fmt: skip
    if settings.lead == 0:
        yield Finding("odd", "", "plant.yaml names no lead; `precursor lead` looks for one")


def _windows(settings: Settings, looked: list[Looked]) -> Iterator[Finding]:
    """How many windows a study would have, if it does not say otherwise."""
    spec = settings.windows
    labels, reason = [], "no window fits any recording"
    for each in looked:
        try:
            labels.append(cut(each.tracks, each.label, spec, settings.lead).label)
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
