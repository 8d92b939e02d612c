"""A table for machines: CSV with ten digits, JSON with all of them, and the runs behind every cell."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from bench.report.table import Cell, Table, Value, fields, raw


def csv_text(table: Table) -> str:
    """Return all columns, details too, with ten digits and the run ids of each row in the last field."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([name for column in table.columns for name in fields(column)] + ["runs"])
    for row in table.rows:
        values = [v for c, cell in zip(table.columns, row, strict=True) for v in raw(c, cell.value)]
        behind = chain.from_iterable(dict.fromkeys(cell.runs for cell in row))
        writer.writerow([*values, " ".join(dict.fromkeys(behind))])
    return out.getvalue()


def cells_text(tables: Iterable[Table]) -> str:
    """Return the runs behind every cell as CSV: table, row, columns, runs.

    Cells of a row that rest on the same runs share a line; rows count from 1, as in the table.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["table", "row", "name", "columns", "runs"])
    for table in tables:
        for number, row in enumerate(table.rows, 1):
            name = raw(table.columns[0], row[0].value)[0]
            for columns, runs in _behind(table, row):
                writer.writerow([table.key, number, name, " ".join(columns), " ".join(runs)])
    return out.getvalue()


def as_json(table: Table) -> dict[str, Any]:
    """Return a table as plain values: every number with all its digits, null where there is none.

    ``columns`` say key, title, kind and whether the column is shown; a row has ``values`` by column
    key, ``strong`` (the keys of its bold cells) and ``runs``, the run ids behind its cells.
    """
    shown = {column.key for column in table.shown.columns}
    return {
        "key": table.key,
        "caption": table.caption,
        "notes": list(table.notes),
        "columns": [
            {"key": c.key, "title": c.title, "kind": c.kind, "shown": c.key in shown} for c in table.columns
        ],
        "rows": [
            {
                "values": {c.key: _plain(v.value) for c, v in zip(table.columns, row, strict=True)},
                "strong": [c.key for c, v in zip(table.columns, row, strict=True) if v.strong],
                "runs": [
                    {"columns": list(columns), "runs": list(runs)} for columns, runs in _behind(table, row)
                ],
            }
            for row in table.rows
        ],
    }


def _behind(table: Table, row: tuple[Cell, ...]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield the columns that rest on the same runs, and these runs."""
    found: dict[tuple[str, ...], list[str]] = {}
    for column, cell in zip(table.columns, row, strict=True):
        if cell.runs:
            found.setdefault(cell.runs, []).append(column.key)
    for runs, columns in found.items():
        yield tuple(columns), runs


def _plain(value: Value) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int):
        return int(value)
    return float(value) if math.isfinite(value) else None
