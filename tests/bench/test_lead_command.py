import csv
import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from plants import lay, write_current

from bench.cli import main
from bench.lead import ESTIMATORS
from bench.lead import command as lead_command
from bench.lead.scan import Scan

SMALL = ["--set", "recordings=16", "--set", "hours=0.5", "--set", "lead=100", "--to", "300"]
QUICK = ["--estimators", "score_scan,cross_correlation"]


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    monkeypatch.setenv("PRECURSOR_CACHE", str(tmp_path / "cache"))
    return lambda *words: CliRunner().invoke(main, ["lead", *words, "--out", str(tmp_path / "out")])


def folder(tmp_path):
    (found,) = (tmp_path / "out" / "lead").iterdir()
    return found


def bytes_in(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


def test_it_answers_and_writes_and_does_so_again_byte_by_byte(invoke, tmp_path):
    first = invoke("furnace", *SMALL, *QUICK, "--lang", "zh")
    assert first.exit_code == 0, first.output
    assert "电流" in first.output and "score_scan" in first.output and "simulated furnace" in first.output
    written = bytes_in(folder(tmp_path))
    names = {"lead.json", "lead.csv", "lead.md", "lead.zh.md"}
    names |= {f"figures{zh}/lead.{kind}" for zh in ("", ".zh") for kind in ("svg", "png", "csv")}
    assert names <= set(written)
    told = json.loads(written["lead.json"])
    assert told["simulated"] and told["recommended"] == "score_scan" and told["seed"] == 0
    own = told["answers"][0]
    assert (
        own["finding"] == "found" and own["low"] < own["lead"] < own["high"] and abs(own["lead"] - 100) < 40
    )
    rows = list(csv.DictReader(written["lead.csv"].decode().splitlines()))
    assert [row["estimator"] for row in rows] == ["score_scan", "cross_correlation"]
    assert float(rows[0]["lead"]) == pytest.approx(own["lead"])
    assert "All recordings were looked at" in written["lead.md"].decode()
    assert invoke("furnace", *SMALL, *QUICK, "--lang", "zh").exit_code == 0
    assert bytes_in(folder(tmp_path)) == written
    # The same question in another language leaves nothing of the old answer behind.
    assert invoke("furnace", *SMALL, *QUICK).exit_code == 0
    left = bytes_in(folder(tmp_path))
    assert "figures.zh/lead.svg" not in left and "lead.zh.md" not in left


def test_each_question_has_a_folder_of_its_own(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for seed, root in enumerate((one, other)):
        lay(root, 1)
        write_current(root / "a", np.random.default_rng(10 + seed).normal(10, 1, (1800, 3)))

    def named(data=one, step=20.0, names=ESTIMATORS, seed=0, settings=()):
        scan = Scan(step=step)
        asked = lead_command.inquiry_of("plant", {"plant": str(data)}, settings, scan, names, seed)
        return lead_command.folder_of(asked)

    folders = [
        named(), named(other), named(step=10.0), named(seed=1), named(names=("infonce",)),
        named(settings=("shortest=30",)),
    ]  # fmt: skip
    assert len(set(folders)) == len(folders) and named() == folders[0]
    assert all(re.fullmatch(r"plant-own-data-plant-[0-9a-f]{6}", each) for each in folders)
    usual = lead_command.inquiry_of("furnace", {}, (), Scan(), ESTIMATORS, 0)
    assert lead_command.folder_of(usual) == "furnace-simulated-furnace-hard-seed-0"


def test_the_scan_of_the_examples_fits_a_cut_of_milling():
    (words,) = re.findall(r"lead milling .* (--from .*)", CliRunner().invoke(main, ["lead", "--help"]).output)
    low, high, step, window = map(float, words.split()[1::2])
    assert Scan(low, high, step, window).needed <= 36


def test_unrelated_modalities_are_no_evidence(invoke):
    found = invoke("furnace", *SMALL, "--set", "unrelated=true", "--estimators", "score_scan")
    assert found.exit_code == 0 and "No evidence that current and video go together" in found.output
    assert "modalities unrelated" in found.output


def test_a_study_keeps_its_test_part_to_itself(invoke, tmp_path):
    study = tmp_path / "mine.yaml"
    study.write_text(
        "question: Why?\ndataset: {name: furnace, recordings: 20, hours: 0.5}\nbaseline: {}\nseeds: 2\n"
        "windows: {margin: 300}\nsplit: {test: 0.4, validation: 0.2}\n"
    )
    found = invoke(str(study), "--to", "300", "--estimators", "score_scan", "--json")
    assert found.exit_code == 0, found.output
    told = json.loads(found.output)
    assert told["spared"] == 8 and len(told["recordings"]) + len(told["left_out"]) == 12
    assert "8 recordings of the test part" in " ".join(told["said"])
    every = invoke(str(study), "--to", "300", "--estimators", "score_scan", "--json", "--everything")
    assert json.loads(every.output)["spared"] == 0


def test_wrong_requests_are_one_sentence_before_anything_is_read(invoke, monkeypatch):
    monkeypatch.setattr(lead_command, "prepare", None)
    for words, said in (
        (["furnance"], "a study"),
        (["furnace", "--estimators", "score"], "unknown estimator"),
        (["furnace", "--from", "0", "--to", "10"], "needs 5 to 1000 leads"),
        (["furnace", "--step", "0"], "lead.step must lie in"),
        (["furnace", "--set", "words=3"], "words"),
        (["furnace", "--data", "skab=here"], "--data must name furnace"),
        (["furnace", "--data", "skab"], "--data must read NAME=PATH"),
    ):
        found = invoke(*words)
        assert found.exit_code == 2 and said in found.output, (words, found.output)
        assert "Traceback" not in found.output and len(found.output.strip().splitlines()) == 1


def test_an_interrupted_inquiry_writes_nothing(invoke, monkeypatch, tmp_path):
    def stopped(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(lead_command, "inquire", stopped)
    found = invoke("furnace", *SMALL, *QUICK)
    assert found.exit_code == 1 and "nothing was written" in found.output
    assert not (tmp_path / "out" / "lead").exists()
