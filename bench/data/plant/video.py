"""The video of one recording: its pictures, when they were taken, and what each tick shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.data.plant.clock import Times, named, one_time, read_times, require_one_clock
from bench.data.plant.even import Stretch, as_recorded, require_order, resampled
from bench.data.plant.pictures import Pictures, Reader
from bench.data.plant.settings import Settings
from bench.data.plant.settings import Video as Said
from bench.data.plant.stills import Array, Images
from bench.data.plant.table import read_table
from bench.data.recording import Signal
from models.errors import InvalidRequest


@dataclass(frozen=True)
class Video:
    """Pictures of one recording, and the even clock they are put on.

    Attributes:
        path: the film, the array or the folder of images.
        reader: its pictures.
        start: second of the first picture; second 0 is the first sample of the current.
        times: ``(pictures,)`` seconds of all of them.
        stretches: the even clock, a stretch between two holes.
        said: what of the pictures is looked at.
    """

    path: Path
    reader: Reader
    times: NDArray[np.float64]
    stretches: tuple[Stretch, ...]
    said: Said

    @property
    def start(self) -> float:
        """Second of the first picture."""
        return float(self.times[0])

    def signal(self, stretch: Stretch) -> Signal:
        """Return the pictures of one stretch as a lazy array."""
        said = self.said
        shown = Pictures(self.reader, stretch.stop - 1, said.crop, said.side, said.grey)
        return Signal(shown, stretch.rate, stretch.start)


def read_video(path: Path, listed: Path | None, settings: Settings, zero: Times, beside: str) -> Video:
    """Find out what a video shows when; no picture is decoded but those that tell the size.

    Args:
        path: the film, the array or the folder of images.
        listed: ``video.csv``, the time of every picture, where there is one.
        settings: when the first picture was taken, where nothing lists them, and what is looked at.
        zero: times whose first moment is second 0.
        beside: what to call the file of ``zero`` in an error.

    Raises:
        InvalidRequest: the video cannot be read, nothing says when it begins or how fast it runs, its
            pictures are not evenly spaced and no rate is asked for, or the crop lies outside them.
    """
    said = settings.video
    reader, clock = _opened(path, listed, settings)
    if clock is not None:
        require_one_clock(clock, zero, str(listed), beside)
        times = clock.since(zero)
    else:
        times = _start(path, settings, zero, beside) + _since_first(reader, path, said)
    require_order(times, str(listed or path))
    _require_inside(said, reader, path)
    if said.rate is None:
        stretches = as_recorded(times, str(path), "video: {rate: ...}")
    else:
        stretches = resampled(times, said.rate, said.gap, f"{path}, video.rate")
    return Video(path, reader, times, tuple(stretches), said)


def _opened(path: Path, listed: Path | None, settings: Settings) -> tuple[Reader, Times | None]:
    """Return the pictures, and their times if a file lists them."""
    table = read_table(listed, settings.csv, ("time",)) if listed else None
    if path.is_dir():
        files = None if table is None or "file" not in table else table["file"].astype(str).tolist()
        reader: Reader = Images(path, files)
    elif path.suffix.lower() == ".npy":
        reader = Array(path)
    else:
        from bench.data.plant.movie import Movie  # FFmpeg is large, and only films need it

        reader = Movie(path)
    if table is None or listed is None:
        return reader, None
    if len(table) != reader.count:
        raise InvalidRequest(
            f"{listed} must list every picture once, but has {len(table)} rows for the {reader.count} "
            f"pictures of {path.name}; write it anew"
        )
    return reader, read_times(table["time"], settings, named(listed, "time"))


def _start(path: Path, settings: Settings, zero: Times, beside: str) -> float:
    said = settings.video
    if said.start is not None:
        where = "video.start"
        begin = one_time(said.start, settings, where)
        require_one_clock(begin, zero, where, beside)
        return float(begin.since(zero)[0])
    if said.offset is None:
        raise InvalidRequest(
            f"nothing says when {path} begins; add its time as video: {{start: ...}} to recording.yaml "
            "beside it, or video: {offset: 0} if it begins with the current"
        )
    return said.offset


def _since_first(reader: Reader, path: Path, said: Said) -> NDArray[np.float64]:
    if said.fps is not None:
        return np.arange(reader.count) / said.fps
    if reader.times is None:
        raise InvalidRequest(
            f"nothing says how many pictures a second {path} has; say video: {{fps: ...}} in plant.yaml, or "
            "list the time of every picture in video.csv"
        )
    return reader.times


def _require_inside(said: Said, reader: Reader, path: Path) -> None:
    height, width = reader.shape[:2]
    left, top, wide, high = said.crop or (0, 0, width, height)
    if left + wide > width or top + high > height:
        raise InvalidRequest(
            f"video.crop must lie inside the pictures of {path}, which are {width} x {height}, got "
            f"{list(said.crop)}; change it"
        )
    if min(wide, high) < 4:
        raise InvalidRequest(
            f"{path} must have pictures of at least 4 x 4 pixels, got {width} x {height}; record larger ones"
        )
