"""Files in the layout of the benchmark, written a block of frames at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.data.fmf.layout import CURRENTS, INNER, LISTS, STAMPS, VIDEOS
from bench.data.fmf.lists import Parts
from bench.data.fmf.mat import SIMULATED
from bench.data.fmf.table import PHASES, written
from bench.data.source import Share
from bench.data.windows import TEST, TRAIN
from models.errors import InvalidRequest

Ints = NDArray[np.int64]
#: A block of ``(n, height, width, 3)`` pictures and ``(n, height, width)`` masks.
Block = tuple[NDArray[np.uint8], NDArray[np.uint8]]

#: Frames stored together: what reading one of them costs.
STORED = 25
#: What MATLAB writes before an HDF5 file of its own, and needs to see there.
USER_BLOCK = 512
HEADER = b"MATLAB 7.3 MAT-file".ljust(116) + bytes(8) + b"\x00\x02IM"


@dataclass
class Told:
    """Tells how much of all frames is written."""

    total: int
    progress: Share
    done: int = 0

    def through(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Pass blocks on, and tell when each has been taken care of."""
        for block in blocks:
            yield block
            self.done += len(block[0])
            self.progress(self.done / self.total)


def new_folder(folder: Path) -> Path:
    """Make a folder that files are to be written to.

    Raises:
        InvalidRequest: it holds something already, or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InvalidRequest(f"{folder} must be an empty folder, but holds files; name another one")
    except OSError as error:
        raise InvalidRequest(
            f"{folder} must be a folder that can be written, but is not ({error.strerror}); name another one"
        ) from None
    return folder


def write_mat(
    path: Path,
    frames: int,
    side: tuple[int, int],
    blocks: Iterable[Block],
    *,
    key: str,
    simulated: str | None,
    columns: Mapping[str, NDArray[np.generic]] | None = None,
) -> None:
    """Write video and masks as a MATLAB v7.3 file, which is there as a whole or not at all.

    Args:
        path: the file.
        frames: how many there are.
        side: height and width of a picture.
        blocks: pictures and masks in order of time.
        key: name of the video: ``data`` in release 2, ``video`` in release 1.
        simulated: what simulated it; None if it was measured.
        columns: what release 1 has beside them.
    """
    import h5py  # slow to import

    height, width = side
    with _whole(path) as part:
        with h5py.File(part, "w", userblock_size=USER_BLOCK) as file:
            layout = {"dtype": "u1", "compression": "gzip", "compression_opts": 1}
            stored = min(STORED, frames)
            video = file.create_dataset(
                key, (frames, 3, width, height), chunks=(stored, 3, width, height), **layout
            )
            mask = file.create_dataset(
                "label", (frames, width, height), chunks=(stored, width, height), **layout
            )
            for name, values in (columns or {}).items():
                file.create_dataset(name, data=values)
            for name in file:
                file[name].attrs["MATLAB_class"] = np.bytes_("double" if name == "current" else "uint8")
            if simulated is not None:
                file.attrs[SIMULATED] = simulated
            done = 0
            for pictures, masks in blocks:
                video[done : done + len(pictures)] = pictures.transpose(0, 3, 2, 1)
                mask[done : done + len(masks)] = masks.transpose(0, 2, 1)
                done += len(pictures)
        with part.open("r+b") as file:
            file.write(HEADER)


def write_tables(folder: Path, stem: str, amperes: NDArray[np.float64], rows: Ints, frames: Ints) -> None:
    """Write the currents and the stamps of a batch of release 2.

    Args:
        folder: what holds ``currents`` and ``timestamps``.
        stem: name of the batch.
        amperes: ``(rows, 3)`` A; nine digits are written, so that a float32 in kA comes back as it was.
        rows: ``(rows,)`` second of each row.
        frames: ``(frames,)`` second of each frame.
    """
    phases = ",".join(f"phase {'ABC'[phase]} (A)" for phase in range(PHASES))
    lines = [
        f"{written(second)},{','.join(f'{value:.9g}' for value in row)}"
        for second, row in zip(rows.tolist(), amperes.tolist(), strict=True)
    ]
    _write_lines(folder / CURRENTS / f"{stem}.csv", [f"time,{phases}", *lines])
    _write_lines(folder / STAMPS / f"{stem}.csv", ["time", *map(written, frames.tolist())])


def write_lists(folder: Path, parts: Mapping[str, Parts]) -> None:
    """Write ``train.json`` and ``test.json``."""
    for name, part in zip(LISTS, (TRAIN, TEST), strict=True):
        listed = {f"{stem}.mat": np.flatnonzero(own == part).tolist() for stem, own in parts.items()}
        (folder / name).write_text(json.dumps(listed), encoding="utf-8")


def second_release(folder: Path) -> Path:
    """Make the folders of release 2 and return the one that holds them all."""
    inner = folder / INNER
    for name in (VIDEOS, CURRENTS, STAMPS):
        (inner / name).mkdir(parents=True)
    return inner


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise InvalidRequest(
            f"{path} must be writable, but is not ({error}); free space there or name another folder"
        ) from None
    finally:
        part.unlink(missing_ok=True)
