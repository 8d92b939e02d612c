"""What the files of a plant's folder cannot say of themselves, key by key."""

from __future__ import annotations

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from bench.data.windows import WindowSpec
from models.registry import param

Names = tuple[str, ...]
Box = tuple[int, ...]


@dataclass(frozen=True)
class Csv:
    """How the CSV files are written; Parquet files need none of it."""

    separator: str = param(",", help="between two fields")
    decimal: str = param(".", choices=(".", ","), help="decimal mark")
    encoding: str = param("utf-8-sig", help="e.g. gbk, utf-16, latin-1")
    times: str | None = param(None, help="format of wall-clock times that are not ISO 8601")


@dataclass(frozen=True)
class Current:
    """Which columns hold the current, and what is done about its clock.

    Without ``rate`` the samples must be evenly spaced and are taken as they are. With it they are
    put on an even clock: a bin of ``1 / rate`` seconds becomes one sample, an empty bin repeats the
    sample before it for up to ``gap`` seconds, and a longer hole breaks the recording.
    """

    time: str = param("time", help="column of the times")
    columns: Names = param((), help="the phases; every other column if not given")
    rate: float | None = param(None, low=1e-3, high=1e6, help="samples per second of an even clock, Hz")
    by: str = param("mean", choices=("mean", "rms", "last"), help="how the samples of a bin become one")
    gap: float | None = param(None, low=0.0, help="longest hole that is bridged, s; with rate only")
    stamp: float | None = param(
        None, low=1e-3, high=60.0, help="resolution of the times, s: rows of one stamp are spread over it"
    )


@dataclass(frozen=True)
class Video:
    """When the pictures were taken, and what is looked at of them."""

    start: str | None = param(None, help="time of the first picture, on the clock of the current")
    offset: float | None = param(None, help="seconds from the first current sample to the first picture")
    fps: float | None = param(
        None, low=1e-4, high=1e5, help="pictures per second, where the file does not tell or tells wrongly"
    )
    rate: float | None = param(None, low=1e-4, high=1e4, help="pictures per second of an even clock, Hz")
    gap: float | None = param(None, low=0.0, help="longest hole that is bridged, s; with rate only")
    camera: str = param("", help="NAME of video-NAME.*, unless a study says")
    crop: Box = param((), help="left, top, width and height of what is looked at, pixels")
    side: int = param(128, low=4, high=4096, help="larger pictures are averaged in whole blocks to this")
    grey: bool = param(False, help="whether colours are given up")


@dataclass(frozen=True)
class Labels:
    """How the intervals of ``labels.csv`` are read."""

    begin: str = param("begin", help="column of the times at which intervals begin")
    end: str = param("end", help="column of the times at which they end")
    kind: str = param("class", help="column of their class; without it every interval is abnormal")
    abnormal: Names = param(("abnormal", "1"), help="classes that are abnormal")
    normal: Names = param(("normal", "0"), help="classes that are normal")
    clock: str = param(
        "current", choices=("current", "video"), help="video: seconds or [h:]mm:ss since the first picture"
    )


@dataclass(frozen=True)
class Metadata:
    """Which columns of ``metadata.csv`` are process metadata."""

    time: str = param("time", help="column of the times")
    columns: Names = param((), help="what is kept; every other column if not given")


@dataclass(frozen=True)
class Plain:
    """The keys that hold a plain value."""

    name: str = param("", help="what reports call the data")
    time_zone: str | None = param(None, help="of wall-clock times that carry none, e.g. Asia/Shanghai")
    simulated: str = param("", help="what made the recordings, if they are not a plant's")
    lead: float = param(0.0, help="seconds by which the current precedes the video, unless a study says")
    group: str = param("", help="recordings of one group are never divided by a split; recording.yaml only")
    fold: int = param(-1, low=-1, help="fold of a protocol of your own; recording.yaml only")


@dataclass(frozen=True)
class Settings(Plain):
    """All of it. Whatever is not said has its default."""

    windows: WindowSpec = field(default_factory=WindowSpec)
    csv: Csv = field(default_factory=Csv)
    current: Current = field(default_factory=Current)
    video: Video = field(default_factory=Video)
    labels: Labels = field(default_factory=Labels)
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def zone(self) -> ZoneInfo | None:
        """The time zone of wall-clock times that carry none."""
        return ZoneInfo(self.time_zone) if self.time_zone else None
