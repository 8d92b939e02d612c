"""The report as files: complete, deterministic, self-contained."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_report_evidence import BASE, CHANGE, METRIC, evidence, run, synthetic

from bench.report.evidence import ArmInfo, Evidence
from bench.report.write import write

FIGURES = ("differences", "scores", "slopes", "critical_difference", "factor_contrast", "factor_codes")
SCRIPT = """
import sys; sys.path.insert(0, {here!r})
from test_report_evidence import synthetic
from bench.report.write import write
found = synthetic()
write(found, sys.argv[1])
assert not {{"torch", "ray"}} & set(sys.modules)
"""


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write(synthetic(), folder)
    return folder


def test_same_evidence_same_bytes_in_two_processes(written: Path, tmp_path: Path) -> None:
    other = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    script = SCRIPT.format(here=str(Path(__file__).parent))
    environment = {**os.environ, "PYTHONHASHSEED": other}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, env=environment)
    first, second = digests(written), digests(tmp_path)
    assert first == second
    assert set(first) == {
        "report.html",
        "report.md",
        "report.csv",
        "report.json",
        "cells.csv",
        "report.tex",
        "runs.csv",
        *(f"figures/{name}.{kind}" for name in FIGURES for kind in ("svg", "png", "csv")),
    }


def test_order_of_runs_changes_no_byte_and_stale_figures_go(written: Path, tmp_path: Path) -> None:
    found = synthetic()
    again = Evidence(**{**vars(found), "runs": found.runs.sample(frac=1, random_state=1)})
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "factor_gone.svg").write_text("old")
    (tmp_path / "figures" / "notes.txt").write_text("mine")
    paths = write(again, tmp_path)
    found_now = digests(tmp_path)
    assert found_now.pop("figures/notes.txt")
    assert found_now == digests(written)
    assert sorted(str(p.relative_to(tmp_path)) for p in paths) == sorted(found_now)


def test_runs_csv_holds_every_run(written: Path) -> None:
    read = pd.read_csv(written / "runs.csv", keep_default_na=True)
    made = synthetic().runs
    assert list(read["key"]) == list(made["key"])
    assert np.allclose(read[METRIC], made[METRIC], equal_nan=True, atol=0, rtol=0)


def test_every_table_and_figure_names_the_data(written: Path) -> None:
    data = "simulated furnace (hard, seed 0)"
    page = (written / "report.html").read_text(encoding="utf-8")
    captions = re.findall(r'<figure class="table".*?<figcaption>(.*?)</figcaption>', page, flags=re.S)
    assert len(captions) == 8
    assert all(data in caption for caption in captions)
    for figure in (written / "figures").glob("*.svg"):
        assert data in figure.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", ["nothing", "all failed", "one arm", "one seed", "chinese"])
def test_edges_write_a_whole_report(case: str, tmp_path: Path) -> None:
    rows = {
        "nothing": [],
        "all failed": [
            run(arm, s, 0.5, outcome="oom", message="<b>&") for arm in ("base", "b") for s in range(3)
        ],
        "one arm": [run("base", s, 0.7 + 0.01 * s) for s in range(3)],
        "one seed": [run("base", 0, 0.7), run("b", 0, 0.8)],
        "chinese": [run(arm, s, 0.7 + 0.01 * s * len(arm)) for arm in ("base", "电弧 $x$") for s in range(3)],
    }[case]
    arms = {"one arm": (BASE,), "chinese": (BASE, ArmInfo("电弧 $x$", "change", "电流→视频"))}.get(
        case, (BASE, CHANGE)
    )
    write(evidence(rows, arms, question="炉子?"), tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "炉子?" in page
    assert "<b>&" not in page
    assert "nan" not in (tmp_path / "report.csv").read_text(encoding="utf-8").lower()
    assert not re.search(r"\bnan\b", (tmp_path / "report.md").read_text(encoding="utf-8").lower())
    assert not list(tmp_path.glob(".*")), "no temporary file stays"
    drawn = {path.stem for path in (tmp_path / "figures").glob("*.svg")}
    expected = {"nothing": set(), "all failed": set(), "one arm": {"scores"}}.get(
        case, {"scores", "differences", "slopes"}
    )
    assert drawn == expected
    if case == "chinese":
        assert "电弧 $x$" in (tmp_path / "figures" / "scores.svg").read_text(encoding="utf-8")
