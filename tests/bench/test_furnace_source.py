from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from bench.data.dataset import Dataset, prepare
from bench.data.furnace import WORLDS, Furnace, FurnaceParameters, source
from bench.data.furnace.regime import lead_law
from bench.data.furnace.world import World
from bench.data.split import split
from models.errors import InvalidRequest
from models.registry import build, resolve

SHORT = FurnaceParameters(recordings=6, hours=0.5)


def bytes_of(recording):
    return [each.values.tobytes() for each in (recording.current, recording.video, recording.label)]


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others():
    one, again, other = (Furnace(replace(SHORT, seed=seed)).recording(2) for seed in (4, 4, 5))
    assert bytes_of(one) == bytes_of(again)
    assert all(a != b for a, b in zip(bytes_of(one), bytes_of(other), strict=True))


def test_a_recording_does_not_depend_on_how_many_there_are():
    few, many = (Furnace(replace(SHORT, recordings=count)).recordings() for count in (5, 9))
    for a, b in zip(few, islice(many, 5), strict=True):
        assert a.name == b.name and bytes_of(a) == bytes_of(b)


def test_recordings_and_worlds_are_independent_draws():
    furnace = Furnace(SHORT)
    assert bytes_of(furnace.recording(0)) != bytes_of(furnace.recording(1))
    draws = {name: world.generator(0, 0, "current").random() for name, world in WORLDS.items()}
    draws["regime"] = WORLDS["std"].generator(0, 0, "regime").random()
    assert len(set(draws.values())) == len(draws)


def test_shape_of_a_recording():
    recording = Furnace(SHORT).recording(1)
    assert recording.name == recording.group == "batch-001"
    assert recording.current.values.shape == (3600, 3) and recording.current.rate == 2
    assert recording.video.values.shape == (900, 16, 16, 3) and recording.video.rate == 0.5
    assert recording.label.values.shape == (900,) and set(np.unique(recording.label.values)) <= {0, 1}
    assert recording.current.end == recording.video.end == recording.label.end == 1800
    assert recording.fold == -1 and recording.clock == 0


def test_the_title_says_that_it_is_simulated():
    furnace = Furnace(FurnaceParameters())
    assert furnace.title == "simulated furnace (hard, seed 0)" and furnace.simulated and furnace.lead == 240
    assert furnace.count == 100 and furnace.folds == ()
    assert (furnace.split.by, furnace.split.validation, furnace.split.test) == ("recording", 0.2, 0.4)


def test_the_fingerprint_is_of_everything_that_matters(monkeypatch):
    prints = {Furnace(p).fingerprint() for p in (SHORT, replace(SHORT, seed=1), replace(SHORT, hours=1.0))}
    assert len(prints) == 3 and Furnace(SHORT).fingerprint() in prints
    monkeypatch.setitem(WORLDS, "hard", World("hard", gain_sd=0.3))
    prints.add(Furnace(SHORT).fingerprint())
    monkeypatch.setattr(source, "VERSION", 999)
    prints.add(Furnace(SHORT).fingerprint())
    assert len(prints) == 5


def test_a_path_or_a_wrong_value_is_refused():
    with pytest.raises(InvalidRequest, match="reads no files, got path '/data'"):
        Furnace(SHORT, "/data")
    with pytest.raises(InvalidRequest, match="world must be one of std .* hard .* shift, got 'easy'"):
        resolve("dataset", {"name": "furnace", "world": "easy"})
    with pytest.raises(InvalidRequest, match="recordings must lie in"):
        resolve("dataset", {"name": "furnace", "recordings": 1})


def test_it_is_found_by_its_name():
    furnace = build("dataset", resolve("dataset", {"name": "furnace", "world": "std", "seed": 3}))
    assert furnace.title == "simulated furnace (std, seed 3)"


def test_shift_widens_one_half_and_holds_it_out(tmp_path):
    furnace = Furnace(FurnaceParameters(world="shift", recordings=200, hours=0.1))
    spread = {}
    for half in (0, 1):
        drawn = [furnace._simulate(i)[2] for i in range(half, 200, 2)]
        gain, setpoint = [np.log(each.gain) for each in drawn], [each.setpoint[0] for each in drawn]
        spread[half] = np.std(gain), np.std(setpoint)
    assert spread[0][0] == pytest.approx(0.2, rel=0.3) and spread[1][0] == pytest.approx(0.4, rel=0.3)
    assert spread[0][1] == pytest.approx(1.2, rel=0.3) and spread[1][1] == pytest.approx(
        1.2 * 2**0.5, rel=0.3
    )

    small = Furnace(FurnaceParameters(world="shift", recordings=10, hours=1.0))
    dataset = Dataset.open(prepare(small, small.windows, [], tmp_path))
    windows = dataset.windows(small.windows, small.lead)
    assert small.folds == (0,)
    parts = split(small.split, dataset.tracks, windows, seed=0, fold=0)
    assert set(windows.recording[parts.test] % 2) == {1}
    assert set(windows.recording[np.r_[parts.train, parts.validation]] % 2) == {0}


