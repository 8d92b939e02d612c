"""The five ways a table is written down."""

from __future__ import annotations

import csv
import html
import io
import unicodedata

from bench.report.table import Column, Table, fields, raw, text

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # a row must not start with what reads as the optional argument of \\
    "−": "$-$",
    "–": "--",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "Δ": r"$\Delta$",
    "·": r"$\cdot$",
    "→": r"$\to$",
    "×": r"$\times$",
    "…": r"\dots{}",
}


def markdown(table: Table) -> str:
    """Return a GitHub table with its caption above and its notes below."""
    shown = table.shown
    head = [_md(column.title) for column in shown.columns]
    rule = ["---" if column.kind == "text" else "---:" for column in shown.columns]
    body = [[_md(value) for value in row] for row in _texts(shown)]
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, rule, *body)]
    notes = [f"- {_md(note)}" for note in table.notes]
    return "\n".join([f"**{_md(table.caption)}**", "", *lines, *([""] if notes else []), *notes]) + "\n"


def csv_text(table: Table) -> str:
    """Return all columns, details too, with ten digits and the run ids of each row in the last field."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([name for column in table.columns for name in fields(column)] + ["runs"])
    for row in table.rows:
        values = [v for c, cell in zip(table.columns, row, strict=True) for v in raw(c, cell.value)]
        writer.writerow([*values, " ".join(dict.fromkeys(key for cell in row for key in cell.runs))])
    return out.getvalue()


def latex(table: Table) -> str:
    """Return a booktabs table environment, shrunk to the line where it is too wide (needs graphicx)."""
    shown = table.shown
    lines = [
        r"\begin{table}[htbp]",
        r"\centering",
        rf"\caption{{{escape_latex(table.caption)}}}",
        rf"\label{{tab:{table.key}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        r"\begin{tabular}{" + "".join("l" if c.kind == "text" else "r" for c in shown.columns) + "}",
        r"\toprule",
        " & ".join(escape_latex(c.title) for c in shown.columns) + r" \\",
        r"\midrule",
        *(" & ".join(escape_latex(value) for value in row) + r" \\" for row in _texts(shown)),
        r"\bottomrule",
        r"\end{tabular}}",
        *(rf"\par\footnotesize {escape_latex(note)}" for note in table.notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def latex_document(tables: list[Table]) -> str:
    """Return a document that compiles alone with pdfLaTeX, XeLaTeX or LuaLaTeX."""
    body = "\n".join(latex(table) for table in tables)
    # pdfLaTeX has no glyph for most of Unicode: such a character prints as its code point there.
    rare = sorted({c for c in body if ord(c) > 0x17F})
    declared = [rf"\DeclareUnicodeCharacter{{{ord(c):04X}}}{{\texttt{{U+{ord(c):04X}}}}}" for c in rare]
    head = [
        r"\documentclass[a4paper,10pt]{article}",
        r"\usepackage[landscape,margin=15mm]{geometry}",
        r"\usepackage{booktabs,graphicx,iftex}",
        r"\ifpdftex\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}",
        *declared,
        r"\else\usepackage{fontspec}\fi",
        r"\begin{document}",
    ]
    return "\n".join([*head, body, r"\end{document}"]) + "\n"


def html_table(table: Table) -> str:
    """Return a table element; a cell names its runs in its title, its column kind and value in classes."""
    shown = table.shown
    head = "".join(f'<th class="{c.kind}" scope="col">{html.escape(c.title)}</th>' for c in shown.columns)
    body = []
    for row in shown.rows:
        cells = []
        for i, (column, cell) in enumerate(zip(shown.columns, row, strict=True)):
            runs = f' title="runs: {html.escape(" ".join(cell.runs))}"' if cell.runs else ""
            value = html.escape(text(column.kind, cell.value))
            opening, closing = ('th scope="row"', "th") if i == 0 else ("td", "td")
            cells.append(f'<{opening} class="{_html_class(column, value)}"{runs}>{value}</{closing}>')
        body.append("<tr>" + "".join(cells) + "</tr>")
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in table.notes)
    return "\n".join(
        [
            f'<figure class="table" id="{html.escape(table.key)}">',
            f"<figcaption>{html.escape(table.caption)}</figcaption>",
            f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>',
            *body,
            "</tbody></table></div>",
            f'<ul class="notes">{notes}</ul></figure>' if notes else "</figure>",
        ]
    )


def plain(table: Table, width: int = 110) -> str:
    """Return aligned text without markup; the first column is cut so that no line exceeds ``width``."""
    shown = table.shown
    grid = [[c.title for c in shown.columns], *_texts(shown)]
    sizes = [max(_cells(line[i]) for line in grid) for i in range(len(shown.columns))]
    sizes[0] = max(8, min(sizes[0], width - sum(size + 2 for size in sizes[1:])))
    lines = []
    for line in grid:
        parts = [_pad(_cut(line[0], sizes[0]), sizes[0], left=True)]
        for column, value, size in zip(shown.columns[1:], line[1:], sizes[1:], strict=True):
            parts.append(_pad(value, size, left=column.kind == "text"))
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines) + "\n"


def escape_latex(value: str) -> str:
    """Return text in which no character is a LaTeX command."""
    return "".join(_LATEX.get(c, c) for c in value)


def _texts(table: Table) -> list[list[str]]:
    return [
        [text(c.kind, cell.value) for c, cell in zip(table.columns, row, strict=True)] for row in table.rows
    ]


def _md(value: str) -> str:
    for mark in ("\\", "|", "*", "_", "`", "<", "["):
        value = value.replace(mark, "\\" + mark)
    return " ".join(value.split())


def _html_class(column: Column, value: str) -> str:
    return f"{column.kind} verdict {value}" if column.key == "verdict" and value.isalpha() else column.kind


def _cells(value: str) -> int:
    """Columns a terminal needs: wide East Asian characters take two, combining ones none."""
    seen = [c for c in value if not unicodedata.combining(c)]
    return len(seen) + sum(unicodedata.east_asian_width(c) in "WF" for c in seen)


def _cut(value: str, size: int) -> str:
    if _cells(value) <= size:
        return value
    while _cells(value) > size - 1:
        value = value[:-1]
    return value + "…"


def _pad(value: str, size: int, left: bool) -> str:
    space = " " * (size - _cells(value))
    return value + space if left else space + value
