"""Disturbed readings of a cell: windows, labels and training stay; only what is read at test differs."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from conftest import TINY

from bench.cell.run import run
from bench.data.dataset import Dataset
from bench.disturb import disturbed_frames, prepare_disturbed
from bench.disturb.disturbance import stream
from bench.disturb.request import build
from bench.grid import prepare_data
from bench.study import load
from models.errors import InvalidRequest

BLOCK = """
disturbances:
  mist: [1.0]
  clock_offset: {strength: [0.5, 1.0], seconds: 60}
references: [supervised_current, supervised_video, clock]
"""


@pytest.fixture(scope="module")
def study_and_data(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "tiny.yaml"
    path.write_text(TINY + BLOCK)
    study = load(path)
    return study, prepare_data(study)


def cell(study, arm):
    return next(cell.content for cell in study.cells() if cell.arm == arm)


_ENDED = {}


def last(study_and_data, arm):
    study, data = study_and_data
    if arm not in _ENDED:
        *_, _ENDED[arm] = run(cell(study, arm), str(data))
    return _ENDED[arm]


def test_only_what_reads_signals_is_read_under_disturbances_and_it_changes_the_key(study_and_data):
    study, _ = study_and_data
    asked = {arm.name: "disturbances" in cell(study, arm.name) for arm in study.arms}
    assert asked == {
        "baseline": True,
        "cwcl": True,
        "no_pretraining": False,
        "supervised_current": True,
        "supervised_video": True,
        "clock": False,
    }
    assert list(cell(study, "cwcl")["disturbances"]["read"]) == [
        "mist_1",
        "clock_offset_0.5",
        "clock_offset_1",
    ]


def test_disturbed_frames_are_the_features_of_the_disturbed_recording(study_and_data):
    study, data = study_and_data
    dataset = Dataset.open(data)
    recording, track = next(study.source.recordings()), dataset.tracks[0]
    for label, modality in (("mist_1", "video"), ("clock_offset_1", "current")):
        spec = study.disturbances[label]
        found = disturbed_frames(data, spec, {"current": "features", "video": "features"})
        assert list(found) == [modality]
        seen = build(spec, simulated=True).apply(recording, stream(recording, 0))
        signal = getattr(seen, modality)
        step = getattr(study.windows, f"{modality}_step")
        expected = getattr(study.source, f"{modality}_features")(signal, step)
        first, count = getattr(track, f"{modality}_first"), getattr(track, f"{modality}_count")
        np.testing.assert_array_equal(found[modality][first : first + count], expected[:count])
        assert not np.array_equal(found[modality], getattr(dataset, modality))


def test_rendering_again_renders_nothing_and_a_failure_leaves_nothing(study_and_data, monkeypatch):
    study, data = study_and_data
    monkeypatch.setattr(study.source, "recordings", lambda: pytest.fail("rendered again"))
    prepare_disturbed(study.source, study.windows, data, study.disturbances)
    more = {"glare_1": {**study.disturbances["mist_1"], "opacity": 0.1}}
    before = sorted(path.name for path in data.rglob("*.npy"))

    def broken():
        raise RuntimeError("power cut")
        yield

    monkeypatch.setattr(study.source, "recordings", broken)
    with pytest.raises(InvalidRequest, match="RuntimeError: power cut"):
        prepare_disturbed(study.source, study.windows, data, more)
    assert sorted(path.name for path in data.rglob("*.npy")) == before
    assert not list(data.rglob("*.tmp"))


def test_a_cell_gives_its_clean_scores_and_those_of_what_is_disturbed(study_and_data):
    found = last(study_and_data, "baseline")["scores"]
    assert {f"{label}.balanced_accuracy" for label in ("mist_1.video", "clock_offset_1.current")} <= set(
        found
    )
    assert not any(name.startswith(("mist_1.current", "clock_offset_1.video")) for name in found)
    assert found["mist_1.video.auroc"] < found["video.auroc"]
    study, data = study_and_data
    clean = {key: value for key, value in cell(study, "baseline").items() if key != "disturbances"}
    *_, plain = run(clean, str(data))
    assert plain["scores"].items() <= found.items()


def test_references_are_read_so_too(study_and_data):
    found = last(study_and_data, "supervised_current")["scores"]
    assert np.isfinite(found["clock_offset_1.current.auroc"])
    assert not any(name.startswith("mist_1") for name in found)
    found = last(study_and_data, "supervised_video")["scores"]
    assert found["mist_1.video.auroc"] < found["video.auroc"]


def test_a_disturbance_that_changes_nothing_gives_the_clean_score(study_and_data, tmp_path):
    """Put the clean frames where the disturbed ones are: scaling, method and heads must be the same."""
    study, data = study_and_data
    twin = tmp_path / "twin"
    shutil.copytree(data, twin)
    for path in twin.glob("disturbed/*/*.npy"):
        shutil.copy(twin / path.name, path)
    *_, found = run(cell(study, "baseline"), str(twin))
    for name in ("balanced_accuracy", "auroc"):
        assert found["scores"][f"mist_1.video.{name}"] == found["scores"][f"video.{name}"]
        assert found["scores"][f"clock_offset_1.current.{name}"] == found["scores"][f"current.{name}"]


@pytest.mark.slow
def test_raw_input_is_disturbed_too(tmp_path):
    path = tmp_path / "raw.yaml"
    text = TINY.replace("cwcl: {contrast: cwcl}", "raw: {preset: raw_current}")
    path.write_text(text + BLOCK)
    study = load(path)
    data = prepare_data(study)
    spec = study.disturbances["clock_offset_1"]
    frames = disturbed_frames(data, spec, {"current": "raw", "video": "features"})["current"]
    assert frames.shape == Dataset.open(data).frames("current", "raw").shape
    *_, found = run(cell(study, "raw"), str(data))
    assert np.isfinite(found["scores"]["clock_offset_1.current.auroc"])


def test_data_that_were_not_prepared_for_it_are_refused(study_and_data, tmp_path):
    study, data = study_and_data
    bare = tmp_path / "bare"
    shutil.copytree(data, bare, ignore=shutil.ignore_patterns("disturbed"))
    with pytest.raises(InvalidRequest, match="read under mist needs data prepared for it"):
        disturbed_frames(bare, study.disturbances["mist_1"], {"video": "features"})
