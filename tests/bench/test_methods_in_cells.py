"""What an arm may say beside the baseline's slots, from the YAML to the score."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from conftest import TINY

from bench.arms import OPTIONAL, Arm, completed, identified
from bench.cell.parts import fewer
from bench.cell.run import run
from bench.data.dataset import Dataset
from bench.gather import gather
from bench.grid import estimate, make_plan, prepare_data
from bench.grid import run as run_study
from bench.run import Options
from bench.store import Store
from bench.study import load
from models.errors import InvalidRequest

CHANGES = """
  explicit: {optimizer: {batch: 32}, bridge: none, fusion: none}
  three: {recordings: 3}
  seen: {protocol: transductive}
  raw: {current_input: raw}
  mixed: {pairs: shuffled}
  frames: {preset: frame_cnn}
  leaking: {leak: current}
  toc: {preset: toc}
  first_epoch: {checkpoint: {name: at, epoch: 1}}
  last_epoch: {checkpoint: {name: at, epoch: 2}}
  best_epoch: {checkpoint: best}
  fused: {fusion: self_attention}
  two_levels: {preset: h_dcid}
  queries: {preset: q_former}
  supcon: {contrast: supcon}
  jema: {contrast: jema_style}
  canonical: {calibration: canonical}
  calibrated: {calibration: procrustes}
  stft: {preset: stft_shufflenet}
  centred: {head: {name: prototype, centre: train}}
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "methods.yaml"
    text = TINY.replace("  cwcl: {contrast: cwcl}", CHANGES.strip("\n"))
    path.write_text(text.replace("controls: [no_pretraining]", ""))
    study = load(path, settings=("split.validation=0.3",))
    return study, prepare_data(study)


def content(study, arm, seed=0):
    return next(cell.content for cell in study.cells() if cell.arm == arm and cell.unit.seed == seed)


def result(prepared, arm, data=None):
    study, folder = prepared
    *epochs, last = run(content(study, arm), str(data or folder))
    return epochs, last


def test_an_empty_slot_is_no_part_of_identity(prepared):
    study, _ = prepared
    assert not set(OPTIONAL) & set(content(study, "explicit")["arm"])
    config = next(arm.config for arm in study.arms if arm.name == "toc")
    own = identified(config)
    assert own["codebook_optimizer"]["name"] == "toc" and "bridge" not in own
    assert completed(own) == {key: value for key, value in config.items() if key != "protocol"}


def test_a_condition_stands_in_the_cell_only_where_it_is_given(prepared):
    study, _ = prepared
    assert set(content(study, "baseline")["arm"]) & {"recordings", "leak", "current_input"} == set()
    assert content(study, "three")["arm"]["recordings"] == 3
    assert [content(study, arm)["protocol"] for arm in ("baseline", "seen")] == ["inductive", "transductive"]
    assert study.raw == {"current", "video"}


def test_fewer_recordings_are_some_of_more(prepared):
    study, folder = prepared
    dataset = Dataset.open(folder)
    windows = dataset.windows(study.windows, 240.0)
    rows = np.flatnonzero(windows.recording < 8)
    kept = [set(windows.recording[fewer(rows, dataset, windows, n, 5)]) for n in (2, 4, 8)]
    assert [len(each) for each in kept] == [2, 4, 8]
    assert kept[0] < kept[1] < kept[2]
    with pytest.raises(InvalidRequest, match="must not exceed those of the training part .8., got 9"):
        fewer(rows, dataset, windows, 9, 5)
    one_class = replace(windows, label=np.zeros_like(windows.label))
    with pytest.raises(InvalidRequest, match="both classes"):
        fewer(rows, dataset, one_class, 4, 5)


def test_shuffled_pairs_are_the_control_of_any_arm(prepared):
    study, folder = prepared
    control = {**content(study, "baseline"), "treatment": "shuffled_pairs"}
    assert content(study, "mixed") == control
    *_, last = run(control, str(folder))
    found = result(prepared, "mixed")[1]
    np.testing.assert_array_equal(found["predictions"]["score"], last["predictions"]["score"])
    plain = result(prepared, "baseline")[1]
    assert not np.array_equal(plain["predictions"]["score"], last["predictions"]["score"])


