"""The two tables of a batch: stamped currents and stamps of frames. Every error names file, line and cure."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import InvalidRequest

FORMAT = "%Y-%m-%d %H:%M:%S"
WRITTEN = "YYYY-MM-DD HH:MM:SS"
PHASES = 3
#: No arc furnace draws more, A; and one that runs draws far more than the least.
LARGEST, LEAST = 1e5, 100.0
#: No batch lasts longer, s.
LONGEST = 7 * 86400


@dataclass(frozen=True)
class Table:
    """Rows of one file.

    Attributes:
        seconds: ``(rows,)`` whole seconds on the plant's own clock, never decreasing.
        values: ``(rows, columns)`` the numbers beside the stamp; no columns for frames.
    """

    seconds: NDArray[np.int64]
    values: NDArray[np.float64]


def read_currents(path: Path) -> Table:
    """Read stamped phase currents, A.

    Raises:
        InvalidRequest: not a table of a time and three finite currents in every row, in order of time,
            or currents that cannot be in ampere.
    """
    lines, rows = _rows(path, 1 + PHASES, exact=True)
    values = np.array([_numbers(path, line, row[1:]) for line, row in zip(lines, rows, strict=True)])
    require_amperes(path, values)
    return Table(_seconds(path, lines, rows), values)


def require_amperes(path: Path, values: NDArray[np.float64]) -> None:
    """Refuse currents that cannot be in ampere.

    Raises:
        InvalidRequest: most are far too small for an arc.
    """
    if np.median(np.abs(values)) < LEAST:
        raise InvalidRequest(
            f"{path} must hold currents in ampere, but half of them are below {LEAST:g}; multiply by 1000 if "
            "they are in kA"
        )


def read_stamps(path: Path) -> Table:
    """Read the stamps of frames; columns after the first are ignored.

    Raises:
        InvalidRequest: not a table with a time in every row, in order of time.
    """
    lines, rows = _rows(path, 1, exact=False)
    return Table(_seconds(path, lines, rows), np.empty((len(rows), 0)))


def _rows(path: Path, fields: int, *, exact: bool) -> tuple[list[int], list[list[str]]]:
    """Return line numbers (1 = header) and fields of every row below the header; empty lines are skipped."""
    reader = csv.reader(_text(path).splitlines(), quoting=csv.QUOTE_NONE)
    header = [field.strip('"') for field in next(reader, [])]
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        raise InvalidRequest(
            f"{path} must have commas between its fields, but line 1 has {header[0]!r}; export it with commas"
        )
    if header and _second(header[0]) is not None:
        raise InvalidRequest(
            f"{path} must begin with a line of column names, but line 1 is a row already ({header[0]!r}); "
            "add a header line"
        )
    found = [(reader.line_num, [field.strip(' "') for field in row]) for row in reader if any(row)]
    if not found:
        raise InvalidRequest(f"{path} must have rows below its header, but has none; copy the file again")
    for line, row in found:
        if len(row) < fields or (exact and len(row) != fields):
            wanted = f"a time and {fields - 1} currents" if exact else "a time"
            raise InvalidRequest(
                f"{path} must have {wanted} in every row, but line {line} has {len(row)} "
                f"field{'s' * (len(row) != 1)}; repair or remove the line"
            )
    return [line for line, _ in found], [row for _, row in found]


def _text(path: Path) -> str:
    raw = read_bytes(path)
    if not raw:
        raise InvalidRequest(f"{path} must be a table, but is empty (0 bytes); copy the file again")
    if raw[:2] == b"PK" or raw[:4] == b"\xd0\xcf\x11\xe0":
        raise InvalidRequest(
            f"{path} must be a table as text, but is a workbook or an archive; export it as CSV"
        )
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = raw.decode("utf-16", errors="replace")
    else:
        # What is read is digits; names in any other encoding, or in several, do no harm.
        text = raw.decode("utf-8-sig", errors="replace")
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InvalidRequest(
            f"{path} must be text in one encoding, but line {line} holds zero bytes, as UTF-16 has them; "
            "save it as UTF-8"
        )
    return text


def read_bytes(path: Path) -> bytes:
    """Return what a small file holds.

    Raises:
        InvalidRequest: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidRequest(unreadable(path, error)) from None


def unreadable(path: Path, error: OSError) -> str:
    """Return why a file that is named in its folder cannot be opened, and the cure."""
    if path.is_symlink() and not path.exists():
        return f"{path} must be a file, but is a link to what is not there; copy the file itself"
    if path.is_dir():
        return f"{path} must be a file, but is a folder; copy the file in its place"
    return f"{path} must be readable, but is not ({error.strerror}); check its permissions"


def _seconds(path: Path, lines: list[int], rows: list[list[str]]) -> NDArray[np.int64]:
    known: dict[str, int] = {}
    found = np.empty(len(rows), dtype=np.int64)
    for index, (line, row) in enumerate(zip(lines, rows, strict=True)):
        if row[0] not in known:
            second = _second(row[0])
            if second is None:
                raise InvalidRequest(
                    f"{path} must have times as {WRITTEN}, but line {line} has {row[0]!r}; export the full "
                    "time, to the second"
                )
            known[row[0]] = second
        found[index] = known[row[0]]
    back = np.flatnonzero(np.diff(found) < 0)
    if len(back):
        at = int(back[0]) + 1
        raise InvalidRequest(
            f"{path} must be in order of time, but line {lines[at]} ({rows[at][0]}) is earlier than the "
            f"one before ({rows[at - 1][0]}); sort the rows, or cut the batch in two there"
        )
    if found[0] == found[-1]:
        raise InvalidRequest(
            f"{path} must have rows of more than one second, but every row is stamped {rows[0][0]}; "
            "export the time of each"
        )
    if found[-1] - found[0] > LONGEST:
        at = int(np.diff(found).argmax()) + 1
        raise InvalidRequest(
            f"{path} must be one batch of at most {LONGEST // 86400} days, but jumps to {rows[at][0]} in "
            f"line {lines[at]}; repair the date, or cut the batch in two there"
        )
    return found


def _second(text: str) -> int | None:
    try:
        return round(datetime.strptime(text.strip(), FORMAT).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _numbers(path: Path, line: int, fields: list[str]) -> list[float]:
    found = []
    for phase, field in zip("ABC", fields, strict=True):
        try:
            value = float(field)
        except ValueError:
            value = math.nan
        if not -LARGEST <= value <= LARGEST:
            raise InvalidRequest(
                f"{path} must hold finite currents of at most {LARGEST:g} A, but phase {phase} in line "
                f"{line} is {field.strip() or 'empty'!r}; repair the value or remove the line"
            )
        found.append(value)
    return found


def written(second: int) -> str:
    """Return a second as the tables write it.

    >>> written(1683754407)
    '2023-05-10 21:33:27'
    """
    return datetime.fromtimestamp(second, tz=UTC).strftime(FORMAT)
