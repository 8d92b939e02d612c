"""A table as aligned text for a terminal."""

from __future__ import annotations

from bench.report.folding import width as columns_of
from bench.report.table import Table

_LEAST = 8  # columns that a cut first column keeps


def plain(table: Table, width: int = 110) -> str:
    """Return aligned text without markup; the first column is cut so that no line exceeds ``width``.

    Columns that do not fit beside it are left out from the right: a wrapped table cannot be read.
    """
    shown = table.shown
    grid = [[c.title for c in shown.columns], *shown.texts]
    sizes = [max(columns_of(line[i]) for line in grid) for i in range(len(shown.columns))]
    while len(sizes) > 1 and _LEAST + sum(size + 2 for size in sizes[1:]) > width:
        sizes.pop()
    sizes[0] = max(_LEAST, min(sizes[0], width - sum(size + 2 for size in sizes[1:])))
    lines = []
    for line in grid:
        parts = [_pad(_cut(line[0], sizes[0]), sizes[0], left=True)]
        for column, value, size in zip(shown.columns[1:], line[1:], sizes[1:], strict=False):
            parts.append(_pad(value, size, left=column.worded))
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines) + "\n"


def _cut(value: str, size: int) -> str:
    if columns_of(value) <= size:
        return value
    while columns_of(value) > size - 1:
        value = value[:-1]
    return value + "…"


def _pad(value: str, size: int, left: bool) -> str:
    space = " " * (size - columns_of(value))
    return value + space if left else space + value
