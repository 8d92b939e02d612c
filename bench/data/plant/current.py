"""The current of one recording: its table, its clock, and its samples on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.data.plant.clock import Times, named, read_times
from bench.data.plant.even import Stretch, as_recorded, require_order, resampled, spread
from bench.data.plant.settings import Settings
from bench.data.plant.table import numbers, read_table
from bench.data.recording import Signal
from models.errors import InvalidRequest

#: Columns of these names are what a method is to find out, not what it may look at.
ANSWERS = {"label", "labels", "class", "abnormal", "anomaly", "target", "fault"}


@dataclass(frozen=True)
class Current:
    """Currents of one recording as they were logged, and the even clock they are put on.

    Attributes:
        path: the file.
        columns: names of the phases.
        clock: when the samples were taken; second 0 of the recording is the first of them.
        values: ``(samples, phases)`` in the units of the file; rows with an empty cell are left out.
        stretches: the even clock, a stretch between two holes.
        empty: rows that were left out.
    """

    path: Path
    columns: tuple[str, ...]
    clock: Times
    values: NDArray[np.float64]
    stretches: tuple[Stretch, ...]
    empty: int
    by: str

    def signal(self, stretch: Stretch) -> Signal:
        """Return the samples of one stretch, ``(ticks, phases)`` float32."""
        return Signal(joined(self.values, stretch, self.by).astype(np.float32), stretch.rate, stretch.start)


def phases(header: Iterable[str], settings: Settings, path: Path) -> tuple[str, ...]:
    """Return the columns that hold the current.

    Raises:
        InvalidRequest: there is none, or one is called like an answer and was not asked for by name.
    """
    said = settings.current
    if said.columns:
        return said.columns
    others = tuple(name for name in header if name != said.time)
    answers = [name for name in others if name.lower() in ANSWERS]
    if answers:
        raise InvalidRequest(
            f"{path}: column {answers[0]!r} looks like a label, which must not be among the currents; name "
            "the phases in plant.yaml, current: {columns: [...]}"
        )
    if not others:
        raise InvalidRequest(f"{path} must have a column for each phase beside {said.time!r}, and has none")
    return others


def read_current(path: Path, settings: Settings) -> Current:
    """Read the current of one recording.

    Raises:
        InvalidRequest: no table, no rising clock, no number, or samples that are not evenly spaced
            where no rate is asked for.
    """
    said = settings.current
    table = read_table(path, settings.csv, (said.time, *said.columns))
    columns = phases(table.columns, settings, path)
    if not len(table):
        raise InvalidRequest(f"{path} must hold samples, but has only its header; copy it again")
    clock = read_times(table[said.time], settings, named(path, said.time))
    seconds = clock.since(clock)
    if said.stamp is not None:
        seconds = spread(seconds, said.stamp)
    require_order(seconds, named(path, said.time))
    values = numbers(table, columns, path)
    whole = np.isfinite(values).all(axis=1)
    if whole.sum() < 2:
        raise InvalidRequest(
            f"{path} must hold at least two whole rows, got {int(whole.sum())}; leave it out"
        )
    seconds, values = seconds[whole], values[whole]
    stretches = (
        as_recorded(seconds, str(path), "current: {rate: ...}")
        if said.rate is None
        else resampled(seconds, said.rate, said.gap, f"{path}, current.rate")
    )
    return Current(path, columns, clock, values, tuple(stretches), int((~whole).sum()), said.by)


def joined(values: NDArray[np.float64], stretch: Stretch, by: str) -> NDArray[np.float64]:
    """Return ``(ticks, channels)``: the samples of each tick as one, by ``mean``, ``rms`` or ``last``."""
    if by == "last":
        return values[stretch.stop - 1]
    new = np.diff(stretch.first, prepend=-1) != 0
    begin, place = stretch.first[new], np.cumsum(new) - 1
    inside = values[: int(stretch.stop.max())]
    inside = inside**2 if by == "rms" else inside
    # Ticks that are held share their samples with the tick they repeat; each sample is added once.
    total = np.add.reduceat(inside, begin, axis=0)[place]
    mean: NDArray[np.float64] = total / (stretch.stop - stretch.first)[:, None]
    return np.sqrt(mean) if by == "rms" else mean
