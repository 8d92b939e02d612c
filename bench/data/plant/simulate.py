"""A simulated furnace, written as a plant would write its own folder: an example, and a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from PIL import Image

from bench.data.furnace import Furnace, FurnaceParameters
from bench.data.plant.layout import PLANT
from bench.data.recording import Recording, Signal
from models.errors import InvalidRequest

#: Suffix to codec and pixels. FFV1 loses nothing; H.264 and MJPEG are what cameras write.
CODECS = {".mkv": ("ffv1", "bgr0"), ".mp4": ("libx264", "yuv444p"), ".avi": ("mjpeg", "yuvj444p")}
KINDS = ("mkv", "mp4", "avi", "npy", "png")
#: Batches are written as if one had been smelted a day.
BEGINNING = pd.Timestamp("2026-03-02T08:00:00+08:00")
ZONE = "+08:00"
PHASES = ("Ia", "Ib", "Ic")


def write_plant(
    folder: Path,
    parameters: FurnaceParameters,
    *,
    video: str = "mkv",
    progress: Callable[[float], None] = lambda share: None,
) -> None:
    """Write a simulated furnace as the folder of a plant.

    Args:
        folder: where to; must not exist, or be empty.
        parameters: which furnace, and how many batches.
        video: ``mkv`` (nothing is lost), ``mp4``, ``avi``, ``npy`` or ``png`` (a folder of images).
        progress: told the share that is written.

    Raises:
        InvalidRequest: the folder holds something, or the kind of video is unknown.
    """
    if video not in KINDS:
        raise InvalidRequest(f"video must be one of {', '.join(KINDS)}, got {video!r}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidRequest(f"{folder} must be new or empty, and holds something; choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    furnace = Furnace(parameters)
    said: dict[str, Any] = {
        "simulated": f"furnace {parameters.world}, seed {parameters.seed}",
        "lead": furnace.lead,
        "video": {"offset": 0} | ({} if f".{video}" in CODECS else {"fps": 0.5}),
    }
    (folder / PLANT).write_text(yaml.safe_dump(said, sort_keys=False))
    for day, recording in enumerate(furnace.recordings()):
        _write(folder / recording.name, recording, BEGINNING + pd.Timedelta(days=day), video)
        progress((day + 1) / parameters.recordings)


def _write(folder: Path, recording: Recording, begin: pd.Timestamp, video: str) -> None:
    folder.mkdir()
    metadata = recording.metadata
    assert metadata is not None
    moments = _moments(recording.current, begin)
    columns = dict(zip(PHASES, np.asarray(recording.current.values).T, strict=True))
    _table(folder / "current.csv", moments, columns)
    names = Furnace.metadata
    _table(folder / "metadata.csv", moments, dict(zip(names, np.asarray(metadata.values).T, strict=True)))
    intervals = list(_intervals(recording.label, begin))
    pd.DataFrame(intervals, columns=["begin", "end", "class"]).to_csv(folder / "labels.csv", index=False)
    pictures = np.asarray(recording.video.values)
    if video == "npy":
        np.save(folder / "video.npy", pictures)
    elif video == "png":
        (folder / "video").mkdir()
        for number, picture in enumerate(pictures):
            Image.fromarray(picture).save(folder / "video" / f"picture-{number:06d}.png", compress_level=1)
    else:
        write_film(folder / f"video.{video}", pictures, recording.video.rate)


def _moments(signal: Signal, begin: pd.Timestamp) -> list[str]:
    since = np.rint(1000 * (signal.start + np.arange(len(signal.values)) / signal.rate))
    local = np.datetime64(begin.tz_localize(None), "ms") + since.astype("timedelta64[ms]")
    return [f"{moment}{ZONE}" for moment in np.datetime_as_string(local)]


def _table(path: Path, moments: list[str], columns: dict[str, NDArray[Any]]) -> None:
    pd.DataFrame({"time": moments, **columns}).to_csv(path, index=False)


def _intervals(label: Signal, begin: pd.Timestamp) -> Iterator[tuple[str, str, str]]:
    """Yield begin, end and class of each run of abnormal pictures."""
    change = np.flatnonzero(np.diff(np.asarray(label.values), prepend=0, append=0))
    for first, stop in change.reshape(-1, 2):
        moments = (begin + pd.Timedelta(seconds=label.start + each / label.rate) for each in (first, stop))
        yield (*(moment.isoformat() for moment in moments), "abnormal")  # type: ignore[misc]


def write_film(path: Path, pictures: NDArray[np.uint8], rate: float) -> None:
    """Write ``(pictures, height, width, 3)`` as a film; the suffix decides the codec."""
    import av

    codec, pixels = CODECS[path.suffix]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=Fraction(rate).limit_denominator(1001))
        stream.height, stream.width = pictures.shape[1:3]
        stream.pix_fmt = pixels
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
