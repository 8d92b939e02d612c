import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.store import Store

ROOT = Path(__file__).parents[2]


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


def refused(found, said, *untouched):
    """One sentence on standard error, exit code 2, nothing written."""
    assert found.exit_code == 2
    assert found.stdout == ""
    assert said in found.stderr
    assert found.stderr.strip().count("\n") == 0
    assert "Traceback" not in found.stderr
    for path in untouched:
        assert not path.exists()


def test_help_is_one_screen_with_examples():
    for verb in ((), ("grid",), ("plan",), ("report",), ("status",), ("list",), ("data", "check")):
        shown = call(*verb, "--help")
        assert shown.exit_code == 0
        assert len(shown.stdout.splitlines()) <= 40
        assert "precursor" in shown.stdout


def test_help_needs_neither_torch_nor_ray_nor_pandas():
    heavy = ("torch", "ray", "pandas", "numpy")
    code = f"import sys, bench.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_list_shows_every_slot_and_component():
    lines = call("list").stdout.splitlines()
    rows = json.loads(call("list", "--json").stdout)
    assert sum(line.startswith("  ") for line in lines) == len(rows)
    assert {"contrast", "quantizer", "dataset", "head"} <= {row["slot"] for row in rows}
    assert all(row["summary"] for row in rows)


def test_list_of_one_slot_and_of_none():
    assert call("list", "contrast").stdout.startswith("contrast: ")
    assert call("list", "preset").stdout.startswith("preset: ")
    refused(call("list", "contrasts"), "did you mean 'contrast'")


def test_plan_runs_and_writes_nothing(tiny, tmp_path):
    out = tmp_path / "out"
    shown = call("plan", tiny, "--out", out)
    assert shown.exit_code == 0
    assert "6: 0 on record, 0 failed for good, 6 to run" in shown.stdout
    assert "6 pairs can" in shown.stdout
    assert not out.exists()
    facts = json.loads(call("plan", tiny, "--out", out, "--json").stdout)
    assert (facts["cells"], facts["to_run"]) == (6, 6)


def test_grid_then_report_then_status(tiny, tmp_path):
    out = tmp_path / "out"
    ran = call("grid", tiny, "--out", out, "--engine", "local", "--workers", 2)
    assert ran.exit_code == 0, ran.stderr
    pages = list(out.rglob("report.html"))
    assert len(pages) == 1
    assert str(pages[0]) in ran.stdout
    before = {path: path.read_bytes() for path in pages[0].parent.rglob("*") if path.is_file()}
    assert {"report.md", "report.csv", "report.tex", "report.html"} <= {path.name for path in before}

    again = call("grid", tiny, "--out", out)
    assert again.exit_code == 0
    assert again.stdout == ran.stdout
    assert call("report", tiny, "--out", out).exit_code == 0
    assert before == {path: path.read_bytes() for path in before}

    assert "6 of 6 cells done, 0 to run" in call("status", tiny, "--out", out).stdout
    assert "6 records" in call("status", "--out", out).stdout
    assert json.loads(call("status", tiny, "--out", out, "--json").stdout)["missing"] == 0
    assert "6 on record" in call("plan", tiny, "--out", out).stdout

    more = call("grid", tiny, "--out", out, "--engine", "local", "--set", "seeds=3")
    assert more.exit_code == 0
    assert len(list((out / "records").glob("*.json"))) == 9


def test_report_without_a_record_says_what_to_run(tiny, tmp_path):
    shown = call("report", tiny, "--out", tmp_path / "out")
    assert shown.exit_code == 1
    assert "run `precursor grid" in shown.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["changes.x.contrast=infonec"], "did you mean 'infonce'"),
        (["changes.x.quantizer.coodes=3"], "did you mean 'codes'"),
        (["baseline.quantizer.codes=1000000"], "must lie in"),
        (["seeds=0"], "study.seeds must lie in"),
        (["dataset={name: milling, path: /nowhere/at/all}"], "/nowhere/at/all"),
        (["dataset={name: milling}"], "path"),
        (["baseline.lead=4000"], "lead must be shorter than a recording"),
        (["baseline.lead=400"], "raise windows.margin"),
        (["windows.margin=100000"], "lower windows.margin"),
        (["split.test=0.01"], "both classes"),
        (["baseline.alignment.steps=30"], "alignment.cross_cpc.steps"),
        (["changes.x.fusion={name: self_attention, heads: 5}"], "arm 'x': fusion.heads must divide"),
        (["changes.x.codebook_optimizer={name: toc, widths: 'a,b'}"], "arm 'x': "),
        (
            ["changes.x={head: code_table, quantizer: none, code_matching: none}"],
            "code_table needs a codebook",
        ),
        (["windows.margin=.inf"], "windows.margin"),
        (["baseline.lead=.nan"], "number of seconds"),
        (["budget.windows=1" + "0" * 500], "budget.windows must lie in"),
        (["windows.stride=1" + "0" * 500], "windows.stride must be of type float"),
        (["question=2020-13-45"], "plain YAML"),
        (["seeds=!!int abc"], "plain YAML"),
        (["dataset={name: skab, path: 3}"], "dataset.path must be text"),
        (["dataset={name: skab, path: ''}"], "dataset.path must be text"),
        (["changes.clock.contrast=triplet", "references=[clock]"], "'clock' twice"),
        (["metric=current.false_alarm_rate"], "unknown metric"),
    ],
)
def test_bad_requests_stop_before_anything_runs(tiny, tmp_path, settings, said):
    out = tmp_path / "out"
    refused(call("grid", tiny, "--out", out, *(w for s in settings for w in ("--set", s))), said, out)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{not yaml: [", "plain YAML"),
        ("question: a\nquestion: b\n", "'question' twice"),
        ("question: !!python/object/apply:os.system ['touch executed']\n", "without tags"),
        ("- a list\n", "mapping of keys"),
    ],
)
def test_bad_files(tmp_path, monkeypatch, text, said):
    monkeypatch.chdir(tmp_path)
    path, out = tmp_path / "bad.yaml", tmp_path / "out"
    path.write_text(text)
    refused(call("grid", path, "--out", out), said, out, tmp_path / "executed")


