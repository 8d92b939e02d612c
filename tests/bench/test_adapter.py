"""What somebody's own source must be: told in one sentence by a look, and before anything trains."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.data.asking import build_source, recordings_of
from bench.data.dataset import prepare
from bench.data.recording import Recording, Signal, frames_of
from bench.data.source import Source
from bench.data.split import SplitSpec
from bench.data.windows import WindowSpec
from models.errors import InvalidRequest

SPEC = WindowSpec(
    current_seconds=4.0, current_steps=2, video_seconds=4.0, video_steps=4, stride=1.0, margin=2.0
)
NAN = float("nan")


class Own(Source):
    """Five recordings that are right; what a test hands it stands for what somebody may write."""

    title, windows, split, count = "our own", SPEC, SplitSpec(), 5

    def __init__(self, parameters=None, path=None, *, spoil=lambda recording: recording, **own):
        self.spoil = spoil
        for name, value in own.items():
            setattr(self, name, value)

    def fingerprint(self):
        return "own"

    def recordings(self):
        for name in "abcde":
            current, video = np.random.default_rng(ord(name)).random((2, 80, 3))
            label = (np.arange(80) % 40 > 20).astype(np.uint8)
            recording = Recording(
                name, name, Signal(current, 2.0), Signal(video, 2.0, 1.0), Signal(label, 2.0, 1.0)
            )
            yield self.spoil(recording) if name == "b" else recording

    def current_features(self, signal, seconds):
        return frames_of(signal, seconds).mean(axis=1)

    def video_features(self, signal, seconds):
        return frames_of(signal, seconds).max(axis=1)


class Spoilt(Own):
    """What :meth:`Source.check` is asked of builds itself; this one is built with what a test asks for."""

    asked: dict = {}

    def __init__(self, parameters, path):
        super().__init__(**self.asked)


def look(**asked):
    Spoilt.asked = asked
    return [(found.kind, found.where, found.text) for found in Spoilt.check(None, Path())]


def changed(name, **facts):
    """Return what changes a signal of a recording: its values by a function, or its clock."""

    def spoil(recording):
        signal = getattr(recording, name)
        made = {key: how(signal.values) if key == "values" else how for key, how in facts.items()}
        return replace(recording, **{name: replace(signal, **made)})

    return spoil


class Short(np.ndarray):
    """Samples whose slices lack the last one."""

    def __getitem__(self, rows):
        return np.asarray(super().__getitem__(rows))[:-1]


def with_values(name, how):
    return changed(name, values=how)


def at_five(value):
    return lambda values: np.concatenate([values[:5], 0 * values[5:6] + value, values[6:]])


def test_a_look_says_what_is_there():
    (whole, cut) = look()
    assert whole == ("fact", "", "our own: 5 recordings, 0.0556 h of video, 47% abnormal, fingerprint own")
    assert cut[0] == "fact" and "windows of 4 s of current and 4 s of video" in cut[2]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (with_values("label", at_five(NAN)), "label must be 0 or 1 in every sample, got nan at second 3.5"),
        (with_values("label", lambda v: v * 2), "label must be 0 or 1 in every sample, got 2"),
        (with_values("label", lambda v: v[:-9]), "a sample for each of video, 80 at 2 Hz .*, got 71"),
        (with_values("label", lambda v: v[:, None]), r"label must be \(samples,\), got shape \(80, 1\)"),
        (changed("label", start=0.0), "label must have a sample for each of video"),
        (with_values("current", lambda v: v[:, 0]), r"must be \(samples, channels\), got shape \(80,\)"),
        (with_values("current", lambda v: v[:, :2]), "current must have 3 columns, as 'a', got 2"),
        (with_values("video", lambda v: v[:, :2]), r"every step of video must have the shape .*\(3,\), got"),
        (with_values("video", list), "video must be an array of numbers, or an object with shape"),
        (with_values("video", lambda v: v.astype(object)), "video must be an array of numbers.* got object"),
        (with_values("video", lambda v: v.view(Short)), "samples asked for, got 79 for 0 to 80"),
        (with_values("current", at_five(NAN)), "features must be finite.* 'b' has gaps .* in its current"),
        (changed("current", rate=0), "current must have a rate above 0 Hz .*, got 0 Hz from second 0.0"),
        (changed("current", rate=NAN), "current must have a rate above 0 Hz"),
        (changed("video", start=NAN), "begin at a finite second, got 2.0 Hz from second nan"),
        (lambda r: replace(r, video=r.video.values), "video must be a Signal"),
        (lambda r: replace(r, name="a"), "'a': names must be unique"),
        (lambda r: replace(r, name=7), "name must be text, got 7"),
        (lambda r: replace(r, clock=NAN), "clock must be a finite number of seconds, got nan"),
        (lambda r: replace(r, metadata=r.current), "metadata and a published part, or none of them"),
        (lambda r: None, "must yield Recordings, got None"),
    ],
)  # fmt: skip
def test_a_recording_that_is_none_is_refused_by_a_look_and_before_anything_trains(tmp_path, spoil, said):
    with pytest.raises(InvalidRequest, match=said):
        prepare(Own(spoil=spoil), SPEC, [], tmp_path)
    assert not list(tmp_path.iterdir())
    (wrong,) = (text for kind, _, text in look(spoil=spoil) if kind == "wrong")
    with pytest.raises(InvalidRequest, match=said):
        raise InvalidRequest(wrong)


@pytest.mark.parametrize(
    ("features", "got"),
    [
        (lambda *asked: 3, "got 3"),
        (lambda *asked: frames_of(*asked).mean(axis=1)[:-1], r"of 20 steps, got float64 of shape \(19, 3\)"),
        (lambda *asked: frames_of(*asked).mean(axis=1)[None], r"shape \(1, 20, 3\)"),
        (lambda *asked: 1 / 0, "raises ZeroDivisionError: division by zero; mend it there"),
    ],
)  # fmt: skip
def test_features_are_a_row_for_each_step(tmp_path, features, got):
    with pytest.raises(InvalidRequest, match=f"current_features.*{got}"):
        prepare(Own(current_features=features), SPEC, [], tmp_path)
    wrong = [text for kind, _, text in look(current_features=features) if kind == "wrong"]
    assert len(wrong) == 5, "a recording that is wrong hides no other"


def test_what_an_adapters_own_code_raises_is_told_with_its_line():
    def late(recording):
        raise KeyError("Ia")

    with pytest.raises(InvalidRequest, match="recording 2 .after 'a'.* line .*: 'Ia'; mend") as told:
        list(recordings_of(Own(spoil=late)))
    assert isinstance(told.value.__cause__, KeyError), "a debugger sees where it came from"
    assert "line" in str(told.value) and "test_adapter.py" in str(told.value)
    with pytest.raises(InvalidRequest, match="source Own must be built, but .*TypeError"):
        build_source(lambda: Own(spoil=1)(), Own)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"title": ""}, "title must be text"),
        ({"lead": NAN}, "lead must be a finite number of seconds, got nan"),
        ({"windows": {}}, "windows must be a WindowSpec"),
        ({"windows": replace(SPEC, current_steps=0)}, "Own.WindowSpec.current_steps must lie in 1"),
        ({"count": "many"}, "count must be how many recordings there are"),
    ],
)
def test_what_a_source_says_of_itself(own, said):
    with pytest.raises(InvalidRequest, match=said):
        build_source(lambda: Own(**own), Own)
    ((kind, _, text),) = look(**own)
    assert kind == "wrong" and said.replace("Own", "Spoilt") in text


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"count": 7}, "must yield the 7 recordings that its count announces, got 5"),
        ({"recordings": lambda: iter(())}, "at least one recording, got none"),
        ({"recordings": lambda: None}, "raises TypeError"),
        ({"fingerprint": lambda: None}, "fingerprint() must return text"),
    ],
)  # fmt: skip
def test_what_a_source_does_not_give(tmp_path, own, said):
    with pytest.raises(InvalidRequest) as told:
        prepare(Own(**own), SPEC, [], tmp_path)
    assert said in str(told.value)
    assert any(said in text for kind, _, text in look(**own) if kind == "wrong")


def test_a_look_asks_for_the_fingerprint_twice_and_for_both_classes():
    told = iter(range(9))
    assert "the same text whenever" in look(fingerprint=lambda: str(next(told)))[0][2]
    normal = Own.recordings

    def nothing(recording):
        return with_values("label", np.zeros_like)(recording)

    found = look(recordings=lambda: map(nothing, normal(Own())))
    assert ("wrong", "", "nothing is labelled abnormal, so that there is nothing to tell apart") in found


def test_a_disk_that_was_away_costs_no_finished_chunk(tmp_path):
    def away(recording):
        raise OSError("disk gone")

    with pytest.raises(InvalidRequest, match="OSError: disk gone"):
        prepare(Own(spoil=away), SPEC, [], tmp_path)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".rendering-")


def test_raw_samples_are_of_one_shape(tmp_path):
    own = {"video_features": lambda signal, seconds: frames_of(signal, seconds).mean(axis=(1, 2))[:, None]}
    spoil = with_values("video", lambda values: values[:, :2])
    prepare(Own(spoil=spoil, **own), SPEC, [], tmp_path)
    with pytest.raises(InvalidRequest, match="every step of raw must have the shape of those before"):
        prepare(Own(spoil=spoil, **own), SPEC, [], tmp_path, raw=frozenset({"video"}))
