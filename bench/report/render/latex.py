"""A table as LaTeX: booktabs, and a document that compiles alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.report.lang import say
from bench.report.table import ABSENT, Table

ROWS = 40
"""Rows of a page; a longer table goes on in another float."""

_UNKNOWN = "ĦħĸĿŀŉŦŧſ"  # of Latin letters up to U+017F those pdfLaTeX has no name for
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
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "'": r"{\textquotesingle}",
    "−": "$-$",
    "–": "--",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≠": r"$\neq$",
    "Δ": r"$\Delta$",
    "χ": r"$\chi$",
    "²": r"\textsuperscript{2}",
    "·": r"$\cdot$",
    "→": r"$\to$",
    "×": r"$\times$",
    "…": r"\dots{}",
    "\N{WORD JOINER}": "{}",
}


def latex(table: Table) -> str:
    """Return a booktabs table environment, shrunk to the line where it is too wide (needs graphicx).

    A table that no page could hold goes on in further ones.
    """
    return "\n".join(_parts(table.shown)) + "\n"


def latex_document(tables: Sequence[Table]) -> str:
    """Return a document that compiles alone with pdfLaTeX, XeLaTeX or LuaLaTeX."""
    body = "\n".join(latex(table) for table in tables)
    # pdfLaTeX has no glyph for most of Unicode: such a character prints as its code point there.
    rare = sorted({c for c in body if ord(c) > 0x17F or c in _UNKNOWN})
    declared = [rf"\DeclareUnicodeCharacter{{{ord(c):04X}}}{{\texttt{{U+{ord(c):04X}}}}}" for c in rare]
    head = [
        r"\documentclass[a4paper,10pt]{article}",
        r"\usepackage[landscape,margin=15mm]{geometry}",
        r"\usepackage{booktabs,graphicx,iftex,textcomp}",
        r"\ifpdftex\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}",
        r"\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}",
        *declared,
        r"\else\usepackage{fontspec}\fi",
        r"\begin{document}",
    ]
    return "\n".join([*head, body, r"\end{document}"]) + "\n"


def escape_latex(value: str) -> str:
    """Return text in which no character is a LaTeX command, and none that no engine can read."""
    apart = value.replace("--", "-\N{WORD JOINER}-").replace(
        "--", "-\N{WORD JOINER}-"
    )  # two are another sign
    return "".join(_LATEX.get(c, c if c.isprintable() else " ") for c in apart)


def _parts(table: Table) -> Iterator[str]:
    """Yield the table in floats of at most a page; notes stay with the last."""
    pieces = [table.rows[i : i + ROWS] for i in range(0, len(table.rows), ROWS)] or [()]
    if len(pieces) == 1:
        yield _float(table)
        return
    for number, rows in enumerate(pieces, 1):
        caption = say(
            "{caption} (part {number} of {parts})", caption=table.caption, number=number, parts=len(pieces)
        )
        notes = table.notes if number == len(pieces) else ()
        yield _float(replace(table, key=f"{table.key}-{number}", caption=caption, rows=rows, notes=notes))
        yield r"\clearpage"  # pages of floats would otherwise wait until there are too many


def _float(table: Table) -> str:
    body = []
    for row, values in zip(table.rows, table.texts, strict=True):
        cells = [
            rf"\textbf{{{escape_latex(value)}}}" if cell.strong and value != ABSENT else escape_latex(value)
            for cell, value in zip(row, values, strict=True)
        ]
        body.append(" & ".join(cells) + r" \\")
    lines = [
        r"\begin{table}[htbp]",
        r"\centering",
        rf"\caption{{{escape_latex(table.caption)}}}",
        rf"\label{{tab:{table.key}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        r"\begin{tabular}{" + "".join("l" if c.worded else "r" for c in table.columns) + "}",
        r"\toprule",
        " & ".join(escape_latex(c.title) for c in table.columns) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}}",
        *(rf"\par\raggedright\footnotesize {escape_latex(note)}" for note in table.notes),
        r"\end{table}",
    ]
    return "\n".join(lines)
