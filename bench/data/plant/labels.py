"""Intervals of what was abnormal on video, and the label of every picture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.data.plant.clock import Times, named, read_times, require_one_clock
from bench.data.plant.settings import Settings
from bench.data.plant.table import read_table
from models.errors import InvalidRequest

Floats = NDArray[np.float64]
#: A player shows 61:05 where it has no hours, but neither 1:61:05 nor 01:70.
_PLAYED = r"(?:(\d+):(?=[0-5]?\d:))?(\d+):([0-5]?\d(?:\.\d+)?)"


@dataclass(frozen=True)
class Intervals:
    """Labelled intervals of one recording, in the order of the file; seconds.

    Attributes:
        path: the file.
        begin, end: ``(intervals,)``, second 0 = first sample of the current.
        abnormal: ``(intervals,)`` whether each is abnormal.
    """

    path: Path
    begin: Floats
    end: Floats
    abnormal: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.begin)

    def overlaps(self) -> int:
        """Return how many abnormal intervals begin before an earlier one has ended."""
        order = np.argsort(self.begin[self.abnormal], kind="stable")
        begin, end = self.begin[self.abnormal][order], self.end[self.abnormal][order]
        return int((begin[1:] < np.maximum.accumulate(end)[:-1]).sum()) if len(begin) else 0

    def outside(self, start: float, end: float) -> tuple[int, int]:
        """Return how many reach beyond ``start`` ... ``end``, and how many lie wholly beyond."""
        wholly = (self.end <= start) | (self.begin >= end)
        partly = (self.begin < start) | (self.end > end)
        return int((partly & ~wholly).sum()), int(wholly.sum())

    def label(self, start: float, rate: float, count: int) -> NDArray[np.int64]:
        """Return ``(ticks,)``: 1 where the middle of a tick lies in an abnormal interval, else 0."""
        edges = np.zeros(count + 1, dtype=np.int64)
        for sign, moments in ((1, self.begin[self.abnormal]), (-1, self.end[self.abnormal])):
            # The first tick whose middle lies at or after the moment.
            tick = np.ceil((moments - start) * rate - 0.5 - 1e-6).clip(0, count).astype(np.int64)
            np.add.at(edges, tick, sign)
        return (np.cumsum(edges[:-1]) > 0).astype(np.int64)


def read_labels(path: Path, settings: Settings, zero: Times, beside: str, video_start: float) -> Intervals:
    """Read the labelled intervals of one recording; a table with only its header says: nothing abnormal.

    Args:
        path: ``labels.csv``.
        settings: its columns, classes and clock.
        zero: times whose first moment is second 0.
        beside: what to call the file of ``zero`` in an error.
        video_start: second of the first picture, for times that count from there.

    Raises:
        InvalidRequest: an interval without a whole begin and end, that ends before it begins, of a class
            that nobody has called abnormal or normal, or two that contradict each other.
    """
    said = settings.labels
    table = read_table(path, settings.csv, (said.begin, said.end))
    if not len(table):
        none = np.empty(0)
        return Intervals(path, none, none, np.empty(0, dtype=bool))
    begin, end = (
        _played(table[name], named(path, name)) + video_start
        if said.clock == "video"
        else _on_the_clock(table[name], settings, zero, named(path, name), beside)
        for name in (said.begin, said.end)
    )
    wrong = np.flatnonzero(end <= begin)
    if len(wrong):
        row = int(wrong[0])
        raise InvalidRequest(
            f"{path}: an interval must end after it begins, but the one in row {row} lasts "
            f"{end[row] - begin[row]:g} s; correct it"
        )
    found = Intervals(path, begin, end, _abnormal(table, settings, path))
    _require_agreement(found)
    return found


def _on_the_clock(column: pd.Series, settings: Settings, zero: Times, where: str, beside: str) -> Floats:
    times = read_times(column, settings, where)
    require_one_clock(times, zero, where, beside)
    return times.since(zero)


def _played(column: pd.Series, where: str) -> Floats:
    """Seconds since the first picture, as a number or as a player shows them: ``[h:]mm:ss``."""
    found = np.empty(len(column))
    for row, cell in enumerate(column.astype(str).str.strip()):
        shown = re.fullmatch(_PLAYED, cell)
        number = re.fullmatch(r"\d+(?:\.\d+)?", cell)
        if not shown and not number:
            raise InvalidRequest(
                f"{where} must hold seconds or [h:]mm:ss (ss below 60) since the first picture, but row "
                f"{row} has {cell[:40]!r}; rewrite it, or leave out labels: {{clock: video}}"
            )
        hours, minutes, seconds = shown.groups("0") if shown else ("0", "0", cell)
        found[row] = 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    return found


def _abnormal(table: pd.DataFrame, settings: Settings, path: Path) -> NDArray[np.bool_]:
    said = settings.labels
    if said.kind not in table.columns:
        return np.ones(len(table), dtype=bool)
    kinds = [_name(cell) for cell in table[said.kind]]
    for row, kind in enumerate(kinds):
        if kind not in (*said.abnormal, *said.normal):
            raise InvalidRequest(
                f"{path}: row {row} has the class {kind!r}, and nothing says whether it is abnormal; say "
                f"labels: {{abnormal: [...], normal: [...]}} in plant.yaml"
            )
    return np.array([kind in said.abnormal for kind in kinds])


def _name(cell: Any) -> str:
    """Return a class as text: a column of 1 and an empty cell is read as 1.0 and NaN."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if pd.isna(cell) else str(cell).strip()


def _require_agreement(found: Intervals) -> None:
    for row in np.flatnonzero(~found.abnormal):
        clash = found.abnormal & (found.begin < found.end[row]) & (found.end > found.begin[row])
        if clash.any():
            raise InvalidRequest(
                f"{found.path}: the normal interval in row {row} overlaps the abnormal one in row "
                f"{int(np.flatnonzero(clash)[0])}; correct one of them"
            )
