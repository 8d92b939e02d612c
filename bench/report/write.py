"""The report as files, and as a few lines for a terminal."""

from __future__ import annotations

import os
import tempfile
import textwrap
from pathlib import Path

from bench.report import render, words
from bench.report.comparison import Comparison, compare
from bench.report.evidence import Evidence
from bench.report.search import trials_table
from bench.report.tables import marked, results, tables

_TERMINAL = ("arm", "n", "mean", "difference", "interval", "holm_p", "verdict", "low", "failed", "skill")


def write(evidence: Evidence, folder: str | Path) -> list[Path]:
    """Write the report into a folder and return its files: the same evidence gives the same bytes.

    ``report.html`` (all in one), ``report.md``, ``report.csv`` (the results with all details),
    ``report.tex`` (all tables, compiles alone), ``runs.csv`` (every run) and ``figures/``; after a
    search also ``tuning.csv`` and ``trials.csv`` (every trial). Each file appears whole or not at
    all; figures of an earlier report that this one does not have are removed.
    """
    from bench.report.figures import drawings
    from bench.report.page import html_page, markdown_page

    comparison = compare(evidence)
    made, figures = tables(comparison), drawings(comparison)
    files: dict[str, bytes] = {
        "report.html": html_page(comparison, made, figures).encode(),
        "report.md": markdown_page(comparison, made, figures).encode(),
        "report.csv": render.csv_text(made[0]).encode(),
        "report.tex": render.latex_document(made).encode(),
        "runs.csv": evidence.runs.to_csv(index=False, lineterminator="\n").encode(),
    }
    if evidence.search is not None:
        files["trials.csv"] = trials_table(evidence.search).to_csv(index=False, lineterminator="\n").encode()
        tuning = [table for table in made if table.key == "tuning"]
        files |= {f"{table.key}.csv": render.csv_text(table).encode() for table in tuning}
    for drawing in figures:
        files[f"figures/{drawing.name}.svg"] = drawing.svg
        files[f"figures/{drawing.name}.png"] = drawing.png
    root = Path(folder)
    paths = [_replace(root / name, content) for name, content in files.items()]
    for stale in (root / "figures").glob("*.*"):
        if stale.suffix in (".svg", ".png") and stale not in paths:
            stale.unlink()
    return paths


def terminal(evidence: Evidence | Comparison, width: int = 110) -> str:
    """Return the results as plain text of at most ``width`` columns: source, table, one line of findings."""
    comparison = compare(evidence) if isinstance(evidence, Evidence) else evidence
    table = marked(results(comparison), comparison)
    lines = [_fit(table.caption, width), "", render.plain(table.select(_TERMINAL), width).rstrip(), ""]
    lines += [line for sentence in words.summary(comparison) for line in textwrap.wrap(sentence, width)]
    return "\n".join(lines) + "\n"


def _fit(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"


def _replace(path: Path, content: bytes) -> Path:
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
