import numpy as np
import pytest

from bench.arms import REFERENCES
from bench.cell.pretraining import shuffled
from bench.cell.run import run
from bench.data.dataset import Dataset
from bench.grid import prepare_data
from bench.study import load


@pytest.fixture(scope="module")
def study_and_data(tmp_path_factory):
    from conftest import TINY  # noqa: PLC0415

    path = tmp_path_factory.mktemp("study") / "tiny.yaml"
    path.write_text(TINY + "  \n")
    study = load(path, settings=("controls=[no_pretraining,shuffled_pairs,random_codebook]", _REFERENCES))
    return study, str(prepare_data(study))


_REFERENCES = f"references=[{','.join(REFERENCES)}]"


def content(study, arm, seed=0):
    return next(cell.content for cell in study.cells() if cell.arm == arm and cell.unit.seed == seed)


def result(study_and_data, arm, seed=0):
    study, data = study_and_data
    *epochs, last = run(content(study, arm, seed), data)
    return epochs, last


def test_yields_once_an_epoch_and_ends_with_scores(study_and_data):
    epochs, last = result(study_and_data, "baseline")
    assert [step["epoch"] for step in epochs] == [1, 2]
    assert all(np.isfinite(step["video_reconstruction"]) for step in epochs)
    assert set(last) == {"scores", "diagnostics", "predictions", "cost"}
    assert 0 <= last["scores"]["current.balanced_accuracy"] <= 1
    assert last["scores"]["ceiling.balanced_accuracy"] > 0.6
    assert {"validation.current.auroc", "video.auroc", "code_table.current.auroc"} <= set(last["scores"])


def test_same_seeds_same_bits_and_no_trace_left_behind(study_and_data):
    import torch

    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second = (result(study_and_data, "baseline") for _ in range(2))
    assert first[0] == second[0]
    assert first[1]["scores"] == second[1]["scores"]
    np.testing.assert_array_equal(first[1]["predictions"]["score"], second[1]["predictions"]["score"])
    assert torch.equal(before, torch.get_rng_state())
    assert result(study_and_data, "baseline", seed=1)[1]["scores"] != first[1]["scores"]


def test_arms_of_one_unit_are_tested_on_the_same_windows(study_and_data):
    ends = [result(study_and_data, arm)[1]["predictions"] for arm in ("baseline", "cwcl", "clock")]
    for key in ("end", "label", "recording", "group"):
        np.testing.assert_array_equal(ends[0][key], ends[1][key])
        np.testing.assert_array_equal(ends[0][key], ends[2][key])


def test_shuffles_come_from_a_stream_of_their_own():
    drawn = [tuple(shuffled(50, {"initialisation": s, "permutation": p})) for s in range(3) for p in range(3)]
    split_streams = [tuple(np.random.default_rng(s).permutation(50)) for s in range(3)]
    assert len(set(drawn) | set(split_streams)) == 12
    assert sorted(drawn[0]) == list(range(50))


@pytest.mark.parametrize("name", ["no_pretraining", "shuffled_pairs", "random_codebook"])
def test_controls_run_and_differ_from_the_method(study_and_data, name):
    plain, control = (result(study_and_data, arm)[1] for arm in ("baseline", name))
    assert not np.array_equal(plain["predictions"]["score"], control["predictions"]["score"])


def test_references(study_and_data):
    found = {name: result(study_and_data, name)[1]["scores"] for name in REFERENCES}
    assert found["always_positive"]["current.balanced_accuracy"] == 0.5
    assert found["always_positive"]["current.recall"] == 1.0
    assert found["supervised_video"]["video.auroc"] > 0.8
    assert found["logistic_current"]["current.auroc"] > 0.6
    assert "video.auroc" not in found["clock"]
    assert found["published_current"]["current.auroc"] != found["supervised_current"]["current.auroc"]


def test_scores_are_those_of_the_kept_predictions(study_and_data):
    from sklearn.metrics import balanced_accuracy_score

    last = result(study_and_data, "baseline")[1]
    kept = last["predictions"]
    again = balanced_accuracy_score(kept["label"], kept["score"] > 0.5)
    assert again == pytest.approx(last["scores"]["current.balanced_accuracy"])


