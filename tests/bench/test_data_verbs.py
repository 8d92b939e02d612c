"""`precursor data`: which source files belong to, what is said of them, and exit codes."""

import fmf_files as files
import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.looking import source_of
from models.errors import InvalidRequest


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_the_source_is_told_from_the_files_or_named(tmp_path):
    inner = files.second(tmp_path / "with=sign")
    (tmp_path / "empty").mkdir()
    assert source_of(str(inner.parent)) == ("fmf", inner.parent)
    assert source_of(f"skab={tmp_path}") == ("skab", tmp_path)
    (tmp_path / "cuts" / "cut_number").mkdir(parents=True)
    (tmp_path / "cuts" / "cut_number" / "cut1.csv").touch()
    for name in ("other", "valve1", "valve2"):
        (tmp_path / "pump" / "data" / name).mkdir(parents=True)
    assert source_of(str(tmp_path / "cuts"))[0] == "milling"
    assert source_of(str(tmp_path / "pump"))[0] == source_of(str(tmp_path / "pump" / "data"))[0] == "skab"
    for place, said in (
        (tmp_path / "nowhere", "there is none at"),
        (tmp_path / "empty", "looks like no known source; write fmf="),
        (f"scab={tmp_path}", "did you mean 'skab'"),
    ):
        with pytest.raises(InvalidRequest, match=said):
            source_of(str(place))


def test_check_says_what_is_there_and_how_it_stands(tmp_path):
    inner = files.second(tmp_path)
    files.edit(inner / "currents" / "batch-2.csv", 9, "2023-05-10 21:33:30,1,2,nan")
    done = call("data", "check", inner)
    assert done.exit_code == 2 and "X " in done.output and "phase C in line 9 is 'nan'" in done.output
    assert "Traceback" not in done.output
    nothing = call("data", "check", tmp_path / "nowhere")
    assert nothing.exit_code == 2 and "check the path" in nothing.output


def test_a_world_is_simulated_checked_and_converted(tmp_path):
    words = ("--layout", "fmf", "--recordings", 2, "--hours", 0.2, "--rate", 1, "--world", "std")
    assert call("data", "simulate", tmp_path / "one", *words, "--release", 1).exit_code == 0
    converted = call("data", "convert", tmp_path / "one", tmp_path / "two", "--rate", 1)
    assert converted.exit_code == 0 and "time counts from 2000-01-01 00:00:00" in converted.output
    checked = call("data", "check", tmp_path / "two")
    assert checked.exit_code == 0 and "can be used: 0 wrong" in checked.output
    title = "simulated furnace (std, seed 0, 2 batches, 12 min each), as FMF release 2"
    assert f"{title}: 2 recordings" in checked.output


def test_requests_that_cannot_be_served(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    for words, said in (
        (("simulate", tmp_path / "full", "--layout", "fmf"), "must be an empty folder"),
        (
            ("simulate", tmp_path / "new", "--layout", "fmf", "--world", "hrad"),
            "--world.world must be one of",
        ),
        (("simulate", tmp_path / "new", "--layout", "mat"), "'mat' is not one of"),
        (("convert", tmp_path / "gone", tmp_path / "new"), "there is none at"),
        (("convert", tmp_path / "full", tmp_path / "new"), "but has neither"),
    ):
        done = call("data", *words)
        assert done.exit_code == 2 and said in done.output, done.output
    assert not (tmp_path / "new").exists()
