"""The report as files, and as a few lines for a terminal."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.report import render, words
from bench.report.comparison import Comparison, compare
from bench.report.document import document
from bench.report.evidence import Evidence
from bench.report.folding import fold
from bench.report.folding import width as columns_of
from bench.report.lang import speaking
from bench.report.runs import runs_text
from bench.report.search import trials_table
from bench.report.table import Table
from bench.report.tables import marked, results, tables

_TERMINAL = ("arm", "n", "mean", "difference", "interval", "holm_p", "verdict", "low", "failed", "skill")


def write(evidence: Evidence | Comparison, folder: str | Path, language: str = "en") -> list[Path]:
    """Write the report into a folder and return its files: the same evidence gives the same bytes.

    ``report.html`` (all in one), ``report.md``, ``report.csv`` (the results with all details),
    ``report.json`` (every table, finding and setting), ``report.tex`` (all tables, compiles alone),
    ``cells.csv`` (the runs behind every cell), ``runs.csv`` (every run) and ``figures/``; after a
    search also ``tuning.csv`` and ``trials.csv`` (every trial), beside another study ``beside.csv``. In
    another language page, Markdown and figures stand beside the English ones. Each file appears whole or
    not at all; figures and pages of an earlier report that this one does not have are removed.

    Args:
        evidence: what to report, or what has been found of it already.
        folder: where to.
        language: of the people who read it; files for machines are English.
    """
    from bench.report.figures import drawings_beside
    from bench.report.page import edition

    comparison = compare(evidence) if isinstance(evidence, Evidence) else evidence
    files: dict[str, bytes] = {}
    for spoken in dict.fromkeys(("en", language)):
        with speaking(spoken):
            made = tables(comparison)
            machines: Callable[[], dict[str, bytes]] = dict
            if spoken == "en":
                machines = partial(_for_machines, comparison, made)
            drawn, told = drawings_beside(comparison, machines)
            files |= edition(comparison, made, drawn) | told
    root = Path(folder)
    paths = [replace_file(root / name, content) for name, content in files.items()]
    _sweep(root, paths)
    return paths


def terminal(evidence: Evidence | Comparison, width: int = 110) -> str:
    """Return the results as plain text of at most ``width`` columns: source, table, one line of findings."""
    comparison = compare(evidence) if isinstance(evidence, Evidence) else evidence
    table = marked(results(comparison), comparison)
    shown = table if comparison.evidence.columns else _without_zeros(table.select(_TERMINAL))
    lines = [_fit(table.caption, width), "", render.plain(shown, width).rstrip(), ""]
    lines += [line for sentence in words.summary(comparison) for line in fold(sentence, width)]
    return "\n".join(lines) + "\n"


def _without_zeros(table: Table) -> Table:
    """Leave out counts of failures where there are none: names need the room, and the summary says it."""
    places = {column.key: place for place, column in enumerate(table.columns)}
    nothing = (None, 0)
    zero = []
    for key in set(places) & {"low", "failed"}:
        values = [row[places[key]].value for row in table.rows]
        if all((value[0] if isinstance(value, tuple) else value) in nothing for value in values):
            zero.append(key)
    return table.select([key for key in places if key not in zero])


def _for_machines(comparison: Comparison, made: list[Table]) -> dict[str, bytes]:
    evidence = comparison.evidence
    files = {
        "report.csv": render.csv_text(made[0]),
        "report.json": document(comparison, made),
        "report.tex": render.latex_document(made),
        "cells.csv": render.cells_text(made),
        "runs.csv": runs_text(evidence.runs),
    }
    if evidence.search is not None:
        files["trials.csv"] = trials_table(evidence.search).to_csv(index=False, lineterminator="\n")
    files |= {f"{t.key}.csv": render.csv_text(t) for t in made if t.key in ("tuning", "beside", "worlds")}
    return {name: text.encode() for name, text in files.items()}


def _sweep(root: Path, paths: list[Path]) -> None:
    """Remove what an earlier report has left and this one does not have."""
    kept = set(paths)
    stale = [p for p in root.glob("figures*/*.*") if p.suffix in (".svg", ".png", ".csv")]
    stale += list(root.glob("report.*.html")) + list(root.glob("report.*.md"))
    stale += list(root.glob("report*.pdf"))  # printed again after the page, if at all
    for path in stale:
        if path not in kept:
            path.unlink()


def _fit(line: str, width: int) -> str:
    if columns_of(line) <= width:
        return line
    while columns_of(line) > width - 1:
        line = line[:-1]
    return line + "…"


def replace_file(path: Path, content: bytes) -> Path:
    """Write a file that appears whole or not at all, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path
