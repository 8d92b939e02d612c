"""What leaves a report: JSON by its schema, the runs behind cells, Markdown and LaTeX as others read them."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
from markdown_it import MarkdownIt
from test_report_evidence import synthetic
from test_report_odd import CASES

from bench.report.comparison import compare
from bench.report.render import as_json, cells_text, html_table, latex, latex_document, markdown
from bench.report.render.latex import ROWS
from bench.report.table import Cell, Column, Table
from bench.report.tables import tables
from bench.report.write import write

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write(synthetic(), folder)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_every_report_is_json_of_the_schema(case: str, tmp_path: Path) -> None:
    write(CASES[case](), tmp_path)
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    jsonschema.validate(json.loads(text, parse_constant=pytest.fail), SCHEMA)


def test_json_holds_what_the_tables_hold(written: Path) -> None:
    read = json.loads((written / "report.json").read_text(encoding="utf-8"))
    made = tables(compare(synthetic()))
    assert [table["key"] for table in read["tables"]] == [table.key for table in made]
    first = {row["values"]["arm"]: row for row in read["tables"][0]["rows"]}
    found = {arm.info.name: arm for arm in compare(synthetic()).changes}
    for name, arm in found.items():
        values = first[name]["values"]
        assert arm.paired is not None and arm.verdict is not None
        assert values["difference"] == arm.paired.mean, "all digits"
        assert values["interval"] == list(arm.paired.interval())
        assert values["verdict"] == arm.verdict.word
        behind = {column: part["runs"] for part in first[name]["runs"] for column in part["columns"]}
        assert tuple(behind["difference"]) == arm.paired_runs and tuple(behind["mean"]) == arm.runs
    shown = {column["key"] for column in read["tables"][0]["columns"] if column["shown"]}
    assert {"mean", "verdict"} <= shown and "wilcoxon_p" not in shown


def test_cells_csv_names_the_runs_of_every_cell(written: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((written / "cells.csv").read_text(encoding="utf-8"))))
    known = set(pd.read_csv(written / "runs.csv")["key"])
    behind = {(r["table"], int(r["row"]), c): r["runs"].split() for r in rows for c in r["columns"].split()}
    for table in tables(compare(synthetic())):
        for number, row in enumerate(table.rows, 1):
            for column, cell in zip(table.columns, row, strict=True):
                assert tuple(behind.get((table.key, number, column.key), ())) == cell.runs
                assert set(cell.runs) <= known


def bold() -> Table:
    columns = (Column("arm", "Arm"), Column("mean", "BA", "score", digits=2))
    rows = (
        (Cell("a|b"), Cell(0.8, ("k",), strong=True)),
        (Cell("b"), Cell(0.7)),
        (Cell("c"), Cell(None, strong=True)),
    )
    return Table("t", "Caption", columns, rows, ("1. first", "- second", "# third", "> fourth"))


def test_what_is_strong_is_bold_everywhere_and_nothing_is_not() -> None:
    assert markdown(bold()).splitlines()[4:7] == ["| a\\|b | **0.80** |", "| b | 0.70 |", "| c | – |"]
    assert r"\textbf{0.80}" in latex(bold()) and latex(bold()).count(r"\textbf") == 1
    assert "<strong>0.80</strong>" in html_table(bold()) and html_table(bold()).count("<strong>") == 1
    assert [row["strong"] for row in as_json(bold())["rows"]] == [["mean"], [], ["mean"]]
    assert cells_text([bold()]).splitlines() == ["table,row,name,columns,runs", "t,1,a|b,mean,k"]


def rendered(text: str) -> list[list[list[str]]]:
    """Return the cells of every table that a standard renderer finds, as plain text."""
    found: list[list[list[str]]] = []
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for before, token in zip(tokens, tokens[1:], strict=False):
        if before.type == "table_open":
            found.append([])
        if before.type == "tr_open":
            found[-1].append([])
        if before.type in ("td_open", "th_open"):
            parts = token.children or []
            assert all(part.type in ("text", "text_special", "strong_open", "strong_close") for part in parts)
            found[-1][-1].append("".join(part.content for part in parts))
    return found


@pytest.mark.parametrize("case", ["study", "awkward names", "grid", "one arm"])
def test_markdown_renders_to_the_tables_there_are(case: str, tmp_path: Path) -> None:
    evidence = CASES[case]()
    write(evidence, tmp_path)
    made = [table.shown for table in tables(compare(evidence))]
    found = rendered((tmp_path / "report.md").read_text(encoding="utf-8"))
    assert len(found) == len(made)
    for cells, table in zip(found, made, strict=True):
        assert cells[0] == [column.title for column in table.columns]
        assert cells[1:] == table.texts


def test_a_note_is_one_item_of_a_list_whatever_it_begins_with() -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown(bold()))
    kinds = [token.type for token in tokens]
    assert kinds.count("list_item_open") == 4
    assert not {"ordered_list_open", "heading_open", "blockquote_open"} & set(kinds)
    items = [token.content for token in tokens if token.type == "inline"][-4:]
    assert [re.sub(r"\\", "", item) for item in items] == ["1. first", "- second", "# third", "> fourth"]


def test_a_table_longer_than_a_page_goes_on_in_others() -> None:
    rows = tuple((Cell(f"arm {i}"), Cell(0.5)) for i in range(2 * ROWS + 1))
    long = Table("t", "Long", (Column("arm", "Arm"), Column("mean", "BA", "score")), rows, ("note",))
    written = latex(long)
    assert written.count(r"\begin{table}") == written.count(r"\end{table}") == 3
    assert "(part 3 of 3)" in written and written.count(r"\footnotesize note") == 1
    assert all(f"arm {i} " in written for i in range(len(rows)))
    assert written.count(r"\label{tab:t") == len(set(re.findall(r"\\label\{(.*?)\}", written)))


def compiled(document: Path) -> str:
    engine = shutil.which("pdflatex")
    if engine is None:
        pytest.skip("pdflatex is not installed")
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", document.name]
    done = subprocess.run(
        command,
        cwd=document.parent,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_latex_of_odd_reports_compiles(case: str, tmp_path: Path) -> None:
    document = tmp_path / "report.tex"
    document.write_text(latex_document(tables(compare(CASES[case]()))), encoding="utf-8")
    assert "Output written on report.pdf" in compiled(document)


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "results" / "reference").rglob("report.tex")),
    ids=lambda path: "/".join(path.parts[-3:-1]),
)
def test_latex_of_every_shipped_report_compiles(path: Path, tmp_path: Path) -> None:
    shutil.copy(path, tmp_path / "report.tex")
    assert "Output written on report.pdf" in compiled(tmp_path / "report.tex")
