"""Times as plants write them: seconds, or a clock on the wall; both become whole nanoseconds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.data.plant.settings import Settings
from models.errors import InvalidRequest

Ints = NDArray[np.int64]
SECOND = 1_000_000_000
#: Nobody's batch lies 300 years after second 0; milliseconds since 1970 do.
LARGEST = 9.0e9
_ZONED = r"(?:[Zz]|[+-]\d\d:?\d\d)$"


@dataclass(frozen=True)
class Times:
    """Moments of one file.

    Attributes:
        ns: ``(rows,)`` nanoseconds since 1970 (UTC) of a clock on the wall, or since second 0.
        wall: whether it is a clock on the wall.
        zoned: whether its zone is known, from the times themselves or from ``time_zone``.
    """

    ns: Ints
    wall: bool
    zoned: bool = False

    def since(self, zero: Times) -> NDArray[np.float64]:
        """Return seconds since the first moment of ``zero``; :func:`require_one_clock` comes first."""
        return np.asarray((self.ns - zero.ns[0]) / SECOND, dtype=np.float64)


def require_one_clock(one: Times, other: Times, where: str, beside: str) -> None:
    """Refuse two files whose times cannot be compared.

    Raises:
        InvalidRequest: one counts seconds and the other reads a clock on the wall, or only one
            of the two says in which zone.
    """
    if one.wall != other.wall:
        kinds = [("wall-clock times" if each.wall else "seconds") for each in (one, other)]
        raise InvalidRequest(
            f"{where} holds {kinds[0]} and {beside} {kinds[1]}; write both on the same clock"
        )
    if one.zoned != other.zoned:
        without = beside if one.zoned else where
        raise InvalidRequest(
            f"the times of {without} carry no time zone while others do; say time_zone: in plant.yaml"
        )


def read_times(column: pd.Series, settings: Settings, where: str) -> Times:
    """Read a column of times: numbers are seconds, text is a clock on the wall (ISO 8601 or ``csv.times``).

    Raises:
        InvalidRequest: a cell is empty or no time, only some carry a zone, an hour that the zone skips
            or repeats, or numbers that cannot be seconds, with the row; or ``csv.times`` is no format.
    """
    empty = np.flatnonzero(column.isna().to_numpy())
    if len(empty):
        raise InvalidRequest(f"{where} must hold a time in every row, but row {empty[0]} has none; add it")
    if isinstance(column.dtype, pd.DatetimeTZDtype) or pd.api.types.is_datetime64_any_dtype(column.dtype):
        return _wall(column, settings, where)
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return _seconds(column, where)
    text = column.astype(str).str.strip()
    zoned = text.str.contains(_ZONED).to_numpy(dtype=bool) & (settings.csv.times is None)
    if zoned.any() and not zoned.all():
        row = int(np.flatnonzero(zoned != zoned[0])[0])
        raise InvalidRequest(
            f"{where} must carry a time zone in every row or in none, but row {row} differs from row 0; "
            "write them alike"
        )
    how = settings.csv.times or "ISO8601"
    moments = _moments(text, how, utc=bool(zoned.any()) or "%z" in how, where=where)
    wrong = np.flatnonzero(moments.isna().to_numpy())
    if len(wrong):
        # Among numbers, it is the word that is wrong.
        words = wrong[pd.to_numeric(text.iloc[wrong], errors="coerce").isna().to_numpy()]
        wrong = words if len(words) else wrong
        raise InvalidRequest(
            f"{where} must hold seconds or times like 2026-03-01T08:00:00.5+08:00, but row {wrong[0]} has "
            f"{text.iloc[wrong[0]][:40]!r}; rewrite it, or say csv: {{times: '%d.%m.%Y %H:%M:%S'}}"
        )
    return _wall(moments, settings, where)


def _moments(text: pd.Series, how: str, *, utc: bool, where: str) -> pd.Series:
    try:
        return pd.to_datetime(text, format=how, errors="coerce", utc=utc)
    except ValueError as error:  # of the format; times that do not fit it are coerced
        raise InvalidRequest(
            f"{where} cannot be read by the format csv.times, {how!r} ({' '.join(str(error).split())[:80]}); "
            "correct it in plant.yaml, e.g. csv: {times: '%d.%m.%Y %H:%M:%S'}"
        ) from None


def one_time(text: str, settings: Settings, where: str) -> Times:
    """Read a single time as ``plant.yaml`` gives it."""
    column = pd.Series([text])
    number = pd.to_numeric(column, errors="coerce")
    return read_times(column if number.isna().any() else number, settings, where)


def named(path: Path, column: str) -> str:
    """Return how a column of times is called in a sentence."""
    return f"{path}, column {column!r},"


def _seconds(column: pd.Series, where: str) -> Times:
    seconds = column.to_numpy(dtype=np.float64)
    wrong = np.flatnonzero(~(np.abs(seconds) <= LARGEST))
    if len(wrong):
        raise InvalidRequest(
            f"{where} must hold seconds, but row {wrong[0]} has {seconds[wrong[0]]:.12g}; divide "
            "milliseconds by 1000, or write ISO 8601"
        )
    return Times(np.rint(seconds * SECOND).astype(np.int64), wall=False)


def _wall(moments: pd.Series, settings: Settings, where: str) -> Times:
    zoned = isinstance(moments.dtype, pd.DatetimeTZDtype) or settings.zone is not None
    try:
        if not isinstance(moments.dtype, pd.DatetimeTZDtype):
            moments = moments.dt.tz_localize(settings.zone or "UTC")
        ns = moments.dt.as_unit("ns").astype("int64").to_numpy()
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(
            f"{where} holds a time that {settings.time_zone or 'the calendar'} skips or repeats "
            f"({' '.join(str(error).split())[:80]}); write times with their zone, like 08:00:00+08:00"
        ) from None
    return Times(np.asarray(ns, dtype=np.int64), wall=True, zoned=zoned)
