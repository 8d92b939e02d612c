"""Films (MP4, AVI, MKV, MJPEG, ...), decoded by FFmpeg through PyAV as far as they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from models.errors import InvalidRequest

#: A stream of pictures without a container has no clock.
CLOCKLESS = (".mjpeg", ".mjpg")
#: From this many pictures ahead on, jumping to a key frame is faster than decoding up to it.
FAR = 300


class Movie:
    """Pictures of a film; see :class:`bench.data.plant.pictures.Reader`.

    The file is opened twice: once to read when its pictures are shown, which decodes nothing, and again
    when the first picture is asked for.

    Raises:
        InvalidRequest: the file is no film, holds no picture, or one of them cannot be decoded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamps, named, base, size = _scan(path)
        self.count = len(self._stamps)
        self.shape = (size[1], size[0], 3)
        clock = len(set(self._stamps)) == self.count and path.suffix.lower() not in CLOCKLESS
        #: Whether a decoded picture tells its own time, so that its number is known after a jump.
        self._exact = clock and named
        stamps = np.array(self._stamps, dtype=np.float64) * base
        self.times: NDArray[np.float64] | None = stamps - stamps[0] if clock else None
        self._place = {stamp: place for place, stamp in enumerate(self._stamps)}
        self._container: Any = None
        self._frames: Iterator[Any] = iter(())
        self._at = -1
        self._frame: Any = None

    def pictures(self, wanted: Iterable[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield pictures by number; see :class:`bench.data.plant.pictures.Reader`."""
        for number in wanted:
            self._go_to(number)
            picture = self._frame.to_ndarray(format="rgb24")
            if picture.shape != self.shape:
                raise InvalidRequest(
                    f"{self.path}: picture {number} has another size than the first one; cut the film there"
                )
            yield picture

    def _go_to(self, number: int) -> None:
        if self._container is None or number < self._at:
            self._open()
        if self._exact and number > self._at + FAR:
            self._jump(number)
        while self._at < number:
            self._step(number)

    def _open(self) -> None:
        self.close()
        self._container = av.open(str(self.path))
        self._container.streams.video[0].thread_type = "AUTO"
        self._frames, self._at = self._container.decode(video=0), -1

    def _jump(self, number: int) -> None:
        """Go on from the key frame before a picture; from the start where the file leads astray."""
        stream = self._container.streams.video[0]
        try:
            self._container.seek(self._stamps[number], stream=stream)
            self._frames, self._at = self._container.decode(video=0), -1
            self._step(number)
        except (av.FFmpegError, InvalidRequest):
            self._open()
        if self._at > number:
            self._open()

    def _step(self, number: int) -> None:
        try:
            frame = next(self._frames, None)
        except av.FFmpegError as error:
            raise self._broken(number, str(error)) from None
        if frame is None:
            raise self._broken(number, "the film ends before it")
        self._frame = frame
        self._at = self._place.get(frame.pts, self._at + 1) if self._exact else self._at + 1

    def _broken(self, number: int, reason: str) -> InvalidRequest:
        return InvalidRequest(
            f"{self.path}: picture {number} of {self.count} cannot be decoded ({reason.split(':')[0][:80]}); "
            "copy the film again, or cut it before that picture"
        )

    def close(self) -> None:
        """Close the file; asking for a picture opens it again."""
        if self._container is not None:
            self._container.close()
        self._container = None


def _scan(path: Path) -> tuple[list[int], bool, float, tuple[int, int]]:
    """Return when each picture is shown, whether it says so itself, the time base (s), width and height."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InvalidRequest(f"{path} must hold a video stream, and has none; replace the file")
            stream = container.streams.video[0]
            told = [
                (packet.pts, packet.dts)
                for packet in container.demux(stream)
                if packet.size and not packet.is_discard
            ]
            size = (stream.codec_context.width, stream.codec_context.height)
            base = float(stream.time_base or 1)
    except (av.FFmpegError, OSError) as error:
        reason = str(error).split(": '")[0][:80]
        raise InvalidRequest(
            f"{path} must be a film that FFmpeg can read ({reason}); copy it again or convert it"
        ) from None
    if not told or not all(size):
        raise InvalidRequest(f"{path} must hold pictures, and has none; copy it again")
    shown = [pts for pts, _ in told if pts is not None]
    if len(shown) == len(told):
        return sorted(shown), True, base, size
    # Some AVI files tell the order of decoding only; they hold no pictures out of order.
    decoded = [dts for _, dts in told if dts is not None]
    return sorted(decoded) if len(decoded) == len(told) else [0] * len(told), False, base, size
