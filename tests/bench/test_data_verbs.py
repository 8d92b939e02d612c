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
    words = ("--layout", "fmf", "--recordings", 2, "--hours", 0.4, "--rate", 1, "--world", "std")
    written = call("data", "simulate", tmp_path / "one", *words, "--release", 1)
    assert written.exit_code == 0 and "one --set rate=1` says what is there" in written.output
    native = call("data", "check", tmp_path / "one", "--set", "rate=1")
    assert native.exit_code == 0 and "1,440 frames of 64 x 64 at 1 a second" in native.output
    assert (
        "known: label, pictures, rate, side" in call("data", "check", tmp_path / "one", "--set", "r=1").output
    )
    converted = call("data", "convert", tmp_path / "one", tmp_path / "two", "--rate", 1)
    assert converted.exit_code == 0 and "time counts from 2000-01-01 00:00:00" in converted.output
    checked = call("data", "check", tmp_path / "two")
    assert checked.exit_code == 0 and "can be used: 0 wrong" in checked.output
    title = "simulated furnace (std, seed 0, 2 batches, 24 min each), as FMF release 2"
    assert f"{title}: 2 recordings" in checked.output


def test_requests_that_cannot_be_served(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    for words, said in (
        (("simulate", tmp_path / "full", "--layout", "fmf"), "must be an empty folder"),
        (
            ("simulate", tmp_path / "new", "--layout", "fmf", "--world", "hrad"),
            "furnace.world must be one of",
        ),
        (("simulate", tmp_path / "new", "--layout", "mat"), "'mat' is not one of"),
        (("simulate", tmp_path / "new", "--layout", "plant", "--hours", "nan"), "furnace.hours must"),
        (
            ("simulate", tmp_path / "new", "--layout", "plant", "--rate", 25),
            "--rate must go with --layout fmf",
        ),
        (
            ("simulate", tmp_path / "new", "--layout", "plant", "--real-sizes"),
            "--real-sizes must go with --layout fmf",
        ),
        (
            ("simulate", tmp_path / "new", "--layout", "fmf", "--real-sizes", "--recordings", 1),
            "--real-sizes must go without --recordings",
        ),
        (("convert", tmp_path / "gone", tmp_path / "new"), "there is none at"),
        (("convert", tmp_path / "full", tmp_path / "new"), "but has neither"),
    ):
        done = call("data", *words)
        assert done.exit_code == 2 and said in done.output, done.output
    assert not (tmp_path / "new").exists()


def test_names_that_are_no_utf_8_are_shown_as_escapes(tmp_path):
    inner = files.second(tmp_path)
    (inner / "videos" / "notes-\udcff.txt").write_text("x")
    done = call("data", "check", inner)
    assert "notes-\\udcff.txt" in done.output and "is not read" in done.output
    for name in ("day", "night-\udcff"):
        (tmp_path / "plant" / name).mkdir(parents=True)
        (tmp_path / "plant" / name / "current.csv").touch()
    done = call("data", "check", f"plant={tmp_path / 'plant'}")
    assert done.exit_code == 2 and "printable names in UTF-8, but has 'night-\\udcff'; rename" in done.output
