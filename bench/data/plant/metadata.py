"""Process metadata, such as a set-point, on the clock of the current."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.data.plant.clock import Times, named, read_times, require_one_clock
from bench.data.plant.even import Stretch, require_order
from bench.data.plant.settings import Settings
from bench.data.plant.table import numbers, read_table
from bench.data.recording import Signal
from models.errors import InvalidRequest


@dataclass(frozen=True)
class Metadata:
    """Values as they were logged: ``times`` ``(rows,)`` s, ``values`` ``(rows, columns)``."""

    path: Path
    times: NDArray[np.float64]
    values: NDArray[np.float64]

    def signal(self, stretch: Stretch) -> Signal:
        """Return for each tick the latest values that were logged when it began.

        Raises:
            InvalidRequest: nothing was logged by then.
        """
        moments = stretch.start + np.arange(len(stretch)) / stretch.rate
        row = np.searchsorted(self.times, moments + 1e-6, side="right") - 1
        if row[0] < 0:
            raise InvalidRequest(
                f"{self.path} must begin no later than the current, but begins {self.times[0]:.6g} s into "
                "it; add a row with the values that held before"
            )
        return Signal(self.values[row], stretch.rate, stretch.start)


def columns_of(header: tuple[str, ...], settings: Settings) -> tuple[str, ...]:
    """Return the names of the metadata, in the order of the file."""
    said = settings.metadata
    return said.columns or tuple(name for name in header if name != said.time)


def read_metadata(
    path: Path, columns: tuple[str, ...], settings: Settings, zero: Times, beside: str
) -> Metadata:
    """Read the metadata of one recording; an empty cell says that the value has not changed.

    Raises:
        InvalidRequest: no table, no rising clock, a column that is missing or not a number.
    """
    said = settings.metadata
    table = read_table(path, settings.csv, (said.time, *columns)).reset_index(drop=True)
    if not len(table):
        raise InvalidRequest(f"{path} must hold values, but has only its header; fill it or leave it out")
    times = read_times(table[said.time], settings, named(path, said.time))
    require_one_clock(times, zero, str(path), beside)
    seconds = times.since(zero)
    require_order(seconds, named(path, said.time))
    values = numbers(table, columns, path)
    # The latest row that had a value; the first row must have one.
    seen = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))[:, None]), axis=0)
    filled = np.take_along_axis(values, seen, axis=0)
    if np.isnan(filled).any():
        column = columns[int(np.flatnonzero(np.isnan(filled).any(axis=0))[0])]
        raise InvalidRequest(f"{path}: column {column!r} must have a value in its first row; add it")
    return Metadata(path, seconds, filled)
