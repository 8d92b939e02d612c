"""The search command, from a study to its confirmed winners."""

import csv

import pytest
from click.testing import CliRunner
from conftest import TINY

from bench.cli import main
from bench.search.log import searches
from bench.store import Store

SEARCH = "search: {trials: 2, seeds_per_trial: 1, confirm_seeds: 2, against: [random]}\n"


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A search without its confirmation: the study, where it lies, and what was said."""
    folder = tmp_path_factory.mktemp("search")
    study = folder / "tiny.yaml"
    study.write_text(TINY + SEARCH)
    out = folder / "out"
    return study, out, call("search", study, "--out", out, "--engine", "local", "--no-confirm")


def test_a_search_says_what_everybody_may_spend_and_what_won(searched):
    _, out, said = searched
    assert said.exit_code == 0
    assert "2 trials x 1 seed x 2 epochs for each of 2 arms; 0 of 8 trials on record" in said.stderr
    assert "the same command proposes the same" in said.stderr
    won = [line for line in said.stdout.splitlines() if "on validation, trial" in line]
    assert [line.partition(":")[0] for line in won] == ["baseline", "cwcl"]
    assert [len(log.trials()) for log in searches(out)] == [2] * 4


def test_before_the_confirmation_nothing_of_the_test_part_is_on_record(searched):
    _, out, _ = searched
    records = list(Store(out).records())
    assert records
    for record in records:
        assert record.cell["read"] == "validation"
        assert all(name.startswith("validation.") for name in record.scores)


def test_a_report_before_the_confirmation_says_what_to_run(searched):
    study, out, _ = searched
    said = call("report", study, "--search", "--out", out)
    assert said.exit_code == 1
    assert f"not confirmed yet; run `precursor search {study} --out {out}`" in said.stderr


@pytest.mark.slow
def test_confirmation_reads_the_record_of_the_search_and_reports_the_same_bytes_twice(searched):
    study, out, _ = searched
    ran = len(list(Store(out).records()))
    said = call("search", study, "--out", out, "--engine", "local")
    assert said.exit_code == 0
    assert "8 of 8 trials on record" in said.stderr
    (folder,) = (out / "tiny").glob("*-search")
    first = {path.name: path.read_bytes() for path in folder.rglob("*.*")}
    assert {"report.html", "report.md", "report.tex", "report.csv", "trials.csv", "tuning.csv"} <= set(first)
    with open(folder / "runs.csv") as file:
        rows = list(csv.DictReader(file))
    assert {row["arm"] for row in rows} == {
        "baseline", "cwcl", "no_pretraining", "baseline, as declared", "cwcl, as declared"
    }  # fmt: skip
    keys = {row["key"] for row in rows}
    assert len(list(Store(out).records())) == ran + len(keys)
    assert all("read" not in record.cell for record in Store(out).records() if record.key in keys)
    again = call("report", study, "--search", "--out", out)
    assert again.exit_code == 0
    assert {path.name: path.read_bytes() for path in folder.rglob("*.*")} == first


@pytest.mark.slow
def test_a_report_of_fewer_trials_replaces_none_and_needs_its_own_confirmation(searched):
    study, out, _ = searched
    before = {path: path.read_bytes() for path in (out / "tiny").rglob("*.*")}
    said = call("report", study, "--search", "--trials", 1, "--out", out)
    after = {path: path.read_bytes() for path in (out / "tiny").rglob("*.*")}
    assert {path: after[path] for path in before} == before
    # One trial each: the winner is the arm as declared, which was confirmed beside the others.
    assert said.exit_code == 0
    assert [path.name for path in (out / "tiny").glob("*-1-trials-search")]


@pytest.mark.slow
def test_what_failed_by_a_limit_is_said_and_tried_again_when_asked(tmp_path):
    study, out = tmp_path / "tiny.yaml", tmp_path / "out"
    study.write_text(TINY.replace("epochs: 2, windows: 256", "epochs: 60, windows: 256") + SEARCH)
    small = ("search", study, "--out", out, "--engine", "local", "--no-confirm", "--trials", 1)
    short = ("--set", "search.against=[]")
    said = call(*small, *short, "--timeout", 1)
    assert said.exit_code == 1
    assert "baseline (timeout)" in said.stderr
    assert "--retry-failed" in said.stderr
    kept = call(*small, *short)
    assert kept.exit_code == 1
    again = call(*small, *short, "--retry-failed")
    assert again.exit_code == 0
    (trials, _) = (log.trials() for log in searches(out))
    assert [trial.state for trial in trials] == ["complete"]


def test_a_sampler_that_never_learns_says_so(searched):
    _, _, said = searched
    assert "tpe learns from 10 trials on: these are all drawn at random" in said.stderr


@pytest.mark.parametrize("verb", ["search", "dashboard"])
def test_a_place_where_nothing_can_be_written_is_refused(tmp_path, verb):
    study = tmp_path / "tiny.yaml"
    study.write_text(TINY + SEARCH)
    words = [study] if verb == "search" else []
    found = call(verb, *words, "--out", study)
    assert found.exit_code == 2
    assert "a folder" in found.stderr
    assert found.stderr.strip().count("\n") == 0


@pytest.mark.slow
def test_more_trials_are_a_total_and_fewer_run_nothing(searched):
    study, out, _ = searched
    said = call("search", study, "--out", out, "--engine", "local", "--no-confirm", "--trials", 3)
    assert "8 of 12 trials on record" in said.stderr
    assert [len(log.trials()) for log in searches(out)] == [3] * 4
    fewer = call("search", study, "--out", out, "--engine", "local", "--no-confirm", "--trials", 1)
    assert "4 of 4 trials on record" in fewer.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "search.space.quantizer.code=[1]"), "quantizer.codes"),
        (("--set", "search.space={quantizer.codes: {low: 9, high: 3}}"), "must not be empty"),
        (("--set", "search.objectives=[current.auroc]"), "put it first"),
        (("--set", "search.sampler=best"), "tpe"),
        (("--set", "search.trials=0"), "search.trials must lie in"),
        (("--trials", "0"), "0 is not in the range"),
        (("--set", "split.validation=0"), "validation part"),
        (("--set", "search.space={lead: [240, 100000]}"), "lead"),
        (("--device", "cuda"), "no"),
        (("--engine", "local", "--address", "10.0.0.1:1"), "an address needs engine 'ray'"),
    ],
)
def test_bad_requests_stop_before_anything_runs(tmp_path, words, said):
    study = tmp_path / "tiny.yaml"
    study.write_text(TINY + SEARCH)
    found = call("search", study, "--out", tmp_path / "out", *words)
    assert found.exit_code == 2
    assert said in found.stderr
    assert found.stderr.strip().count("\n") == 0
    assert not (tmp_path / "out").exists()


def test_a_search_block_is_checked_by_every_verb(tmp_path):
    study = tmp_path / "tiny.yaml"
    study.write_text(TINY + "search: {trails: 3}\n")
    found = call("plan", study, "--out", tmp_path / "out")
    assert found.exit_code == 2
    assert "trials" in found.stderr
