"""One table in five notations."""

from __future__ import annotations

import csv
import io
import math
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.report.render import csv_text, html_table, latex, latex_document, markdown, plain
from bench.report.table import Cell, Column, Table, text
from models.errors import InvalidRequest

NASTY = "50 % of_x & y# {z} ~a^b \\c $d <e> |f| [g] 电弧 é"


def table() -> Table:
    columns = (
        Column("arm", "Arm"),
        Column("n", "n", "share"),
        Column("ba", "BA", "score"),
        Column("ci", "95 % CI", "signed_interval"),
        Column("empty", "Empty", "score"),
        Column("d_z", "d_z", "signed", detail=True),
    )
    rows = (
        (
            Cell("cwcl"),
            Cell((7, 8), ("k1", "k2")),
            Cell(2 / 3, ("k1",)),
            Cell((-0.0123, 0.5)),
            Cell(math.nan),
            Cell(1.5),
        ),
        (Cell(NASTY), Cell((0, 8)), Cell(math.nan), Cell((math.nan, math.nan)), Cell(None), Cell(None)),
    )
    return Table("results", "Scores & data", columns, rows, ("a | note",))


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("score", 0.12345, "0.123"),
        ("score", math.nan, "–"),
        ("score", math.inf, "–"),
        ("score", None, "–"),
        ("signed", 0.0456, "+0.046"),
        ("signed", -0.0456, "−0.046"),
        ("signed", -0.0001, "0.000"),
        ("interval", (0.4, 0.6), "[0.400, 0.600]"),
        ("signed_interval", (-0.4, 0.6), "[−0.400, +0.600]"),
        ("signed_interval", (math.nan, 0.6), "–"),
        ("share", (3, 8), "3/8"),
        ("count", 12, "12"),
        ("p", 0.0078125, "0.008"),
        ("p", 0.0001, "<0.001"),
        ("percent", 0.875, "88 %"),
        ("seconds", 9.87, "9.9"),
        ("seconds", 12345.6, "12 346"),
        ("text", "two\nlines", "two lines"),
        ("text", "", "–"),
    ],
)
def test_a_value_as_people_read_it(kind: str, value: object, expected: str) -> None:
    assert text(kind, value) == expected  # type: ignore[arg-type]


def test_rows_must_fit_the_columns() -> None:
    with pytest.raises(InvalidRequest, match="must have 1 cells, got 2"):
        Table("t", "c", (Column("a", "A"),), ((Cell("x"), Cell("y")),))


def test_shown_leaves_out_details_and_empty_columns() -> None:
    assert [column.key for column in table().shown.columns] == ["arm", "n", "ba", "ci"]
    assert [column.key for column in table().select(["ba", "nope", "arm"]).columns] == ["ba", "arm"]


def test_markdown_escapes_and_keeps_its_shape() -> None:
    lines = markdown(table()).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    unescaped = [row.replace(r"\|", "").count("|") for row in rows]
    assert unescaped == [5, 5, 5, 5]
    assert rows[1] == "| --- | ---: | ---: | ---: |"
    assert rows[2] == r"| cwcl | 7/8 | 0.667 | \[−0.012, +0.500] |"
    assert lines[-1] == r"- a \| note"


def test_csv_holds_everything_and_reads_back() -> None:
    read = list(csv.DictReader(io.StringIO(csv_text(table()))))
    assert read[0] == {
        "arm": "cwcl",
        "n": "7",
        "n_of": "8",
        "ba": "0.6666666667",
        "ci_low": "-0.0123",
        "ci_high": "0.5",
        "empty": "",
        "d_z": "1.5",
        "runs": "k1 k2",
    }
    assert read[1]["arm"] == NASTY
    assert read[1]["ba"] == read[1]["ci_low"] == ""


class Reader(HTMLParser):
    """Collects the cells of a table with their titles."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.title: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.title = dict(attrs).get("title")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.cells.append((data, self.title))


def test_html_is_well_formed_and_names_the_runs() -> None:
    reader = Reader()
    reader.feed(html_table(table()))
    assert not reader.open
    cells = dict(reader.cells)
    assert cells["0.667"] == "runs: k1"
    assert cells["7/8"] == "runs: k1 k2"
    assert NASTY in cells


def test_plain_lines_up_and_fits() -> None:
    lines = plain(table(), width=44).splitlines()
    assert max(len(line) for line in lines) <= 44
    assert lines[0].split() == ["Arm", "n", "BA", "95", "%", "CI"]
    assert lines[2].split()[0].startswith("50")
    assert "…" in lines[2]
    wide = Table(
        "t", "c", (Column("a", "A"), Column("b", "B")), ((Cell("电弧"), Cell("x")), (Cell("ab"), Cell("y")))
    )
    assert plain(wide).splitlines()[1:] == ["电弧      x", "ab        y"]


def test_latex_escapes_every_special_character() -> None:
    written = latex(table())
    row = next(line for line in written.splitlines() if line.startswith("50"))
    assert row.startswith(
        r"50 \% of\_x \& y\# \{z\} \textasciitilde{}a\textasciicircum{}b \textbackslash{}c \$d "
        r"\textless{}e\textgreater{} \textbar{}f\textbar{} {[}g] 电弧 é & 0/8 & -- & -- \\"
    )
    assert r"{[}$-$0.012, +0.500]" in written
    for rule in ("toprule", "midrule", "bottomrule"):
        assert written.count(rf"\{rule}") == 1
    assert written.count(r"\begin{") == written.count(r"\end{")
    document = latex_document([table()])
    assert r"\DeclareUnicodeCharacter{7535}" in document, (
        "pdfLaTeX needs a substitute for what it cannot print"
    )
    assert document.endswith("\\end{document}\n")


def test_latex_letters_that_would_be_others_stay() -> None:
    rows = tuple((Cell(name), Cell(0.5)) for name in ("a--b---c-d", "it''s", "ħ"))
    odd = Table("t", "Odd", (Column("arm", "Arm"), Column("mean", "BA", "score")), rows)
    written = latex(odd)
    assert "a-{}-b-{}-{}-c-d &" in written
    assert r"it{\textquotesingle}{\textquotesingle}s &" in written
    assert r"\DeclareUnicodeCharacter{0127}" in latex_document([odd])


def test_characters_nobody_sees_are_marked() -> None:
    odd = Table("t", "Odd", (Column("arm", "Arm"),), ((Cell("\x1b[31mred\x00\nnew line"),),))
    assert odd.texts == [["�[31mred� new line"]]


@pytest.mark.slow
def test_latex_compiles_alone(tmp_path: Path) -> None:
    letters = "".join(chr(c) for c in range(0xA0, 0x250) if chr(c).isprintable())
    odd = Table("t", "Letters", (Column("arm", "Arm"),), ((Cell(f"{letters} -- --- '' ,, <<"),),))
    document = tmp_path / "report.tex"
    document.write_text(latex_document([table(), table(), odd]), encoding="utf-8")
    engine = shutil.which("pdflatex")
    if engine is None:  # then the structure is what can be checked here
        assert document.read_text(encoding="utf-8").count("$") % 2 == 0
        return
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", document.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "report.pdf").stat().st_size > 1000