def test_empty_and_broken_data_folders(tiny, tmp_path):
    empty, out = tmp_path / "empty", tmp_path / "out"
    empty.mkdir()
    for name in ("milling", "skab"):
        refused(call("grid", tiny, "--out", out, "--data", f"{name}={empty}"), str(empty), out)
    refused(call("grid", tiny, "--out", out, "--data", "skab"), "NAME=PATH", out)
    refused(call("grid", tiny, "--out", out, "--data", "scab=x"), "did you mean 'skab'", out)
    refused(call("data", "check", f"skab={empty}"), str(empty))


def test_options_are_checked_like_studies(tiny, tmp_path):
    import torch

    out, taken = tmp_path / "out", tmp_path / "taken"
    taken.write_text("")
    refused(call("grid", tiny, "--out", taken), "choose another --out")
    refused(call("grid", tiny, "--out", out, "--workers", 0), "--workers", out)
    refused(call("grid", tiny, "--out", out, "--colour", "red"), "--colour", out)
    refused(call("grid", "x" * 300, "--out", out), "shorten the name", out)
    refused(call("grid", "--out", out), "STUDY", out)
    if not torch.cuda.is_available():
        refused(call("grid", tiny, "--out", out, "--device", "cuda"), "use --device auto", out)


def test_numbers_may_be_written_with_an_exponent(tiny, tmp_path):
    found = call("plan", tiny, "--out", tmp_path / "out", "--set", "baseline.optimizer.learning_rate=1e-3")
    assert found.exit_code == 0


def test_a_report_of_other_settings_does_not_replace_one(tiny, tmp_path):
    out = tmp_path / "out"
    words = (
        "--out",
        out,
        "--engine",
        "local",
        "--set",
        "seeds=1",
        "--set",
        "controls=[]",
        "--set",
        "changes={}",
    )
    assert call("grid", tiny, *words).exit_code == 0
    assert call("report", tiny, *words[:2], *words[4:], "--set", "metric=current.auroc").exit_code == 0
    assert len(list(out.rglob("report.html"))) == 2


def test_unknown_study_names_those_there_are(monkeypatch):
    monkeypatch.chdir(ROOT)
    refused(call("plan", "contrastive_los"), "contrastive_loss")
    assert call("plan", "contrastive_loss").exit_code == 0


@pytest.mark.parametrize("path", sorted((ROOT / "ablations").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_study_can_decide_its_question(path, tmp_path):
    facts = json.loads(call("plan", path, "--out", tmp_path / "none", "--json").stdout)
    assert facts["to_run"] == facts["cells"] > 0
    assert facts["warning"] is None


@pytest.mark.slow
def test_grid_through_ray_equals_grid_without_it(tiny, tmp_path):
    for engine in ("ray", "local"):
        command = [sys.executable, "-m", "bench.cli", "grid", str(tiny), "--out", str(tmp_path / engine)]
        done = subprocess.run(
            [*command, "--engine", engine, "--workers", "2"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env=os.environ,
        )
        assert done.returncode == 0, done.stderr
    ours, theirs = ({r.key: r for r in Store(tmp_path / engine).records()} for engine in ("ray", "local"))
    assert ours.keys() == theirs.keys() and len(ours) == 6
    for key, record in ours.items():
        assert record.done
        assert record.scores == theirs[key].scores


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["ray", "local"])
def test_a_killed_grid_goes_on_where_it_stopped(tiny, tmp_path, engine):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "bench.cli", "grid", str(tiny), "--out", str(out), "--engine", engine]
    store = Store(out)
    driver = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not store.done():
            assert driver.poll() is None
            time.sleep(0.05)
    finally:
        driver.kill()
        driver.wait()
    kept = {key: (out / "records" / f"{key}.0.json").read_bytes() for key in store.done()}
    assert 0 < len(kept) < 6

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(store.done()) == 6
    assert len(list(store.records())) == 6
    assert kept == {key: (out / "records" / f"{key}.0.json").read_bytes() for key in kept}
    assert store.damaged() == []


@pytest.mark.parametrize(("words", "code", "said"), [(["plan", "nowhere"], 2, "nowhere"), (["list"], 0, "")])
def test_the_program_leaves_with_its_code_and_all_it_had_to_say(words, code, said):
    done = subprocess.run(
        [sys.executable, "-m", "bench.cli", *words], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == code and said in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == CliRunner().invoke(main, words).stdout
