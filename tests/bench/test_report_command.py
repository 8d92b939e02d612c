"""The report as the command makes it: columns, other studies beside, odd requests, and the same bytes."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from recorded import record

from bench.cli import main
from bench.gather import gather, overlap
from bench.store import Record, Store
from bench.study import load
from models.errors import InvalidRequest

STUDY = """
question: Does it help?
dataset: {name: furnace, world: std, seed: 3, recordings: 12, hours: 0.8}
windows: {margin: 300}
seeds: 8
budget: {epochs: 2, windows: 256}
baseline: {optimizer: {name: adam, batch: 64}}
changes:
  cwcl: {contrast: cwcl}
  triplet: {contrast: triplet}
controls: [shuffled_pairs]
"""
GAIN = {"baseline": 0.0, "cwcl": 0.05, "triplet": -0.03, "shuffled_pairs": -0.2}


def score(arm: str, seed: int, sign: float = 1.0) -> float:
    return 0.7 + 0.01 * seed + sign * GAIN.get(arm, 0.0) + 0.001 * ((seed * 7 + len(arm)) % 5)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "help.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without figures, which take most of their time, where a test is about tables and words."""
    monkeypatch.setattr("bench.report.figures.draw.FIGURES", ())


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


def files(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_the_order_in_which_records_came_changes_no_byte(study: Path, tmp_path: Path) -> None:
    for order in (None, 1):
        out = tmp_path / f"out{order}"
        record(load(study), out, score, order)
        assert call("report", study, "--out", out).exit_code == 0
    assert files(tmp_path / "outNone" / "help") == files(tmp_path / "out1" / "help")
    again = files(tmp_path / "out1" / "help")
    assert call("report", study, "--out", tmp_path / "out1").exit_code == 0
    assert files(tmp_path / "out1" / "help") == again
    assert {Path(name).name for name in again} >= {"report.json", "cells.csv", "report.tex", "runs.csv"}


@pytest.mark.usefixtures("no_figures")
def test_columns_of_the_command_and_of_the_study(study: Path, tmp_path: Path) -> None:
    record(load(study), tmp_path, score)
    shown = call("report", study, "--out", tmp_path, "--columns", "verdict, wilcoxon_p").stdout
    assert "Wilcoxon p" in shown and "Holm p" not in shown
    page = next(tmp_path.glob("help/*/report.md")).read_text(encoding="utf-8")
    assert "precursor report help --columns 'verdict, wilcoxon_p'" in page
    study.write_text(STUDY + "report: {columns: [n, t_p]}\n")
    assert "t test p" in call("report", study, "--out", tmp_path).stdout
    assert "Wilcoxon p" in call("report", study, "--out", tmp_path, "--columns", "wilcoxon_p").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--columns", "verdct"), "did you mean 'verdict'"),
        (("--set", "report={columns: [meen]}"), "did you mean 'mean'"),
        (("--set", "report={colums: [mean]}"), "did you mean 'columns'"),
        (("--set", "report={columns: 3}"), "must be a list of names"),
        (("--set", "report={lang: fr}"), "unknown language 'fr'"),
        (("--set", "report={looks: [4, 3]}"), "ascending"),
        (("--set", "report={looks: [true]}"), "whole numbers"),
        (("--compare", "nothing_like_it"), "must be a YAML file"),
        (("--compare-data", "skab"), "--compare-data must read NAME=PATH"),
        (("--compare-set", "seeds=8"), "is the study itself"),
        (("--search", "--compare", "smoke"), "for reports of studies"),
    ],
)
def test_wrong_requests_end_in_a_sentence(
    study: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    record(load(study), tmp_path / "out", score)
    found = call("report", study, "--out", tmp_path / "out", *words)
    assert found.exit_code == 2 and said in found.stderr
    assert found.stderr.strip().count("\n") == 0
    assert not (tmp_path / "out" / "help").exists(), "nothing is written"


def test_two_worlds_side_by_side(study: Path, tmp_path: Path) -> None:
    other = ("dataset.seed=4",)
    record(load(study), tmp_path, score)
    assert call("report", study, "--out", tmp_path).exit_code == 0
    plain = files(tmp_path / "help")
    lacking = call("report", study, "--out", tmp_path, "--compare-set", *other)
    assert lacking.exit_code == 1 and "is on record" in lacking.stderr
    record(load(study, settings=other), tmp_path, lambda arm, seed: score(arm, seed, -1.0))
    found = call("report", study, "--out", tmp_path, "--compare-set", *other)
    assert found.exit_code == 0, found.stderr
    folder = next(path for path in (tmp_path / "help").iterdir() if "beside" in path.name)
    rows = list(csv.DictReader(io.StringIO((folder / "beside.csv").read_text(encoding="utf-8"))))
    assert [(row["arm"], row["agree"]) for row in rows] == [("cwcl", "no"), ("triplet", "no")]
    assert [(row["verdict"], row["verdict_other"]) for row in rows] == [
        ("better", "worse"),
        ("worse", "better"),
    ]
    assert float(rows[0]["gap"]) == pytest.approx(0.1, abs=0.01)
    read = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert read["command"] == "precursor report help --compare-set dataset.seed=4"
    assert {name: files(tmp_path / "help")[name] for name in plain} == plain, "the plain report stays"


@pytest.mark.usefixtures("no_figures")
def test_another_study_beside_on_the_same_units(study: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(STUDY.replace("batch: 64", "batch: 32"))
    record(load(study), tmp_path, score)
    record(load(other), tmp_path, lambda arm, seed: score(arm, seed, 0.5))
    assert call("report", study, "--out", tmp_path, "--compare", other).exit_code == 0
    folder = next(path for path in (tmp_path / "help").iterdir() if "beside" in path.name)
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "the same units, so the difference of differences is paired" in text
    assert "The baselines of the two are configured differently" in text
    assert "precursor report help --compare other" in text


@pytest.mark.usefixtures("no_figures")
def test_a_study_may_name_what_lies_beside_it(study: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(STUDY.replace("batch: 64", "batch: 32"))
    study.write_text(STUDY + f"report: {{compare: ['{other}'], lang: zh}}\n")
    record(load(study), tmp_path, score)
    first = call("report", study, "--out", tmp_path)
    assert first.exit_code == 0 and "the report leaves it out" in first.stderr
    record(load(other), tmp_path, score)
    assert call("report", study, "--out", tmp_path).exit_code == 0
    folders = [path.name for path in (tmp_path / "help").iterdir()]
    assert len(folders) == 1, "the report of the study itself"
    assert next(tmp_path.glob("help/*/beside.csv")).exists()
    assert next(tmp_path.glob("help/*/report.zh.html")).exists(), "in the language of the study"


@pytest.mark.usefixtures("no_figures")
def test_missing_and_failed_cells_are_counted(study: Path, tmp_path: Path) -> None:
    declared = load(study)
    cells = declared.cells()
    record(declared, tmp_path / "whole", score)
    whole, store = Store(tmp_path / "whole"), Store(tmp_path / "part")
    for i, cell in enumerate(cells[:-2]):
        found = whole.get(cell.key)
        assert found is not None
        outcome = "diverged" if i == 1 else "done"
        store.put(
            Record(cell.key, 0, outcome, scores=found.scores if outcome == "done" else {}, cost=found.cost)
        )
    shown = call("report", study, "--out", tmp_path / "part")
    assert shown.exit_code == 1
    assert "cells missing: 2, failed: 1" in shown.stderr


@pytest.mark.usefixtures("no_figures")
def test_training_sets_that_overlap_are_told_to_the_report(study: Path, tmp_path: Path) -> None:
    declared = load(study)
    record(declared, tmp_path, score)
    found = gather(declared, Store(tmp_path), "x")
    assert found.overlap == pytest.approx((0.48, 0.4)), "0.4 held out, 0.2 of the rest for validation"
    assert overlap(declared.split, 1, 1) is None
    assert overlap(dataclasses.replace(declared.split, by="time"), 1, 5) is None, "one split for all"
    csv_rows = csv.DictReader(io.StringIO(_report(study, tmp_path)))
    row = next(row for row in csv_rows if row["arm"] == "cwcl")
    narrow = float(row["interval_high"]) - float(row["interval_low"])
    assert float(row["corrected_interval_high"]) - float(row["corrected_interval_low"]) > narrow


def _report(study: Path, out: Path) -> str:
    assert call("report", study, "--out", out).exit_code == 0
    return next(out.glob("help/*/report.csv")).read_text(encoding="utf-8")


def test_columns_are_refused_when_the_study_is_read(study: Path) -> None:
    study.write_text(STUDY + "report: {columns: [mean, sdd]}\n")
    with pytest.raises(InvalidRequest, match="unknown column 'sdd'; did you mean 'sd'"):
        load(study)
