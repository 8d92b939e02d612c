"""The ways a table is written down: Markdown, CSV, LaTeX, HTML, JSON and plain text."""

from bench.report.render.html import html_table, titled
from bench.report.render.latex import escape_latex, latex, latex_document
from bench.report.render.markdown import markdown
from bench.report.render.plain import plain
from bench.report.render.values import as_json, cells_text, csv_text

__all__ = [
    "as_json",
    "cells_text",
    "csv_text",
    "escape_latex",
    "html_table",
    "latex",
    "latex_document",
    "markdown",
    "plain",
    "titled",
]
