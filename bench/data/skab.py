"""Skoltech Anomaly Benchmark: the supply of a pump against its mechanics and flow (real data)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.data.recording import Recording, Signal, frames_of
from bench.data.source import Floats, Source
from bench.data.split import SplitSpec
from bench.data.statistics import VERSION as STATISTICS_VERSION
from bench.data.statistics import channel_statistics
from bench.data.tables import fingerprint, folder_with, read_numbers, require_columns
from bench.data.windows import WindowSpec
from models.errors import InvalidRequest
from models.registry import component, param

VERSION = 1
RATE = 1.0
FOLDERS = ("other", "valve1", "valve2")
CURRENT = ("Current", "Voltage")
VIDEO = (
    "Accelerometer1RMS",
    "Accelerometer2RMS",
    "Pressure",
    "Temperature",
    "Thermocouple",
    "Volume Flow RateRMS",
)
# The published protocol calls these rows of each file normal and scores the rest.
REFERENCE = 400
# No sensor of the test bench reads a thousandth of this.
LIMIT = 1e6
FOLDS = 5
# Longest time step that still counts as regular sampling, s; the nominal one is 1 s.
GAP = 5.0


@dataclass(frozen=True)
class SkabParameters:
    """How the channels are scaled and what happens where the log has a gap."""

    reference: str = param(
        "first400", choices=("first400", "none"), help="rows of each file that scale its channels"
    )
    gaps: str = param(
        "ignore", choices=("ignore", "break"), help="run across time steps over 5 s, or break there"
    )


@component("dataset", "skab", parameters=SkabParameters, origin="Katser & Kozitsin, SKAB, Kaggle 2020")
class Skab(Source):
    """Pump test bench with induced faults: current and voltage (weak) against six other channels.

    A negative control: the electrical channels carry no usable sign of the faults, so an honest
    method ends at chance. Time is the row index at 1 Hz, as in the published protocol (the true
    period is about 1.05 s); windows that end in the first 400 rows of a file serve for training
    only. Faults begin near row 570 in most files, so a clock alone beats the published scores.

    Source: I. D. Katser, V. O. Kozitsin, *Skoltech Anomaly Benchmark*, Kaggle 2020,
    doi:10.34740/KAGGLE/DSV/1693952.
    """

    title = "SKAB (real)"
    windows = WindowSpec(
        current_seconds=60.0,
        current_steps=12,
        video_seconds=60.0,
        video_steps=12,
        stride=5.0,
        margin=0.0,
        label="last",
    )
    split = SplitSpec(by="fold", validation=0.0)

    def __init__(self, parameters: SkabParameters, path: Path | str | None):
        """Find the files and check their headers.

        Args:
            parameters: scaling and gaps.
            path: the folder that holds ``other``, ``valve1`` and ``valve2``, or its parent if that
                one holds ``data``.

        Raises:
            InvalidRequest: no such folder, no file in it, or a missing column.
        """
        self.parameters = parameters
        folder = folder_with(path, ["data"], "skab")
        self.files = tuple(
            found
            for name in FOLDERS
            for found in sorted(
                (p for p in (folder / name).glob("*.csv") if p.stem.isdecimal()), key=lambda p: int(p.stem)
            )
        )
        if not self.files:
            raise InvalidRequest(
                f"dataset.path of skab must hold numbered CSV files in {', '.join(FOLDERS)}, but "
                f"{str(folder)!r} has none; unpack the data there"
            )
        for file in self.files:
            require_columns(file, ("datetime", *CURRENT, *VIDEO, "anomaly"), ";")
        self.folds = tuple(range(min(FOLDS, len(self.files))))
        self.count = len(self.files)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether a folder, or ``data`` in it, holds the folders of the benchmark."""
        return any(all((place / name).is_dir() for name in FOLDERS) for place in (path, path / "data"))

    @cached_property
    def _hash(self) -> str:
        versions = [VERSION, STATISTICS_VERSION]
        return fingerprint(self.files, source="skab", versions=versions, parameters=asdict(self.parameters))

    def fingerprint(self) -> str:
        """Return a hash of the bytes of the files, the parameters and the loader's version."""
        return self._hash

    def recordings(self) -> Iterator[Recording]:
        """Yield one recording a file (or one a stretch between gaps), on the clock of its rows."""
        for position, file in enumerate(self.files):
            values = read_numbers(file, (*CURRENT, *VIDEO, "anomaly"), ";", limit=LIMIT)
            channels, label = values[:, :-1], values[:, -1]
            if not np.isin(label, (0.0, 1.0)).all():
                row = int(np.flatnonzero(~np.isin(label, (0.0, 1.0)))[0])
                raise InvalidRequest(
                    f"{file} must mark anomalies by 0 or 1, but column 'anomaly' has {label[row]:g} in row "
                    f"{row}; repair the file"
                )
            if self.parameters.reference == "first400":
                channels = _standardised(channels, file)
            name = f"{file.parent.name}/{file.stem}"
            stretches = self._stretches(file, len(label))
            for part, (first, last) in enumerate(stretches):
                yield Recording(
                    name=name if len(stretches) == 1 else f"{name}.{part}",
                    group=name,
                    current=Signal(channels[first:last, : len(CURRENT)], RATE, first / RATE),
                    video=Signal(channels[first:last, len(CURRENT) :], RATE, first / RATE),
                    label=Signal(label[first:last], RATE, first / RATE),
                    fold=position % FOLDS,
                    scored_from=(REFERENCE + 1) / RATE,
                )

    def _stretches(self, file: Path, rows: int) -> list[tuple[int, int]]:
        """First and one past last row of each stretch without a gap."""
        if self.parameters.gaps == "ignore":
            return [(0, rows)]
        stamps = pd.to_datetime(pd.read_csv(file, sep=";", usecols=["datetime"])["datetime"], errors="coerce")
        if stamps.isna().any():
            row = int(np.flatnonzero(stamps.isna())[0])
            raise InvalidRequest(
                f"{file} must hold a time in every row to be broken at gaps, but column 'datetime' has none "
                f"in row {row}; repair the file or set gaps: ignore"
            )
        steps = stamps.diff().dt.total_seconds().to_numpy()
        bounds = [0, *np.flatnonzero(steps > GAP).tolist(), rows]
        return list(zip(bounds[:-1], bounds[1:], strict=True))

    def current_features(self, signal: Signal, seconds: float) -> Floats:
        """Return statistics of current and voltage; see :func:`channel_statistics`."""
        return channel_statistics(frames_of(signal, seconds))

    def video_features(self, signal: Signal, seconds: float) -> Floats:
        """Return statistics of the six other channels; see :func:`channel_statistics`."""
        return channel_statistics(frames_of(signal, seconds))


def _standardised(channels: NDArray[np.float64], file: Path) -> NDArray[np.float64]:
    """Subtract the mean and divide by the sd of the reference rows; a constant channel keeps its unit."""
    if len(channels) <= REFERENCE:
        raise InvalidRequest(
            f"{file} must have more than {REFERENCE} rows to be standardised by its first {REFERENCE}, got "
            f"{len(channels)}; leave out the file or set reference: none"
        )
    normal = channels[:REFERENCE]
    sd = normal.std(axis=0)
    scaled: NDArray[np.float64] = (channels - normal.mean(axis=0)) / np.where(sd > 0, sd, 1.0)
    return scaled
