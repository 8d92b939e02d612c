"""A table as an HTML element."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from html import escape

from bench.report.lang import say
from bench.report.table import ABSENT, Cell, Column, Table


def titled(runs: tuple[str, ...]) -> str:
    """Return the attribute that names the runs of a cell; empty without runs."""
    return f' title="{escape(say("runs: {keys}", keys=" ".join(runs)))}"' if runs else ""


def html_table(table: Table, runs: Callable[[tuple[str, ...]], str] = titled) -> str:
    """Return a table element; a cell names its runs, its column's kind and its verdict in classes.

    Args:
        table: what to write.
        runs: run ids of a cell -> the attribute that names them.
    """
    shown, attribute = table.shown, cache(runs)
    head = "".join(
        f'<th class="{_kind(c)}" scope="col" data-key="{escape(c.key)}">{escape(c.title)}</th>'
        for c in shown.columns
    )
    body = []
    for row, values in zip(shown.rows, shown.texts, strict=True):
        cells = []
        for i, (column, cell, value) in enumerate(zip(shown.columns, row, values, strict=True)):
            opening, closing = ('th scope="row"', "th") if i == 0 else ("td", "td")
            said = f"<strong>{escape(value)}</strong>" if cell.strong and value != ABSENT else escape(value)
            attributes = f'class="{_class(column, cell)}"{attribute(cell.runs)}'
            cells.append(f"<{opening} {attributes}>{said}</{closing}>")
        body.append("<tr>" + "".join(cells) + "</tr>")
    notes = "".join(f"<li>{escape(note)}</li>" for note in table.notes)
    return "\n".join(
        [
            f'<figure class="table" id="{escape(table.key)}">',
            f"<figcaption>{escape(table.caption)}</figcaption>",
            f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>',
            *body,
            "</tbody></table></div>",
            f'<ul class="notes">{notes}</ul></figure>' if notes else "</figure>",
        ]
    )


def _kind(column: Column) -> str:
    return "text" if column.worded else column.kind


def _class(column: Column, cell: Cell) -> str:
    word = str(cell.value or "")
    verdict = column.key.startswith("verdict") and word.isalpha()
    return f"{_kind(column)} verdict {word}" if verdict else _kind(column)
