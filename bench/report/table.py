"""One table: typed columns, cells that know their runs, and how a value becomes text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from models.errors import InvalidRequest

Value = float | int | str | tuple[float, ...] | None
Kind = Literal[
    "text", "count", "share", "score", "signed", "interval", "signed_interval", "p", "percent", "seconds"
]
ABSENT = "–"
_PARTS = {"share": ("", "_of"), "interval": ("_low", "_high"), "signed_interval": ("_low", "_high")}


@dataclass(frozen=True)
class Column:
    """A column: its key (CSV header), its title, what its values are, and whether only CSV shows it.

    A ``share`` is (part, whole); an ``interval`` is (low, high); ``seconds`` are seconds; scores and
    differences are in the unit of the metric.
    """

    key: str
    title: str
    kind: Kind = "text"
    detail: bool = False


@dataclass(frozen=True)
class Cell:
    """A value (None or NaN where there is none) and the ids of the runs it was computed from."""

    value: Value
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table before it is Markdown, CSV, LaTeX, HTML or plain text.

    Raises:
        InvalidRequest: a row does not have one cell a column.
    """

    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                wrong = f"a row of table {self.key!r} must have {len(self.columns)} cells, got {len(row)}"
                raise InvalidRequest(f"{wrong}; fill it")

    def select(self, keys: Sequence[str]) -> Table:
        """Return the table with these columns only, in this order; unknown keys are left out."""
        places = {column.key: i for i, column in enumerate(self.columns)}
        chosen = [places[key] for key in keys if key in places]
        rows = tuple(tuple(row[i] for i in chosen) for row in self.rows)
        return replace(self, columns=tuple(self.columns[i] for i in chosen), rows=rows)

    @property
    def shown(self) -> Table:
        """The table without its detail columns and without columns that are empty throughout."""
        keys = []
        for i, column in enumerate(self.columns):
            filled = any(text(column.kind, row[i].value) != ABSENT for row in self.rows)
            if i == 0 or (filled and not column.detail):
                keys.append(column.key)
        return self.select(keys)


def text(kind: Kind, value: Value) -> str:
    """Return a value as people read it: three decimals, signs on differences, a dash for nothing."""
    if value is None or value == "":
        return ABSENT
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, tuple):
        if not all(math.isfinite(v) for v in value):
            return ABSENT
        if kind == "share":
            return f"{value[0]:g}/{value[1]:g}"
        sign = "+" if kind == "signed_interval" else ""
        return "[" + ", ".join(_number(v, f"{sign}.3f") for v in value) + "]"
    if not math.isfinite(value):
        return ABSENT
    if kind == "count":
        return f"{value:.0f}"
    if kind == "p":
        return "<0.001" if value < 0.001 else f"{value:.3f}"
    if kind == "percent":
        return f"{100 * value:.0f} %"
    if kind == "seconds":
        return f"{value:.1f}" if value < 100 else f"{value:,.0f}".replace(",", " ")
    return _number(value, "+.3f" if kind == "signed" else ".3f")


def fields(column: Column) -> tuple[str, ...]:
    """Return the CSV headers of a column: two for shares and intervals."""
    return tuple(column.key + part for part in _PARTS.get(column.kind, ("",)))


def raw(column: Column, value: Value) -> tuple[str, ...]:
    """Return the CSV fields of a value: ten significant digits, empty where there is none."""
    width = len(fields(column))
    if value is None:
        return ("",) * width
    parts = value if isinstance(value, tuple) else (value,)
    return tuple(v if isinstance(v, str) else (f"{v:.10g}" if math.isfinite(v) else "") for v in parts)


def _number(value: float, form: str) -> str:
    shown = format(value, form)
    if float(shown) == 0:
        shown = format(0.0, form.lstrip("+"))
    return shown.replace("-", "−")