def test_raw_input_is_what_was_recorded(prepared):
    study, folder = prepared
    dataset, recording = Dataset.open(folder), next(study.source.recordings())
    assert dataset.shape("current", "raw") == (12, 3) and dataset.shape("current", "features") is None
    track = dataset.tracks[0]
    samples = dataset.frames("current", "raw")[: track.current_count].reshape(-1, 3)
    np.testing.assert_allclose(samples, recording.current.values[: len(samples)])
    pictures = dataset.frames("video", "raw")[1].reshape(16, 16, 3)
    np.testing.assert_allclose(pictures, recording.video.values[3:6].mean(axis=0), rtol=1e-5)


def test_metadata_are_the_set_point_and_its_change(prepared):
    study, folder = prepared
    dataset, recording = Dataset.open(folder), next(study.source.recordings())
    assert dataset.metadata.shape[1] == len(study.source.metadata) == 2
    np.testing.assert_allclose(dataset.metadata[4, 0], recording.metadata.values[48:60, 0].mean(), rtol=1e-5)
    # A minute is 120 samples: over a recording the changes sum up to the whole way.
    values = recording.metadata.values
    np.testing.assert_allclose(
        values[120::120, 1].sum(), values[120 * (len(values[120::120])), 0] - values[0, 0]
    )


def test_a_leak_is_the_label_a_lead_later(prepared):
    study, folder = prepared
    dataset = Dataset.open(folder)
    windows = dataset.windows(study.windows, 240.0)
    leaked = dataset.leak("current", study.windows, 240.0)
    inside = leaked[windows.current[:, None] + np.arange(study.windows.current_steps)].mean(axis=1)
    assert ((inside > 0.5) == windows.label).mean() > 0.99
    np.testing.assert_array_equal(dataset.leak("video", study.windows, 240.0), dataset.label[:, 0])


@pytest.mark.parametrize(
    "arm", ["three", "seen", "raw", "frames", "two_levels", "queries", "jema", "centred"]
)
def test_every_kind_of_arm_runs(prepared, arm):
    epochs, last = result(prepared, arm)
    assert len(epochs) == 2 and 0 <= last["scores"]["current.balanced_accuracy"] <= 1
    assert {"retrieval", "effective_rank.current", "cone.video"} <= set(last["diagnostics"])
    assert {"probe.current.auroc", "validation.current.auroc"} <= set(last["scores"])


def test_checkpoints(prepared):
    first, last, best, plain = (
        result(prepared, arm)[1] for arm in ("first_epoch", "last_epoch", "best_epoch", "baseline")
    )
    same = plain["predictions"]["score"]
    np.testing.assert_array_equal(last["predictions"]["score"], same)
    assert not np.array_equal(first["predictions"]["score"], same)
    scores = [e["validation.current.balanced_accuracy"] for e in result(prepared, "baseline")[0]]
    chosen = first if scores[0] >= scores[1] else last
    np.testing.assert_array_equal(best["predictions"]["score"], chosen["predictions"]["score"])


def test_channels_are_chosen_on_validation(prepared):
    _, last = result(prepared, "toc")
    assert last["diagnostics"]["channels"] in (8, 16, 24, 32)


def test_fusion_is_scored_with_and_without_the_video(prepared):
    scores = result(prepared, "fused")[1]["scores"]
    assert {"fused.balanced_accuracy", "fused_current.balanced_accuracy"} <= set(scores)
    assert "fused.auroc" not in result(prepared, "baseline")[1]["scores"]


