"""What a look at a plant's folder finds, in plain words: what is there, what is odd, what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bench.data.finding import Finding
from bench.data.plant.batch import Batch, read_batch
from bench.data.plant.common import alike, currents_of, require_some, title_of
from bench.data.plant.declared import read_settings
from bench.data.plant.layout import PLANT, Place, folders_of, place_of
from bench.data.plant.odd import ends, odd_pictures
from bench.data.plant.told import share_abnormal, told
from bench.data.plant.twice import Known
from bench.data.recording import frames_of
from bench.data.rendering import track_of
from bench.data.source import Share
from bench.data.tables import folder_with
from bench.data.usable import Looked, whole, windows
from bench.data.windows import WindowSpec
from models.errors import InvalidRequest

if TYPE_CHECKING:
    from bench.data.plant.source import PlantParameters

T = TypeVar("T")
#: Samples of the current that a step must hold to be described.
SAMPLES = 4


def findings(parameters: PlantParameters, path: Path, progress: Share) -> Iterator[Finding]:
    """Yield what there is to say about every recording, then about all of them.

    Every table is read whole and the clock of every film; every image is opened, and of the pictures the
    first and the last are decoded. A recording that is wrong does not hide what is wrong with the next.
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
    yield from _unused(labelled)
    looked, known = [], Known()
    for done, place in enumerate(labelled):
        batch = look.try_(place.name, partial(read_batch, place, metadata))
        if batch is not None:
            yield from told(batch, parameters.shortest)
            look.try_(place.name, partial(known.require_new, batch))
            shown = look.try_(place.name, partial(ends, batch))
            if shown is not None:
                yield from (Finding("odd", place.name, text) for text in odd_pictures(shown))
            looked.append(
                look.try_(place.name, partial(_looked, batch, parameters.shortest, settings.windows))
            )
        yield from look.news()
        progress((done + 1) / len(labelled))
    read = [each for each in looked if each is not None]
    yield from whole(title_of(settings), read)
    if read and settings.lead == 0:
        yield Finding("odd", "", "plant.yaml names no lead; `precursor lead` looks for one")
    if not look.faults:
        yield from windows(settings.windows, settings.lead, read)


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


def _unused(labelled: tuple[Place, ...]) -> Iterator[Finding]:
    without = [place.name for place in labelled if place.metadata is None]
    if 0 < len(without) < len(labelled):
        yield Finding(
            "odd", "", f"no metadata.csv in {', '.join(without)}, so that those of the others are not used"
        )


def _looked(batch: Batch, shortest: float, spec: WindowSpec) -> Looked:
    """Count the steps of a recording as preparing it would, without a picture being decoded."""
    found = list(batch.recordings(shortest, 0.0))
    tracks, labels, first = [], [], (0, 0)
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
        tracks.append(track_of(each, first, (len(steps), len(shown))))
        first = (first[0] + len(steps), first[1] + len(shown))
    hours = sum(len(each.label.values) / each.label.rate for each in found) / 3600
    return Looked(hours, share_abnormal(batch), tuple(tracks), np.concatenate(labels))
