"""The report as files: complete, deterministic, self-contained; and figures nothing overlaps in."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_report_evidence import BASE, CHANGE, METRIC, evidence, run, synthetic

from bench.report import ArmInfo, Evidence, compare, write
from bench.report.figures import _figures, _style

SCRIPT = """
import sys; sys.path.insert(0, {here!r})
from test_report_evidence import synthetic
from bench.report import write
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
        "report.tex",
        "runs.csv",
        *(
            f"figures/{name}.{kind}"
            for name in ("differences", "scores", "factor_contrast", "factor_codes")
            for kind in ("svg", "png")
        ),
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


def test_page_is_self_contained_and_says_what_it_must(written: Path) -> None:
    page = (written / "report.html").read_text(encoding="utf-8")
    outside = re.findall(r"""(?:src|href)=["'](?!#)([^"']+)""", page) + re.findall(
        r"url\((?!#)([^)]*)\)", page
    )
    assert outside == []
    assert "<script" not in page
    assert "@import" not in page
    assert "prefers-color-scheme: dark" in page
    for said in (
        "Which contrastive loss lets the current borrow most from the video?",
        "The data are simulated",
        "cwcl is better than the baseline",
        "disentanglement &amp; 50 % less_data",
        "loss is NaN at epoch 3",
        "precursor report ablations/contrast.yaml",
        "0123abc",
    ):
        assert said in page, said
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r"url\(#([^)]+)\)", page)) | set(re.findall(r'href="#([^"]+)"', page))
    assert used <= set(ids)
    assert page.count("<svg") == 4
    visible = re.sub(r"<[^>]+>|<style>.*?</style>", " ", page, flags=re.S)
    assert not re.search(r"\bnan\b", visible)


def test_every_table_and_figure_names_the_data(written: Path) -> None:
    data = "simulated furnace (hard, seed 0)"
    page = (written / "report.html").read_text(encoding="utf-8")
    captions = re.findall(r'<figure class="table".*?<figcaption>(.*?)</figcaption>', page, flags=re.S)
    assert len(captions) == 6
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
        case, {"scores", "differences"}
    )
    assert drawn == expected
    if case == "chinese":
        assert "电弧 $x$" in (tmp_path / "figures" / "scores.svg").read_text(encoding="utf-8")


def many(arms: int) -> Evidence:
    generator = np.random.default_rng(arms)
    names = [f"arm {i}: {'no specific encoder, ' * (i % 3)}steps {i}" for i in range(arms)]
    infos = [ArmInfo("base", "baseline", levels={"a factor with a long name": "level 0 of the factor"})]
    infos += [
        ArmInfo(n, "change", levels={"a factor with a long name": f"level {i + 1} of the factor"})
        for i, n in enumerate(names)
    ]
    infos += [ArmInfo("shuffled_pairs", "control"), ArmInfo("supervised_current", "reference")]
    rows = [run(a.name, s, 0.7 + generator.normal(0, 0.03)) for a in infos for s in range(8)]
    data = "real arcs of a plant with a very long name, two campaigns, five folds by recording (version 12)"
    return evidence(rows, tuple(infos), factors=("a factor with a long name",), data=data)


@pytest.mark.parametrize("arms", [3, 12])
def test_no_text_of_a_figure_overlaps_or_leaves_it(arms: int) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    with _style():
        drawn = list(_figures(compare(many(arms))))
        assert [name for name, _, _ in drawn] == ["differences", "scores", "factor_a_factor_with_a_long_name"]
        for name, _, figure in drawn:
            FigureCanvasAgg(figure).draw()
            unseen = []
            for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
                low, high = sorted(axis.get_view_interval())
                unseen += [
                    tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high
                ]
            boxes = [
                (t.get_text(), t.get_window_extent())
                for t in figure.findobj(Text)
                if isinstance(t, Text) and t.get_visible() and t.get_text().strip() and t not in unseen
            ]
            canvas = figure.bbox
            for said, box in boxes:
                inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= canvas.x1 + 1 and box.y1 <= canvas.y1 + 1
                assert inside, (name, said)
            for (one, a), (other, b) in itertools.combinations(boxes, 2):
                width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
                assert width <= 1 or height <= 1, (name, one, other)


def test_huge_studies_draw_what_fits_and_say_so() -> None:
    infos = (BASE, *(ArmInfo(f"g{i:03}", "grid") for i in range(84)))
    rows = [
        run(a.name, s, 0.6 + 0.001 * i + 0.002 * s * (i % 3)) for i, a in enumerate(infos) for s in range(3)
    ]
    with _style():
        drawn = {name: figure for name, _, figure in _figures(compare(evidence(rows, infos)))}
    titles = {name: str(figure.get_suptitle()) for name, figure in drawn.items()}
    assert "20 arms not drawn" in titles["differences"]
    assert "arms not drawn" in titles["scores"]
    assert math.isclose(drawn["differences"].get_figwidth(), 8.0)