@pytest.mark.parametrize("arm", ["supcon", "toc", "best_epoch", "centred"])
def test_test_labels_reach_nothing_but_the_scores(prepared, tmp_path, arm):
    study, folder = prepared
    _, plain = result(prepared, arm)
    tested = set(plain["predictions"]["recording"].tolist())
    broken = tmp_path / "data"
    shutil.copytree(folder, broken)
    label = np.load(folder / "label.npy").copy()
    for index, track in enumerate(json.loads((folder / "tracks.json").read_text())):
        if index in tested:
            own = slice(track["video_first"], track["video_first"] + track["video_count"])
            label[own] = label[own][::-1]
    np.save(broken / "label.npy", label)
    _, flipped = result(prepared, arm, broken)
    np.testing.assert_array_equal(plain["predictions"]["score"], flipped["predictions"]["score"])
    assert not np.array_equal(plain["predictions"]["label"], flipped["predictions"]["label"])


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("baseline={preset: h_dicd}", "did you mean 'h_dcid'"),
        ("baseline={recordings: 0}", "at least 1 or 'all'"),
        ("baseline={recordings: 500}", "in all; lower it"),
        ("baseline={leak: both}", "unknown leak 'both'"),
        ("baseline={leak: video, video_input: raw}", "leaks into features only"),
        ("baseline={video_encoder: frame_cnn}", "video_input is features; set video_input: raw"),
        ("baseline={current_encoder: stft_shufflenet, current_input: raw}", "choose another alignment"),
        ("baseline={quantizer: none}", "choose another code_matching or another quantizer"),
        ("baseline={contrast: supcon, protocol: transductive}", "set protocol: inductive"),
        ("baseline={checkpoint: {name: at, epoch: 3}}", "must not exceed budget.epochs .2., got 3"),
    ],
)
def test_what_does_not_go_together_is_refused(tiny, setting, said):
    with pytest.raises(InvalidRequest, match=said):
        load(tiny, settings=(setting, "changes={}"))


def test_a_search_of_a_fused_score_is_refused(tiny):
    with pytest.raises(InvalidRequest, match="score of one modality, got the metric 'fused.auroc'"):
        load(tiny, settings=("metric=fused.auroc", "search={trials: 2}"))


@pytest.mark.parametrize("wrong", ["checkpoint: best", "codebook_optimizer: toc"])
def test_what_chooses_needs_a_validation_part(tiny, wrong):
    with pytest.raises(InvalidRequest, match="validation"):
        load(tiny, settings=(f"baseline={{{wrong}}}", "changes={}", "split.validation=0"))


@pytest.mark.parametrize("arm", ["canonical", "calibrated", "two_levels", "toc"])
def test_random_codes_are_a_control_of_any_reading(prepared, arm):
    study, folder = prepared
    plain = result(prepared, arm)[1]
    *_, last = run({**content(study, arm), "treatment": "random_codebook"}, str(folder))
    assert not np.array_equal(plain["predictions"]["score"], last["predictions"]["score"])


def test_a_calibration_is_fitted_on_the_pairs_of_the_training(prepared):
    study, folder = prepared
    cell = content(study, "canonical")
    plain = result(prepared, "canonical")[1]
    *_, untouched = run({**content(study, "baseline"), "treatment": "no_pretraining"}, str(folder))
    *_, same = run({**cell, "treatment": "no_pretraining"}, str(folder))
    np.testing.assert_array_equal(untouched["predictions"]["score"], same["predictions"]["score"])
    *_, mixed = run({**cell, "treatment": "shuffled_pairs"}, str(folder))
    assert not np.array_equal(plain["predictions"]["score"], mixed["predictions"]["score"])


def test_supervised_references_take_raw_input(prepared):
    study, folder = prepared
    cell = {**content(study, "stft"), "treatment": "supervised_current"}
    *_, last = run(cell, str(folder))
    assert 0 <= last["scores"]["current.auroc"] <= 1


def test_what_parts_noted_last_is_on_record(prepared):
    assert "contrast.metadata_r2" in result(prepared, "jema")[1]["diagnostics"]


def test_an_arm_and_the_control_that_it_equals_are_run_once_and_both_reported(prepared, tmp_path):
    study, folder = prepared
    kept = [arm for arm in study.arms if arm.name in ("baseline", "mixed")]
    control = Arm("shuffled_pairs", "control", kept[0].config, treatment="shuffled_pairs")
    study = replace(study, arms=(*kept, control), settings=replace(study.settings, seeds=1))
    store = Store(tmp_path / "run")
    plan = make_plan(study, store)
    assert len(study.cells()) == 3 and len(plan.cells) == len(plan.todo) == 2
    assert estimate(plan, study, store, 1)[0] > 0
    run_study(study, store, folder, Options(engine="local", workers=1))
    assert not make_plan(study, store).todo
    found = gather(study, store, "precursor run").runs.set_index("arm")[study.settings.metric]
    assert len(found) == 3 and found["mixed"] == found["shuffled_pairs"]