def test_test_labels_cannot_reach_training(study_and_data, tmp_path):
    """Flip every label of the test recordings: what is predicted must not change by a bit."""
    import json
    import shutil

    study, data = study_and_data
    cell = content(study, "baseline")
    last = result(study_and_data, "baseline")[1]
    twisted = tmp_path / "twisted"
    shutil.copytree(data, twisted)
    label = np.load(twisted / "label.npy")
    tracks = json.loads((twisted / "tracks.json").read_text())
    for index in np.unique(last["predictions"]["recording"]):
        track = tracks[index]
        span = slice(track["video_first"], track["video_first"] + track["video_count"])
        label[span] = 1 - label[span]
    np.save(twisted / "label.npy", label)
    *_, other = run(cell, str(twisted))
    np.testing.assert_array_equal(last["predictions"]["score"], other["predictions"]["score"])
    assert not np.array_equal(last["predictions"]["label"], other["predictions"]["label"])


def test_transductive_sees_the_test_windows_inductive_does_not(study_and_data, tmp_path):
    """Change the current of the test recordings: only transductive pre-training may notice."""
    import json
    import shutil

    study, data = study_and_data
    cell = content(study, "baseline")
    groups = np.unique(result(study_and_data, "baseline")[1]["predictions"]["recording"])
    twisted = tmp_path / "twisted"
    shutil.copytree(data, twisted)
    current = np.load(twisted / "current.npy")
    for index in groups:
        track = json.loads((twisted / "tracks.json").read_text())[index]
        current[track["current_first"] : track["current_first"] + track["current_count"]] *= -1
    np.save(twisted / "current.npy", current)
    losses = {}
    for protocol in ("inductive", "transductive"):
        told = {**cell, "protocol": protocol}
        losses[protocol] = [
            [step["video_reconstruction"] for step in run(told, folder) if "epoch" in step]
            for folder in (data, str(twisted))
        ]
    assert losses["inductive"][0] == losses["inductive"][1]
    assert losses["transductive"][0] != losses["transductive"][1]


def test_peeking_changes_nothing_and_ends_in_the_score_of_the_cell(study_and_data):
    study, data = study_and_data
    cell = content(study, "baseline")
    curious = {**cell, "arm": {**cell["arm"], "peek": "every_epoch"}}
    epochs, plain = result(study_and_data, "baseline")
    *told, last = run(curious, data)
    kept = last["predictions"]["peeked.current.balanced_accuracy"]
    assert told == epochs and last["scores"] == plain["scores"]
    assert len(kept) == len(epochs) and kept[-1] == last["scores"]["current.balanced_accuracy"]
    assert kept[0] != kept[-1]
    assert not any(name.startswith("peeked") for name in plain["predictions"])
    *_, searched = run({**curious, "read": "validation"}, data)
    assert not any(name.startswith("peeked") for name in searched["predictions"]), "a search never peeks"


def test_a_cell_tells_how_well_its_codes_name_the_batch(study_and_data):
    found = result(study_and_data, "baseline")[1]["diagnostics"]
    named = {name: value for name, value in found.items() if name.startswith("batch_probe")}
    assert len(named) == 6 and all(-1 <= value <= 1 for value in named.values())


def test_a_diverging_cell_says_so(study_and_data, tmp_path):
    import shutil

    study, data = study_and_data
    twisted = tmp_path / "twisted"
    shutil.copytree(data, twisted)
    current = np.load(twisted / "current.npy")
    np.save(twisted / "current.npy", np.full_like(current, np.nan))
    with pytest.raises(FloatingPointError, match="after epoch 1"):
        list(run(content(study, "baseline"), str(twisted)))


def test_tracks_survive_the_disk(study_and_data):
    dataset = Dataset.open(__import__("pathlib").Path(study_and_data[1]))
    assert len(dataset.tracks) == 12
    assert dataset.current.shape[0] == sum(track.current_count for track in dataset.tracks)
