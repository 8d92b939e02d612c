"""The folder of a plant: one sub-folder a recording, and which of its files is what."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.data.plant.declared import read_settings
from bench.data.plant.pictures import FILMS
from bench.data.plant.settings import Settings
from bench.data.plant.table import KINDS
from bench.data.plant.there import require_file
from bench.data.tables import require_printable
from models.errors import InvalidRequest

PLANT, RECORDING = "plant.yaml", "recording.yaml"
TABLES = ("current", "labels", "metadata")


@dataclass(frozen=True)
class Place:
    """The files of one recording.

    Attributes:
        name: of its folder.
        folder: where it lies.
        settings: what holds for it.
        current, video: its two signals; the video is a file, or a folder of images.
        listed: the time of every picture, if a file lists them.
        labels, metadata: None where there is none.
    """

    name: str
    folder: Path
    settings: Settings
    current: Path
    video: Path
    listed: Path | None
    labels: Path | None
    metadata: Path | None

    @property
    def group(self) -> str:
        """What a split keeps whole."""
        return self.settings.group or self.name

    def files(self) -> Iterator[Path]:
        """Yield every file that the recording is read from."""
        for path in (self.current, self.listed, self.labels, self.metadata, self.folder / RECORDING):
            if path is not None and path.exists():
                yield path
        yield from self.pictures()

    def pictures(self) -> Iterator[Path]:
        """Yield the files that hold the pictures."""
        if self.video.is_dir():
            yield from sorted(path for path in self.video.iterdir() if path.is_file())
        else:
            yield self.video


def folders_of(root: Path) -> list[Path]:
    """Return the sub-folders that hold anything called like a file of a recording, by name."""
    found = [path for path in root.iterdir() if path.is_dir() and path.name[0] not in "._"]
    return sorted((path for path in found if any(_is_ours(each) for each in path.iterdir())), key=_name)


def place_of(folder: Path, settings: Settings, camera: str) -> Place:
    """Return the files of one recording.

    Raises:
        InvalidRequest: current or video is missing or no file, there are two of one, the camera is not
            there, ``recording.yaml`` is wrong, or the folder has a name that cannot be printed.
    """
    require_printable(folder)
    own = read_settings(folder / RECORDING, settings)
    tables = {name: _table(folder, name) for name in TABLES}
    if tables["current"] is None:
        instead = _instead(folder, "current")
        raise InvalidRequest(f"{folder} must hold current.csv or current.parquet{instead}")
    chosen = camera or own.video.camera
    stem = f"video-{chosen}" if chosen else "video"
    return Place(
        folder.name,
        folder,
        own,
        tables["current"],
        _video(folder, stem),
        _table(folder, stem),
        tables["labels"],
        tables["metadata"],
    )


def _name(path: Path) -> str:
    return path.name


def _is_ours(path: Path) -> bool:
    stem = path.stem.lower()
    return stem in (*TABLES, "video", "recording") or stem.startswith("video-")


def _called(folder: Path, stem: str, suffixes: tuple[str, ...]) -> list[Path]:
    return sorted(
        (p for p in folder.iterdir() if p.stem.lower() == stem.lower() and p.suffix.lower() in suffixes),
        key=_name,
    )


def _table(folder: Path, stem: str) -> Path | None:
    found = _called(folder, stem, KINDS)
    if len(found) > 1:
        raise InvalidRequest(
            f"{folder} holds {found[0].name} and {found[1].name}, of which one is too many; remove it"
        )
    for path in found:
        require_file(path)
    return found[0] if found else None


def _video(folder: Path, stem: str) -> Path:
    found = _called(folder, stem, (*FILMS, ".npy"))
    found += [path for path in _called(folder, stem, ("",)) if path.is_dir()]
    if len(found) > 1:
        raise InvalidRequest(
            f"{folder} holds {found[0].name} and {found[1].name}, of which one is too many; call two cameras "
            "video-NAME and choose one in plant.yaml, video: {camera: NAME}"
        )
    if found:
        if not found[0].is_dir():
            require_file(found[0])
        return found[0]
    cameras = sorted({p.stem[6:] for p in folder.iterdir() if p.stem.lower().startswith("video-")})
    if cameras:
        raise InvalidRequest(
            f"{folder} has the cameras {', '.join(cameras)}, got {stem[6:]!r}; choose one in plant.yaml, "
            f"video: {{camera: {cameras[0]}}}, or with --set dataset.camera={cameras[0]}"
        )
    raise InvalidRequest(
        f"{folder} must hold {stem}.mp4 (or .avi, .mkv, .mov, .mjpeg, .npy, or a folder {stem} of images)"
        f"{_instead(folder, stem)}"
    )


def _instead(folder: Path, stem: str) -> str:
    """Say what is there in place of what is missing."""
    names = sorted(path.name for path in folder.iterdir())
    near = difflib.get_close_matches(stem, names, n=1, cutoff=0.4)
    if near:
        return f", got {near[0]}; rename it if that is it"
    return f", and has {', '.join(names[:4]) or 'nothing'}; add it"
