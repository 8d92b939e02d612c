"""Where the files of the benchmark lie: both releases, found from any folder a user may name.

Release 2 is ``pixel-level/{videos,currents,timestamps}/<stem>.{mat,csv,csv}`` with ``train.json`` and
``test.json``; release 1 is a folder of ``.mat`` files that hold everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.data.tables import require_printable
from models.errors import InvalidRequest

VIDEOS, CURRENTS, STAMPS = "videos", "currents", "timestamps"
LISTS = ("train.json", "test.json")
INNER = "pixel-level"
SUFFIX = ".mat"


@dataclass(frozen=True)
class Layout:
    """The files of one copy of the benchmark.

    Attributes:
        folder: what holds ``videos`` in release 2, the ``.mat`` files in release 1.
        release: 1 or 2.
        stems: names of the batches, sorted.
    """

    folder: Path
    release: int
    stems: tuple[str, ...]

    def video(self, stem: str) -> Path:
        """File of video and masks; in release 1 of everything."""
        return (self.folder if self.release == 1 else self.folder / VIDEOS) / f"{stem}.mat"

    def currents(self, stem: str) -> Path:
        """File of the currents (release 2)."""
        return self.folder / CURRENTS / f"{stem}.csv"

    def stamps(self, stem: str) -> Path:
        """File of the time stamps of the frames (release 2)."""
        return self.folder / STAMPS / f"{stem}.csv"

    @property
    def lists(self) -> tuple[Path, Path]:
        """Files that list the frames of the training and the test part (release 2)."""
        return self.folder / LISTS[0], self.folder / LISTS[1]

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are read, in a fixed order."""
        found = [self.video(stem) for stem in self.stems]
        if self.release == 2:
            found += [table(stem) for stem in self.stems for table in (self.currents, self.stamps)]
            found += [path for path in self.lists if path.exists()]
        return tuple(found)

    def name(self, path: Path) -> str:
        """Name of a file as a reader would look for it."""
        return path.relative_to(self.folder).as_posix()


def find(path: Path) -> Layout:
    """Return the layout of what lies at a path: a folder, the one around or inside it, or one ``.mat`` file.

    Raises:
        InvalidRequest: nothing of either release is there.
    """
    if path.is_file():
        if path.suffix == SUFFIX:
            return Layout(path.parent, 1, (path.stem,))
        raise InvalidRequest(
            f"{path} must be the folder that holds {VIDEOS}, {CURRENTS} and {STAMPS}, or a .mat file of "
            "release 1, but is another file; unpack it if it is an archive, and name the folder"
        )
    if not path.is_dir():
        raise InvalidRequest(
            f"dataset.path of fmf must be a folder, and there is none at {path}; check the path"
        )
    for folder in _nearby(path):
        if (folder / VIDEOS).is_dir():
            stems = _mats(folder / VIDEOS)
            if not stems:
                raise InvalidRequest(
                    f"{folder / VIDEOS} must hold the .mat files of the videos, but has none; copy them "
                    "there, their suffix in small letters"
                )
            return Layout(folder, 2, stems)
    stems = _mats(path)
    if not stems:
        raise InvalidRequest(
            f"{path} must hold the folders {VIDEOS}, {CURRENTS} and {STAMPS} (release 2), or .mat files "
            "(release 1), but has neither; name the folder the download was unpacked to"
        )
    return Layout(path, 1, stems)


def passed_over(layout: Layout, path: Path) -> list[Path]:
    """Return what lies at a path beside the layout that is read, and could have been taken for it."""
    if layout.release == 1:
        return []
    folders = [folder for folder in _nearby(path) if (folder / VIDEOS).is_dir() and folder != layout.folder]
    beside = {path, layout.folder} - {layout.folder / part for part in (VIDEOS, CURRENTS, STAMPS)}
    return sorted([*folders, *(entry for folder in beside for entry in folder.iterdir() if _is_mat(entry))])


def looks_right(path: Path) -> bool:
    """Return whether either release seems to lie at a path."""
    if path.is_file():
        return path.suffix == SUFFIX
    return path.is_dir() and (
        any((folder / VIDEOS).is_dir() for folder in _nearby(path)) or any(map(_is_mat, path.iterdir()))
    )


def _nearby(path: Path) -> list[Path]:
    inside = sorted(entry / INNER for entry in path.iterdir() if (entry / INNER).is_dir())
    above = [path.parent] if path.name in (VIDEOS, CURRENTS, STAMPS) else []
    return [path, path / INNER, *inside, *above]


def _mats(folder: Path) -> tuple[str, ...]:
    found = sorted(entry for entry in folder.iterdir() if _is_mat(entry))
    for entry in found:
        require_printable(entry)
    return tuple(sorted(entry.stem for entry in found))


def _is_mat(entry: Path) -> bool:
    return entry.suffix == SUFFIX and not entry.name.startswith(".")


def faults(layout: Layout) -> list[str]:
    """Return what release 2 lacks: a table of a video, or one list of frames without the other."""
    if layout.release == 1:
        return []
    wanted = [table(stem) for stem in layout.stems for table in (layout.currents, layout.stamps)]
    found = [
        f"{path} must be there beside {VIDEOS}/{path.stem}.mat, but is missing; copy it there, under the "
        "same name as the video"
        for path in wanted
        if not path.is_file()
    ]
    missing = [path for path in layout.lists if not path.is_file()]
    if len(missing) == 1:
        other = next(path for path in layout.lists if path not in missing)
        found.append(
            f"{missing[0]} must be there beside {other.name}, but is missing; copy it there, or take away "
            "both to do without the published split"
        )
    return found
