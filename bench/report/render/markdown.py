"""A table as GitHub Markdown."""

from __future__ import annotations

import re

from bench.report.table import ABSENT, Table

# What begins a list, a quotation or a heading does so only at the start of a text.
_START = re.compile(r"^([-+#>]|\d+(?=[.)]))")


def markdown(table: Table) -> str:
    """Return a GitHub table with its caption above and its notes below."""
    shown = table.shown
    head = [escape(column.title) for column in shown.columns]
    rule = ["---" if column.worded else "---:" for column in shown.columns]
    body = [
        [
            f"**{escape(value)}**" if cell.strong and value != ABSENT else escape(value)
            for cell, value in zip(row, values, strict=True)
        ]
        for row, values in zip(shown.rows, shown.texts, strict=True)
    ]
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, rule, *body)]
    notes = [f"- {_started(escape(note))}" for note in table.notes]
    return "\n".join([f"**{escape(table.caption)}**", "", *lines, *([""] if notes else []), *notes]) + "\n"


def escape(value: str) -> str:
    """Return one line of text in which no character is a mark of Markdown or HTML."""
    for mark in ("\\", "|", "*", "_", "`", "<", "[", "&", "~", "$"):
        value = value.replace(mark, "\\" + mark)
    return " ".join(value.split())


def _started(value: str) -> str:
    return _START.sub(lambda m: f"{m[1]}\\" if m[1].isdigit() else f"\\{m[1]}", value)
