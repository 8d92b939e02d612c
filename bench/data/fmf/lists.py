"""The published split: which frames of each batch are for training, which for testing, which for neither."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.data.fmf.table import read_bytes
from bench.data.windows import NEITHER, TEST, TRAIN
from models.errors import InvalidRequest

Parts = NDArray[np.int8]


def read_lists(lists: tuple[Path, Path], frames: Mapping[str, int]) -> dict[str, Parts] | None:
    """Return the published part of every frame of every batch; None if there are no lists.

    Args:
        lists: ``train.json`` and ``test.json``: video file name to indices of frames, from 0.
        frames: number of frames by name of the batch.

    Raises:
        InvalidRequest: not an object of lists of indices, a batch that is missing or not there, an index
            that is no frame, stands twice, or stands in both lists.
    """
    if not all(path.is_file() for path in lists):
        return None
    found = {stem: np.full(count, NEITHER, dtype=np.int8) for stem, count in frames.items()}
    for path, part in zip(lists, (TRAIN, TEST), strict=True):
        listed = _read(path)
        names = {f"{stem}.mat" for stem in frames}
        if listed.keys() != names:
            odd = sorted(listed.keys() ^ names)[0]
            fault = "names a video that is not there" if odd in listed else "lacks a video"
            raise InvalidRequest(
                f"{path} must name every video once, but {fault}: {odd!r}; repair the list or the folder"
            )
        for stem, parts in found.items():
            _mark(parts, listed[f"{stem}.mat"], part, path, f"{stem}.mat")
    return found


def _read(path: Path) -> dict[str, object]:
    try:
        listed = json.loads(
            read_bytes(path).decode("utf-8-sig"), object_pairs_hook=partial(_named_once, path)
        )
    except InvalidRequest:
        raise
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path} must be JSON, but is not ({error}); copy the file again") from None
    except (RecursionError, ValueError):
        raise InvalidRequest(
            f"{path} must hold lists of frames, but is nested without end or has a number of thousands of "
            "digits; copy the file again"
        ) from None
    if not isinstance(listed, dict):
        raise InvalidRequest(
            f"{path} must be an object of video names and lists of frames, but is a {type(listed).__name__}; "
            "copy the file again"
        )
    return listed


def _named_once(path: Path, pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object, in which JSON itself would let the last of two equal names win."""
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidRequest(
                f"{path} must name every video once, but has {name!r} twice; take one of its lists away"
            )
        found[name] = value
    return found


def _mark(parts: Parts, listed: object, part: int, path: Path, name: str) -> None:
    if not isinstance(listed, list) or not all(type(index) is int for index in listed):
        raise InvalidRequest(
            f"{path} must hold a list of whole numbers for {name!r}, but holds something else; copy the file "
            "again"
        )
    indices = np.array(listed, dtype=object)
    outside = [index for index in listed if not 0 <= index < len(parts)]
    if outside:
        raise InvalidRequest(
            f"{path} must hold frames from 0 to {len(parts) - 1} for {name!r}, but has {outside[0]}; take a "
            "list that belongs to this video"
        )
    own = indices.astype(np.int64)
    if len(np.unique(own)) < len(own):
        twice = int(np.flatnonzero(np.bincount(own) > 1)[0])
        raise InvalidRequest(
            f"{path} must list a frame once, but has {twice} of {name!r} twice; copy the file again"
        )
    both = own[parts[own] != NEITHER]
    if len(both):
        raise InvalidRequest(
            f"{path} must not list what train.json lists, but both have frame {int(both[0])} of {name!r}; "
            "take lists that belong together"
        )
    parts[own] = part


def blocks(parts: Parts, part: int) -> list[tuple[int, int]]:
    """Return first and one past last frame of each unbroken run of a part."""
    edges = np.flatnonzero(np.diff((parts == part).astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
