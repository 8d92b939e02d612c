"""A small sound copy of release 2, or of release 1, for tests to read and to break."""

import json
from pathlib import Path

import h5py
import numpy as np

from bench.data.fmf.write import second_release, write_lists, write_mat, write_tables

BEGIN = 1_683_754_407  # 2023-05-10 21:33:27
RATE, SECONDS, SIDE = 5, 60, 8
STEMS = ("batch-1", "batch-2")


def pictures(stem: str, frames: int) -> np.ndarray:
    """Pictures that are like no mirror image or transposed picture of themselves: (frames, 8, 8, 3)."""
    place = np.arange(SIDE * SIDE * 3).reshape(SIDE, SIDE, 3)
    return ((place + 7 * np.arange(frames)[:, None, None, None] + STEMS.index(stem)) % 251).astype(np.uint8)


def masks(frames: int) -> np.ndarray:
    """Every other three seconds abnormal, by one pixel that wanders."""
    found = np.zeros((frames, SIDE, SIDE), dtype=np.uint8)
    index = np.flatnonzero(np.arange(frames) // (3 * RATE) % 2 == 1)
    found[index, index % SIDE, (index // SIDE) % SIDE] = 255
    return found


def amperes(rows: int, stem: str = STEMS[0]) -> np.ndarray:
    """Currents that tell batch, row and phase: (rows, 3), A."""
    return 10_000.0 + np.arange(rows)[:, None] + 1000.0 * np.arange(3) + 500 * STEMS.index(stem)


def parts(frames: int) -> np.ndarray:
    """Train until second 30, test from second 35."""
    found = np.full(frames, -1, dtype=np.int8)
    found[: 30 * RATE], found[35 * RATE :] = 0, 1
    return found


def second(folder: Path, *, counts=None, rows=None) -> Path:
    """Write release 2 and return the folder that holds ``videos``.

    ``counts`` and ``rows`` are the frames and rows of current in each second; 5 and 2 unless told.
    """
    counts = np.full(SECONDS, RATE) if counts is None else np.asarray(counts)
    rows = np.full(SECONDS, 2) if rows is None else np.asarray(rows)
    inner, frames = second_release(folder), int(counts.sum())
    for stem in STEMS:
        blocks = [(pictures(stem, frames), masks(frames))]
        write_mat(inner / "videos" / f"{stem}.mat", frames, (SIDE, SIDE), blocks, key="data", simulated=None)
        stamps = [BEGIN + np.repeat(np.arange(len(each)), each) for each in (rows, counts)]
        write_tables(inner, stem, amperes(int(rows.sum()), stem), *stamps)
    write_lists(inner, dict.fromkeys(STEMS, parts(frames)))
    return inner


def first(folder: Path, *, frames=RATE * SECONDS) -> Path:
    """Write release 1 as one file and return the folder: the current is that of :func:`second`, held."""
    folder.mkdir(parents=True, exist_ok=True)
    index = np.where(parts(frames) < 0, 2, parts(frames)).astype(np.uint8)[:, None]
    for stem in STEMS:
        held = amperes(2 * SECONDS, stem)[(2 * np.arange(frames)) // RATE]
        blocks = [(pictures(stem, frames), masks(frames))]
        write_mat(
            folder / f"{stem}.mat", frames, (SIDE, SIDE), blocks, key="video", simulated=None,
            columns={"current": held, "train_test_index": index},
        )  # fmt: skip
    return folder


def change(path: Path, name: str, values) -> None:
    """Replace an array of a .mat file, or with None remove it."""
    with h5py.File(path, "r+") as file:
        if name in file:
            del file[name]
        if values is not None:
            file[name] = values


def array(path: Path, name: str) -> np.ndarray:
    with h5py.File(path, "r") as file:
        return file[name][()]


def edit(path: Path, line: int, text: str | None) -> None:
    """Replace a line of a table (1 = header), or with None remove it."""
    lines = path.read_text().splitlines()
    lines[line - 1 : line] = [] if text is None else [text]
    path.write_text("\n".join(lines) + "\n")


def relist(path: Path, name: str, values) -> None:
    """Replace the list of one video in train.json or test.json, or with None remove it."""
    listed = json.loads(path.read_text())
    listed[name] = values
    path.write_text(json.dumps({key: value for key, value in listed.items() if value is not None}))
