"""A plant's own data as a data source: a folder of files, laid out as docs/own-data.md says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.data.finding import Finding
from bench.data.furnace import features
from bench.data.plant.batch import read_batch
from bench.data.plant.clock import SECOND
from bench.data.plant.common import alike, require_some, title_of
from bench.data.plant.current import read_current
from bench.data.plant.declared import read_settings
from bench.data.plant.layout import PLANT, Place, folders_of, place_of
from bench.data.plant.twice import Known
from bench.data.recording import Recording, Signal
from bench.data.source import Floats, Share, Source
from bench.data.split import SplitSpec
from bench.data.tables import fingerprint, folder_with
from models.registry import component, param

#: Raised whenever the same files would give other recordings or features.
VERSION = 1


@dataclass(frozen=True)
class PlantParameters:
    """Which camera, and how short a stretch between two holes is still worth keeping."""

    camera: str = param("", help="NAME of video-NAME.*, where there are several; plant.yaml may say, too")
    shortest: float = param(60.0, low=0.0, help="stretches shorter than this are left out, s")


@component("dataset", "plant", parameters=PlantParameters, origin="docs/own-data.md")
class Plant(Source):
    """A plant's own recordings: one folder each, with its current, its video and its labels.

    Recordings without ``labels.csv`` are left out: every part of a study needs to know what the
    video showed. A recording in which nothing was abnormal has a ``labels.csv`` with only its header.
    """

    split = SplitSpec()

    def __init__(self, parameters: PlantParameters, path: Path | str | None):
        """Find the files of every recording and read their headers.

        Args:
            parameters: the camera, and what is too short.
            path: the folder that holds a folder for each recording.

        Raises:
            InvalidRequest: no such folder, no labelled recording in it, a setting that is wrong, or
                a recording without current or video, or with other phases or metadata than the first.
        """
        self.parameters = parameters
        self.root = folder_with(path, (), "plant")
        settings = read_settings(self.root / PLANT)
        places = [place_of(each, settings, parameters.camera) for each in folders_of(self.root)]
        self.places = tuple(place for place in places if place.labels is not None)
        require_some(self.root, places)
        self.title = title_of(settings)
        self.simulated = bool(settings.simulated)
        self.windows, self.lead = settings.windows, settings.lead
        self.count = len(self.places)
        self.metadata = alike(self.places)
        self.folds = tuple(sorted({place.settings.fold for place in self.places} - {-1}))

    @cached_property
    def _hash(self) -> str:
        files = [path for place in self.places for path in place.files()]
        files += [self.root / PLANT] if (self.root / PLANT).exists() else []
        return fingerprint(files, source="plant", version=VERSION, parameters=asdict(self.parameters))

    def fingerprint(self) -> str:
        """Return a hash of the bytes of all files that are read, the parameters and the version."""
        return self._hash

    def recordings(self) -> Iterator[Recording]:
        """Yield the recordings, or what lies between their holes, by name of their folder."""
        clocks, known = self._clocks(), Known()
        for place in self.places:
            batch = read_batch(place, self.metadata)
            known.require_new(batch)
            yield from batch.recordings(self.parameters.shortest, clocks.get(place.name, 0.0))

    def _clocks(self) -> dict[str, float]:
        """Return when recordings that share a group begin, s after the first of their group."""
        shared: dict[str, list[Place]] = {}
        for place in self.places:
            shared.setdefault(place.group, []).append(place)
        found: dict[str, float] = {}
        for group in (each for each in shared.values() if len(each) > 1):
            clocks = {place.name: read_current(place.current, place.settings).clock for place in group}
            first = min(clock.ns[0] for clock in clocks.values())
            found |= {name: float(clock.ns[0] - first) / SECOND for name, clock in clocks.items()}
        return found

    def current_features(self, signal: Signal, seconds: float) -> Floats:
        """Return eight properties of a phase; see :func:`bench.data.furnace.features.current_features`."""
        return features.current_features(signal, seconds)

    def video_features(self, signal: Signal, seconds: float) -> Floats:
        """Return a 4 x 4 grid of colours; see :func:`bench.data.furnace.features.video_features`."""
        return features.video_features(signal, seconds)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether a folder holds ``plant.yaml``, or a folder with a current and a video."""
        try:
            return (path / PLANT).is_file() or (path.is_dir() and bool(folders_of(path)))
        except OSError:
            return False

    @classmethod
    def check(cls, parameters: Any, path: Path, progress: Share = lambda share: None) -> Iterator[Finding]:
        """Look at every recording; see :func:`bench.data.plant.check.findings`."""
        from bench.data.plant.check import findings

        return findings(parameters, path, progress)
