"""A recording in time: what the record holds of it, and what a timeline makes of that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cell.parts import parts_of
from bench.cell.timeline import moments
from bench.cell.warnings import early_warnings
from bench.data.dataset import Dataset
from bench.grid import prepare_data
from bench.report.figures.example import typical
from bench.report.timeline import recordings, timeline
from bench.study import load

STUDY = """
question: Who warns when?
dataset: {name: furnace, world: std, seed: 5, recordings: 40, hours: 1.2}
windows: {margin: 300}
seeds: 1
baseline: {}
"""


def by_hand(**more: Any) -> dict[str, Any]:
    """Two recordings: 4 is warned of 60 s ahead, rings falsely and once outside of the time watched."""
    end = np.arange(600.0, 1200.0, 60.0)
    alarm = np.zeros((2, 20), dtype=np.int8)
    alarm[0, [0, 1, 4]] = 2, 1, 2  # recording 4: raised at 360 s and at 600 s
    alarm[1, 5] = 2
    return {
        "recording": np.repeat([4, 9], 10),
        "recording_name": np.array(["spring", "autumn"]),
        "score": np.linspace(0, 1, 20),
        "video_score": np.linspace(1, 0, 20),
        "label": np.tile([0, 0, 0, 1, 1, 0, 0, 1, 1, 0], 2),
        "end": np.tile(end, 2),
        "moment": np.stack([np.tile(end - 240, 2), np.tile(end, 2)]),
        "alarm": alarm,
        "episode": np.array([[4, 660.0, 800.0, 1], [4, 1000.0, 1100.0, 0], [9, 900.0, 960.0, 1]]),
        "watched": np.array([[4, 400.0, 950.0], [9, 400.0, 950.0]]),
        "horizon": np.array([250.0]),
        "lead": np.array([240.0]),
        "alarm_level": np.array([0.6, 0.7]),
        **more,
    }


def test_a_recording_by_hand() -> None:
    arrays = by_hand()
    assert recordings(arrays) == {"spring": 4, "autumn": 9}
    found = timeline(arrays, "spring", 4, "baseline", "seed 0")
    assert found.span == (360.0, 1140.0) and found.lead == 240 and found.horizon == 250
    assert found.episodes.tolist() == [[660, 800], [1000, 1100]] and found.counted.tolist() == [True, False]
    current, video = found.lines["current"], found.lines["video"]
    assert current.time.tolist() == list(np.arange(360.0, 960.0, 60.0))
    assert current.alarms.tolist() == [360, 600] and current.threshold == 0.6
    assert current.aside.tolist() == [True, False]
    assert current.met.tolist() == [False, True], "300 s before the episode is too early"
    assert current.false.tolist() == [False, False], "at 360 s nobody counts"
    assert current.on.tolist() == [True, True, False, False, True, *[False] * 5]
    np.testing.assert_array_equal(current.warned, [60, np.nan])
    np.testing.assert_array_equal(video.warned, [np.nan, 100])
    early = timeline(by_hand(watched=np.array([[4, 300.0, 950.0]])), "spring", 4, "baseline", "seed 0")
    assert early.lines["current"].false.tolist() == [True, False]


def test_an_alarm_meets_is_false_or_counts_as_nothing() -> None:
    arrays = by_hand(horizon=np.array([100.0]))
    arrays["alarm"][0, :5] = 2, 0, 2, 0, 2  # at 360 s, before the watch; at 480 s; at 600 s, 60 s ahead
    line = timeline(arrays, "spring", 4, "baseline", "seed 0").lines["current"]
    assert line.alarms.tolist() == [360, 480, 600]
    assert (line.aside.tolist(), line.false.tolist(), line.met.tolist()) == (
        [True, False, False],
        [False, True, False],
        [False, False, True],
    )


def test_an_alarm_during_an_episode_is_late() -> None:
    alarm = np.zeros((2, 20), dtype=np.int8)
    alarm[0, 6] = 2  # 720 s
    found = timeline(by_hand(alarm=alarm), "spring", 4, "baseline", "seed 0").lines["current"]
    assert found.warned[0] == -60 and found.met.all()


def test_records_without_rules_or_names_are_shown_too() -> None:
    arrays = {name: by_hand()[name] for name in ("recording", "score", "label", "end")}
    assert recordings(arrays) == {"4": 4, "9": 9} and recordings({}) == {}
    found = timeline(arrays, "9", 9, "baseline", "seed 0", lead=240)
    assert list(found.lines) == ["current"] and not found.ruled
    assert found.lines["current"].time[0] == 360, "known a lead before the window of the video ends"
    assert found.episodes.tolist() == [[780, 840], [1020, 1080]], "from the labels of the windows"
    assert not found.lines["current"].alarms.size and np.isnan(found.lines["current"].warned).all()


def test_the_example_is_the_median_recording() -> None:
    names = np.array(["a", "b", "c", "d", "e"])
    seconds = {0: 90.0, 1: 30.0, 2: 60.0, 3: 10.0}  # "e" is never warned of
    arrays: dict[str, Any] = {
        "recording": np.arange(5),
        "recording_name": names,
        "score": np.ones(5),
        "label": np.ones(5, dtype=int),
        "end": np.full(5, 500.0),
        "moment": np.stack([[500 - seconds.get(i, 0.0) for i in range(5)], np.full(5, 500.0)]),
        "alarm": np.stack([[2, 2, 2, 2, 0], np.zeros(5, dtype=int)]),
        "episode": np.array([[i, 500.0, 600.0, 1] for i in range(5)]),
        "watched": np.array([[i, 0.0, 600.0] for i in range(5)]),
        "horizon": np.array([300.0]),
    }
    assert typical(arrays) == "b", "of 10, 30, 60 and 90 s the lower one in the middle"
    assert typical({**arrays, "alarm": np.zeros((2, 5), dtype=int)}) is None


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Dataset, Any, Any]:
    path: Path = tmp_path_factory.mktemp("study") / "warned.yaml"
    path.write_text(STUDY)
    study = load(path)
    dataset = Dataset.open(prepare_data(study))
    cell = study.cells()[0].content
    windows = dataset.windows(study.windows, cell["arm"]["lead"])
    return cell, dataset, windows, parts_of(cell, dataset, windows, study.windows)


def test_a_timeline_rings_as_the_scores_on_record_say(
    prepared: tuple[dict[str, Any], Dataset, Any, Any],
) -> None:
    cell, dataset, windows, parts = prepared
    generator = np.random.default_rng(0)
    guesses = {
        modality: tuple(
            (windows.label[rows] + generator.normal(0, noise, len(rows))).clip(0, 1)
            for rows in (parts.validation, parts.test)
        )
        for modality, noise in (("current", 0.5), ("video", 0.2))
    }
    told = early_warnings(cell, guesses, dataset, windows, parts).predictions
    mine = moments(cell, {m: pair[1] for m, pair in guesses.items()}, dataset, windows, parts.test, told)
    rows = parts.test
    arrays = {
        "recording": windows.recording[rows],
        "end": windows.end[rows],
        "label": windows.label[rows],
        "score": guesses["current"][1].astype(np.float32),
        "video_score": guesses["video"][1].astype(np.float32),
        **told,
        **mine,
    }
    found = recordings(arrays)
    assert sorted(found) == sorted({dataset.tracks[i].name for i in windows.recording[rows]})
    main = list(told["warning_budget"]).index(1.0)
    for modality in ("current", "video"):
        source = list(told["warning_source"]).index(modality)
        shown = [timeline(arrays, name, index, "a", "u") for name, index in found.items()]
        warned = np.concatenate([each.lines[modality].warned[each.counted] for each in shown])
        np.testing.assert_allclose(np.sort(warned), np.sort(told["warning_seconds"][source, main]), atol=1e-3)
        false = sum(int(each.lines[modality].false.sum()) for each in shown)
        assert false == told["warning_alarms"][source, main, :, 1].sum()
        for each in shown:
            assert (np.diff(each.lines[modality].time) > 0).all()
