"""`precursor show`: what it lists, draws, says and refuses; it reads the record and trains nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from conftest import TINY
from rich.text import Text
from test_show_timeline import by_hand

from bench.cli import main
from bench.report.comparison import compare
from bench.report.drawing import Sketch
from bench.report.figures.example import example
from bench.report.lang import speaking
from bench.report.style import style
from bench.report.timeline import timeline
from bench.show.words import clock, told
from bench.store import Record, Store
from bench.study import load


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


def refused(found: Result, *said: str) -> None:
    assert found.exit_code == 2 and found.stdout == ""
    assert all(part in found.stderr for part in said), found.stderr
    assert found.stderr.strip().count("\n") == 0


def left(seed: int) -> dict[str, Any]:
    """What a run leaves: seed 0 tests spring and autumn, seed 1 autumn and batch-012."""
    arrays = by_hand()
    arrays["group"] = arrays["recording"]
    if seed:
        change = {4: 9, 9: 12}
        arrays["recording"] = np.array([change[each] for each in arrays["recording"]])
        arrays["recording_name"] = np.array(["autumn", "batch-012"])
        arrays["episode"] = np.array([[change[int(row[0])], *row[1:]] for row in arrays["episode"]])
        arrays["watched"] = np.array([[change[int(row[0])], *row[1:]] for row in arrays["watched"]])
    return arrays


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[Path, Path]:
    """A study on record, all but the change on seed 1."""
    path, out = tmp_path / "tiny.yaml", tmp_path / "out"
    path.write_text(TINY)
    store = Store(out)
    for cell in load(path).cells():
        if (cell.arm, cell.unit.seed) != ("cwcl", 1):
            told = {"current.balanced_accuracy": 0.7 + 0.01 * cell.unit.seed}
            cost = {"cpu_seconds": 1.0, "wall_seconds": 1.0}
            found = left(cell.unit.seed)
            store.put(
                Record(cell.key, 0, "done", cell=cell.content, scores=told, cost=cost, predictions=found)
            )
    return path, out


def test_it_lists_what_can_be_shown(recorded: tuple[Path, Path]) -> None:
    path, out = recorded
    found = call("show", path, "--out", out)
    assert found.exit_code == 0, found.stderr
    lines = [line.split() for line in found.stdout.splitlines()]
    assert ["spring", "0"] in lines and ["autumn", "0", "1"] in lines and ["batch-012", "1"] in lines
    facts = json.loads(call("show", path, "--out", out, "--json").stdout)
    assert facts["recordings"] == {"autumn": [0, 1], "batch-012": [1], "spring": [0]}


def test_it_draws_and_says_how_early_the_warning_was(recorded: tuple[Path, Path]) -> None:
    path, out = recorded
    found = call("show", path, "spring", "--out", out)
    assert found.exit_code == 0, found.stderr
    assert "baseline 60 s before; cwcl 60 s before; the video" in " ".join(found.stdout.split())
    assert "simulated furnace (std, seed 3" in found.stdout
    files = {each.suffix: each for each in out.rglob("show/*")}
    assert set(files) == {".svg", ".png", ".csv"}
    assert {each.stem for each in files.values()} == {"spring-seed-0"}
    assert "simulated furnace (std, seed 3" in files[".svg"].read_text()
    table = pd.read_csv(files[".csv"])
    assert set(table["arm"]) == {"baseline", "cwcl"}
    scores = table[(table["what"] == "score") & (table["modality"] == "current") & (table["arm"] == "cwcl")]
    assert list(scores["second"]) == list(np.arange(360.0, 960.0, 60.0))
    np.testing.assert_allclose(scores["value"], np.linspace(0, 1, 20)[:10])
    before = {path: path.read_bytes() for path in files.values()}
    call("show", path, "spring", "--out", out, "--json")
    assert {path: path.read_bytes() for path in files.values()} == before, "the same record, the same bytes"


def test_facts_for_a_script(recorded: tuple[Path, Path]) -> None:
    path, out = recorded
    facts = json.loads(call("show", path, "autumn", "--out", out, "--seed", 1, "--json").stdout)
    assert facts["unit"] == "seed 1" and [each["arm"] for each in facts["arms"]] == ["baseline"]
    assert facts["episodes"][0] == {"start": 660.0, "end": 800.0, "counted": True}
    assert facts["arms"][0]["current"]["warned"] == [60.0, None]
    assert all(Path(each).exists() for each in facts["files"])


def test_a_number_is_a_name_and_arms_can_be_chosen(recorded: tuple[Path, Path]) -> None:
    path, out = recorded
    facts = json.loads(call("show", path, "12", "--out", out, "--json", "--arm", "no_pretraining").stdout)
    assert (facts["recording"], facts["unit"]) == ("batch-012", "seed 1")
    assert [each["arm"] for each in facts["arms"]] == ["no_pretraining"]
    lacking = call("show", path, "batch-012", "--out", out, "--arm", "baseline", "--arm", "cwcl")
    assert lacking.exit_code == 0 and "cwcl has no finished run on seed 1" in lacking.stderr


def test_what_it_refuses(recorded: tuple[Path, Path], tmp_path: Path) -> None:
    path, out = recorded
    refused(call("show", path, "sprin", "--out", out), "'sprin'", "'spring'", "with the study alone")
    refused(call("show", path, "spring", "--out", out, "--seed", 1), "seed 1", "seed 0")
    refused(call("show", path, "spring", "--out", out, "--seed", 7), "0 to 1", "7")
    refused(call("show", path, "spring", "--out", out, "--arm", "cwc"), "did you mean 'cwcl'")
    nothing = call("show", path, "spring", "--out", tmp_path / "empty")
    assert nothing.exit_code == 1 and f"run `precursor grid {path} --out " in nothing.stderr
    assert not (tmp_path / "empty").exists()


def shown(width: int, language: str = "en") -> list[Text]:
    arrays = by_hand()
    arms = ("baseline", "an arm with a rather long name, 240 s")
    with speaking(language):
        return told([timeline(arrays, "spring", 4, arm, "seed 0") for arm in arms], "a study: spring", width)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [60, 100])
def test_words_fit_the_terminal(width: int, language: str) -> None:
    lines = shown(width, language)
    assert max(line.cell_len for line in lines) <= width
    drawn = [line.plain for line in lines]
    rung = [line for line in drawn if "▲" in line and "×" not in line]  # but for the line that explains both
    assert len(rung) == 4, "of two arms, current and video"
    assert sum("△" in line for line in rung) == 2, "that at 360 s is outside of what is watched"


def test_the_line_of_time_by_hand() -> None:
    lines = {line.plain[:16].strip(): line.plain for line in shown(60)}
    label = lines["shown on video"].removeprefix("shown on video  ")
    assert len(label) == 44
    spans = [(found.start(), found.end()) for found in re.finditer("█+", label)]
    step = (1140 - 360) / 44
    expected = [((start - 360) // step, -(-(end - 360) // step)) for start, end in ((660, 800), (1000, 1100))]
    assert spans == expected
    assert clock(3599.6) == "1:00:00"


def test_a_score_that_is_none_is_a_blank() -> None:
    arrays = by_hand()
    arrays["score"] = np.full(20, np.nan)
    lines = [line.plain for line in told([timeline(arrays, "spring", 4, "a", "seed 0")], "a study", 60)]
    assert next(line for line in lines if line.startswith("  current")).strip() == "current"


def test_the_report_shows_one_recording_by_rule(recorded: tuple[Path, Path]) -> None:
    from bench.gather import gather  # noqa: PLC0415

    path, out = recorded
    command = "precursor grid tiny --set seeds=2 --workers 2"
    evidence = gather(load(path), Store(out), command)
    for language in ("en", "zh"):
        with speaking(language), style():
            sketch: Sketch = next(example(compare(evidence)))
        assert "`precursor show tiny spring --set seeds=2`" in sketch.caption
        assert "60" in sketch.caption and set(sketch.data["recording"]) == {"spring"}
