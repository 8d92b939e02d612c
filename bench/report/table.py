"""One table: typed columns, cells that know their runs, and how a value becomes text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench.report.lang import say
from models.errors import InvalidRequest

Value = float | int | str | tuple[float, ...] | None
Kind = Literal[
    "text", "word", "count", "share", "score", "signed", "interval", "signed_interval", "p", "percent",
    "percent_interval", "seconds",
]  # fmt: skip
ABSENT = "–"
FEWEST, MOST = 2, 4
"""Decimals of a score or a difference."""
_PARTS = dict.fromkeys(("interval", "signed_interval", "percent_interval"), ("_low", "_high"))
_PARTS |= {"share": ("", "_of")}


@dataclass(frozen=True)
class Column:
    """A column: its key (CSV header), its title, what its values are, and whether only CSV shows it.

    A ``share`` is (part, whole); an ``interval`` is (low, high); ``seconds`` are seconds; scores and
    differences are in the unit of the metric and are printed with ``digits`` decimals. A ``word`` is an
    English word that is said in the language of the reader.
    """

    key: str
    title: str
    kind: Kind = "text"
    detail: bool = False
    digits: int = 3

    @property
    def worded(self) -> bool:
        """Whether its values are words and not numbers."""
        return self.kind in ("text", "word")


@dataclass(frozen=True)
class Cell:
    """A value (None or NaN where there is none), the ids of the runs behind it, and whether it is bold."""

    value: Value
    runs: tuple[str, ...] = ()
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table before it is Markdown, CSV, LaTeX, HTML, JSON or plain text.

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

    def choose(self, keys: Sequence[str]) -> Table:
        """Return the table with these columns shown, in this order after the first; the others are details.

        Nothing is lost: what is not chosen is still in CSV and JSON. No keys leave the table as it is.
        """
        if not keys:
            return self
        first = self.columns[0].key
        order = [first, *(key for key in keys if key != first)]
        rest = [column.key for column in self.columns if column.key not in order]
        moved = self.select([*order, *rest])
        columns = tuple(replace(column, detail=column.key in rest) for column in moved.columns)
        return replace(moved, columns=columns)

    @property
    def shown(self) -> Table:
        """The table without its detail columns and without columns that are empty throughout."""
        keys = []
        for i, column in enumerate(self.columns):
            filled = any(text(column.kind, row[i].value) != ABSENT for row in self.rows)
            if i == 0 or (filled and not column.detail):
                keys.append(column.key)
        return self.select(keys)

    @property
    def texts(self) -> list[list[str]]:
        """Every value as people read it, row by row."""
        return [
            [text(c.kind, cell.value, c.digits) for c, cell in zip(self.columns, row, strict=True)]
            for row in self.rows
        ]


def decimals(uncertainty: Iterable[float], otherwise: int = 3, fewest: int = FEWEST) -> int:
    """Return the decimals that a column of scores supports: two digits of its typical uncertainty.

    One number for a column, so that its decimals align: that of the median of the half-widths (or
    standard deviations) given, at least 2 and at most 4.

    Args:
        uncertainty: one half-width a row, NaN or 0 where there is none.
        otherwise: decimals where no row has one.
        fewest: decimals there are at least.

    >>> decimals([0.031, 0.012, float("nan")]), decimals([0.0009]), decimals([0.4])
    (3, 4, 2)
    """
    known = [value for value in uncertainty if math.isfinite(value) and value > 0]
    if not known:
        return otherwise
    # Rounded first: 0.0996 has the two digits 0.10.
    exponent = int(f"{float(np.median(known)):.1e}".partition("e")[2])
    return min(MOST, max(fewest, 1 - exponent))


def text(kind: Kind, value: Value, digits: int = 3) -> str:
    """Return a value as people read it: its decimals, signs on differences, a dash for nothing."""
    if value is None or value == "":
        return ABSENT
    if isinstance(value, str):
        return say(value) if kind == "word" else " ".join(printable(value).split())
    if isinstance(value, tuple):
        if not all(math.isfinite(v) for v in value):
            return ABSENT
        if kind == "share":
            return f"{value[0]:g}/{value[1]:g}"
        if kind == "percent_interval":
            return "[" + ", ".join(f"{100 * v:.0f}" for v in value) + "] %"
        sign = "+" if kind == "signed_interval" else ""
        return "[" + ", ".join(_number(v, f"{sign}.{digits}f") for v in value) + "]"
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
    return _number(value, f"{'+' if kind == 'signed' else ''}.{digits}f")


def printable(value: str) -> str:
    r"""Return text with a mark in place of each character that nobody can see: a message may hold any.

    >>> printable("\x1b[31mred")
    '�[31mred'
    """
    if value.isprintable():
        return value
    return "".join(c if c.isprintable() or c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in value)


def equals(p: float) -> str:
    """Return what is said after the letter p of a sentence.

    >>> equals(0.0312), equals(0.0001)
    ('= 0.031', '< 0.001')
    """
    shown = text("p", p)
    return f"< {shown[1:]}" if shown.startswith("<") else f"= {shown}"


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
