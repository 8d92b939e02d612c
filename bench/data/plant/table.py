"""Tables of a plant, CSV or Parquet: what is no table, no number or no column is told by its place."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.data.plant.settings import Csv
from models.errors import InvalidRequest, unknown

KINDS = (".csv", ".parquet")
#: Larger numbers are broken bytes; no unit makes a current of them.
LARGEST = 1e12
#: How an archive begins, which an .xlsx is, and how an older workbook does.
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
#: What pandas raises for what is not the table it was told to read; Arrow's errors are ValueErrors.
_BROKEN = (
    pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning, ValueError, OSError, KeyError,
)  # fmt: skip


def read_table(path: Path, csv: Csv, needed: Sequence[str]) -> pd.DataFrame:
    """Return the whole table; its header has the columns ``needed``.

    Raises:
        InvalidRequest: the file is empty, a workbook or no table, is encoded or separated otherwise than
            ``plant.yaml`` says, repeats a column, or lacks one.
    """
    header(path, csv, needed)
    return _parquet(path, csv) if path.suffix == ".parquet" else _csv(path, csv)


def header(path: Path, csv: Csv, needed: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns, reading little else.

    Raises:
        InvalidRequest: as :func:`read_table`.
    """
    with path.open("rb") as file:
        begin = file.read(4)
    if not begin:
        raise InvalidRequest(f"{path} must be a table, but is an empty file; copy it again")
    if begin in WORKBOOKS:
        raise InvalidRequest(
            f"{path} must be a table as text, but is a workbook or an archive; export it as CSV"
        )
    names = list(_parquet(path, csv).columns) if path.suffix == ".parquet" else _names(path, csv)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidRequest(f"{path} has the column {twice!r} twice; rename one of them")
    for name in needed:
        if name not in names:
            raise _missing(path, name, names, csv)
    return tuple(names)


def _names(path: Path, csv: Csv) -> list[str]:
    with _told(path, csv):
        first = pd.read_csv(
            path, sep=csv.separator, encoding=csv.encoding, nrows=1, header=None, dtype=str,
            keep_default_na=False,
        )  # fmt: skip
    return [str(name).strip() for name in first.iloc[0]]


@contextmanager
def _told(path: Path, csv: Csv) -> Iterator[None]:
    """Tell what is no table in one sentence."""
    try:
        with warnings.catch_warnings():
            # A row with more fields than the header has names would be cut off.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            yield
    except UnicodeError:
        raise InvalidRequest(
            f"{path} is not written in {csv.encoding.removesuffix('-sig')}; say which encoding it is in "
            f"plant.yaml, e.g. csv: {{encoding: gbk}}, or replace the file if it is no CSV"
        ) from None
    except _BROKEN as error:
        reason = (" ".join(str(error).split()) or type(error).__name__)[:120].rstrip(".")
        raise InvalidRequest(f"{path} must be a table ({reason}); replace the file") from None


def _csv(path: Path, csv: Csv) -> pd.DataFrame:
    names = _names(path, csv)
    with _told(path, csv):
        table = pd.read_csv(
            path, sep=csv.separator, decimal=csv.decimal, encoding=csv.encoding, header=None, skiprows=1,
            names=range(len(names)), index_col=False, low_memory=False, skipinitialspace=True,
        )  # fmt: skip
    table.columns = pd.Index(names)
    return table


def _parquet(path: Path, csv: Csv) -> pd.DataFrame:
    with _told(path, csv):
        table = pd.read_parquet(path)
    table = table.reset_index() if table.index.name else table
    return table.rename(columns=lambda name: str(name).strip())


def _missing(path: Path, name: str, columns: list[str], csv: Csv) -> InvalidRequest:
    said = str(unknown("column", name, columns))
    other = next((mark for mark in ";\t|," if mark != csv.separator and mark in "".join(columns)), None)
    if len(columns) == 1 and other and path.suffix == ".csv":
        return InvalidRequest(
            f"{path} is separated by {other!r}, not by {csv.separator!r}; say csv: {{separator: {other!r}}} "
            "in plant.yaml"
        )
    return InvalidRequest(f"{path}: {said}; rename the column or name it in plant.yaml")


def numbers(table: pd.DataFrame, columns: Sequence[str], path: Path) -> NDArray[np.float64]:
    """Return ``(rows, columns)``; NaN where a cell is empty.

    An empty cell is a sample that is missing, which plants' loggers write; a word is a mistake.

    Raises:
        InvalidRequest: a cell holds text or a number that no sensor writes, or a column nothing at all;
            with column and row (0 = first below the header).
    """
    found = np.empty((len(table), len(columns)))
    for place, name in enumerate(columns):
        cells = table[name]
        values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        wrong = np.flatnonzero((np.isnan(values) & cells.notna().to_numpy()) | (np.abs(values) > LARGEST))
        if len(wrong):
            raise InvalidRequest(
                f"{path} must hold numbers, but column {name!r} has {str(cells.iloc[wrong[0]])[:40]!r} in "
                f"row {wrong[0]}; leave it empty if the sample is missing, or say csv: {{decimal: ...}}"
            )
        if len(values) and np.isnan(values).all():
            raise InvalidRequest(
                f"{path}: column {name!r} holds no number at all; leave it out by naming the others in "
                "plant.yaml"
            )
        found[:, place] = values
    return found