def test_prepared_furnace_has_frames_labels_and_ceilings(tmp_path):
    furnace = Furnace(SHORT)
    dataset = Dataset.open(prepare(furnace, furnace.windows, [furnace.lead], tmp_path))
    assert dataset.current.shape == (6 * 300, 24) and dataset.video.shape == (6 * 300, 64)
    windows = dataset.windows(furnace.windows, furnace.lead)
    found = dataset.ceiling(furnace.windows, furnace.lead)
    assert {name: len(values) for name, values in found.items()} == dict.fromkeys(
        ("full", "window", "window_u"), len(windows)
    )
    # The last video frame that a window's label comes from belongs to the recording it names.
    truth = furnace.recording(1).label.values
    own = windows.recording == 1
    expected = [truth[round(end / 2) - 30 : round(end / 2)].mean() > 0.5 for end in windows.end[own]]
    np.testing.assert_array_equal(windows.label[own], expected)


def test_what_is_not_asked_for_changes_neither_fingerprint_nor_bytes():
    plain = Furnace(FurnaceParameters())
    assert plain.fingerprint() == "51a988fef6a20843"
    asked = Furnace(replace(SHORT, lead=240.0))
    assert asked.fingerprint() != Furnace(SHORT).fingerprint()
    assert bytes_of(asked.recording(1)) == bytes_of(Furnace(SHORT).recording(1))
    prints = [
        replace(SHORT, **{key: value})
        for key, value in (("lead", 100.0), ("setpoint_brightness", 0.0), ("unrelated", True))
    ]
    assert len({Furnace(each).fingerprint() for each in (SHORT, *prints)}) == 4


@pytest.mark.parametrize("lead", [0.0, 1.0, 37.5, 137.3, 600.0, 1200.0])
def test_the_mean_lead_is_the_one_that_was_asked_for(lead):
    furnace = Furnace(replace(SHORT, lead=lead))
    steps, mass = lead_law(furnace.world)
    assert furnace.lead == lead and f"lead {lead:g} s" in furnace.title
    # A lead is a whole number of steps, so that the mean is off by at most half of one.
    assert (steps * mass).sum() * furnace.world.step == pytest.approx(lead, abs=1.0)
    _, latent, signal = furnace._simulate(0)
    assert len(latent.visible) == furnace.world.preroll + 900 and len(signal.values) == 3600
    # What is visible at second 0 began in what was simulated before it.
    assert furnace.world.preroll * furnace.world.step >= furnace.world.lead_high + 300


def test_of_unrelated_modalities_only_the_nuisance_is_shared():
    related, unrelated = (
        Furnace(FurnaceParameters(seed=3, recordings=5, hours=4.0, setpoint_brightness=0.3, unrelated=flag))
        for flag in (False, True)
    )
    assert "modalities unrelated" in unrelated.title and "set-point brightness 0.3" in unrelated.title
    told = {}
    for furnace in (related, unrelated):
        level, label, brightness = [], [], []
        for index in range(3):
            recording = furnace.recording(index)
            _, latent, signal = furnace._simulate(index)
            level.append(latent.abnormal[furnace.world.preroll - 120 : -120])
            label.append(recording.label.values)
            frames = recording.video.values[:, 2:14, 2:14].mean(axis=(1, 2, 3))
            brightness.append(np.corrcoef(frames, signal.setpoint[::4])[0, 1])
        told[furnace] = np.corrcoef(np.concatenate(level), np.concatenate(label))[0, 1], np.mean(brightness)
    assert told[related][0] > 0.8 and abs(told[unrelated][0]) < 0.25
    assert told[unrelated][1] > 0.2
    np.testing.assert_array_equal(related.recording(2).current.values, unrelated.recording(2).current.values)


def test_unrelated_modalities_have_no_ceiling(tmp_path):
    furnace = Furnace(replace(SHORT, unrelated=True))
    dataset = Dataset.open(prepare(furnace, furnace.windows, [furnace.lead], tmp_path))
    assert dataset.ceiling(furnace.windows, furnace.lead) == {}
