"""Video and masks in MATLAB v7.3 files (HDF5), read a slice at a time.

HDF5 libraries see MATLAB's axes reversed: a video of height x width x 3 x frames comes as
``(frames, 3, width, height)``. Here pictures are height x width x 3 again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.fmf.table import unreadable
from models.errors import InvalidRequest

VIDEO_KEYS = ("data", "video")
#: Attribute of a file whose contents were simulated: what simulated them.
SIMULATED = "simulated"
#: Frames decoded at once.
BLOCK = 2048
#: Where fewer than one frame in so many is wanted, they are read one by one.
SPARSE = 8

#: What the library raises where a file is damaged, depending on what of it is.
DAMAGE = (OSError, RuntimeError, KeyError, TypeError, ValueError)
#: First bytes of what people have in place of a v7.3 file, and what to do about it.
IMPOSTORS = (
    (b"PK\x03\x04", "is a zip archive", "unpack it"),
    (b"Rar!", "is a rar archive", "unpack it"),
    (b"7z\xbc\xaf", "is a 7z archive", "unpack it"),
    (b"\x1f\x8b", "is a gzip archive", "unpack it"),
    (b"MATLAB 5.0", "is a MATLAB file of an older format", "save it again with -v7.3"),
    (b"<", "is a web page", "the download failed: fetch it again"),
)


@dataclass(frozen=True)
class Mat:
    """One file, looked at but not read.

    Attributes:
        path: the file.
        key: name of the video in it.
        frames, height, width: of the video.
        fields: names of all arrays in the file.
        simulated: what simulated its contents; None if they were measured.
    """

    path: Path
    key: str
    frames: int
    height: int
    width: int
    fields: frozenset[str]
    simulated: str | None

    def pictures(self, rows: slice) -> NDArray[np.uint8]:
        """Return ``(frames, height, width, 3)``."""
        with opened(self.path) as file:
            return self._bytes(file[self.key][rows]).transpose(0, 3, 2, 1)

    def chosen(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the pictures of rows that never decrease, each read once."""
        wanted, back = np.unique(rows, return_inverse=True)
        if not len(wanted):
            return np.empty((0, self.height, self.width, 3), dtype=np.uint8)
        first, last = int(wanted[0]), int(wanted[-1]) + 1
        if last - first < SPARSE * len(wanted):
            return self.pictures(slice(first, last))[rows - first]
        with opened(self.path) as file:
            video = file[self.key]
            found = self._bytes(np.stack([video[int(row)] for row in wanted]))
        return found.transpose(0, 3, 2, 1)[back]

    def abnormal(self, rows: slice) -> NDArray[np.uint8]:
        """Return ``(frames,)`` whether any pixel of the mask is marked."""
        with opened(self.path) as file:
            mask = file["label"][rows]
        if mask.dtype.kind == "f" and not np.isfinite(mask).all():
            raise InvalidRequest(
                f"{self.path} must hold finite masks in 'label', but some are not; repair them"
            )
        return np.asarray((mask > 0).any(axis=(1, 2)), dtype=np.uint8)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return ``(frames, ...)`` of what release 1 keeps beside the video."""
        with opened(self.path) as file:
            return np.asarray(file[name][()], dtype=np.float64)

    def _bytes(self, raw: NDArray[Any]) -> NDArray[np.uint8]:
        """Take numbers from 0 to 255 of any type; MATLAB's own is double."""
        if raw.dtype == np.uint8:
            return raw
        scaled = raw.dtype.kind == "f" and raw.max(initial=0) <= 1 and (raw % 1 > 0).any()
        if scaled or not ((raw >= 0) & (raw <= 255)).all():
            raise InvalidRequest(
                f"{self.path} must hold pictures from 0 to 255 in {self.key!r}, but has "
                f"{raw.min():g} to {raw.max():g}; scale them, and save as uint8"
            )
        return raw.astype(np.uint8)


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file; what its library cannot read is refused in words.

    Raises:
        InvalidRequest: not a MATLAB v7.3 file, or one that is cut short or damaged.
    """
    import h5py  # slow to import

    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except InvalidRequest:
        raise
    except DAMAGE as error:
        raise InvalidRequest(_unreadable(path, str(error))) from None


def _unreadable(path: Path, reason: str) -> str:
    import h5py  # slow to import

    try:
        with path.open("rb") as file:
            head, size = file.read(16), path.stat().st_size
    except OSError as error:
        return unreadable(path, error)
    if not size:
        return f"{path} must be a MATLAB v7.3 file, but is empty (0 bytes); copy the file again"
    for start, what, cure in IMPOSTORS:
        if head.startswith(start):
            return f"{path} must be a MATLAB v7.3 file, but {what}; {cure}"
    if "truncated" in reason:
        return f"{path} must be whole, but is cut short at {size:,} bytes; copy the file again"
    if h5py.is_hdf5(path):
        return f"{path} must be readable throughout, but is damaged inside; copy the file again"
    return f"{path} must be a MATLAB v7.3 file (HDF5), but is none; save it with -v7.3 or copy it again"


def look(path: Path, needed: tuple[str, ...] = ()) -> Mat:
    """Look at a file: its arrays are there and fit each other; nothing large is read.

    Args:
        path: the file.
        needed: names of arrays that release 1 has beside the video and the masks.

    Raises:
        InvalidRequest: whatever is wrong with it.
    """
    import h5py  # slow to import

    with opened(path) as file:
        # A damaged name is bytes; what is behind a link that leads nowhere is None.
        there = {name: file.get(name) for name in file if isinstance(name, str)}
        arrays = {name: item for name, item in there.items() if isinstance(item, h5py.Dataset)}
        shapes = {name: tuple(item.shape) for name, item in arrays.items()}
        kinds = {name: item.dtype.kind for name, item in arrays.items()}
        simulated = file.attrs.get(SIMULATED)
    key = next((name for name in VIDEO_KEYS if name in shapes), VIDEO_KEYS[0])
    for name in (key, "label", *needed):
        if name in needed and name not in shapes and "data" in shapes:
            raise InvalidRequest(
                f"{path} must hold a batch of release 1, but has no {name!r}, like a video of release 2; "
                "name the folder around videos, currents and timestamps"
            )
        if name not in shapes:
            known = ", ".join(sorted(shapes)) or "none"
            raise InvalidRequest(
                f"{path} must hold the array {name!r}, but has {known}; rename the array it is in, or copy "
                "the file again"
            )
        if kinds[name] not in "buif":
            raise InvalidRequest(
                f"{path} must hold numbers in {name!r}, but has something else; save it as an array"
            )
    video, mask = shapes[key], shapes["label"]
    if len(video) != 4 or video[1] != 3 or not min(video):
        raise InvalidRequest(
            f"{path} must hold a video of height x width x 3 x frames in {key!r} (here read as frames x 3 x "
            f"width x height), but read {_by(video)}; permute its axes in MATLAB"
        )
    if mask != (video[0], *video[2:]):
        raise InvalidRequest(
            f"{path} must hold one mask for each frame in 'label', read as {_by((video[0], *video[2:]))}, "
            f"but read {_by(mask)}; permute its axes, or cut video and masks to the same frames"
        )
    for name, rows in (("current", 3), ("train_test_index", 1)):
        if name in needed and shapes[name] != (video[0], rows):
            raise InvalidRequest(
                f"{path} must hold {rows} value{'s' * (rows > 1)} for each frame in {name!r}, read as "
                f"{_by((video[0], rows))}, but read {_by(shapes[name])}; permute its axes, or cut it to the "
                "frames"
            )
    title = None if simulated is None else str(simulated)
    return Mat(path, key, video[0], video[3], video[2], frozenset(shapes), title)


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a single number"
