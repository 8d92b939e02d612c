"""Index pairs: by hand, by brute force, causal, and the same for every lead within the margin."""

from dataclasses import replace

import numpy as np
import pytest

from bench.data.windows import Track, WindowSpec, cut
from models.errors import InvalidRequest


def _track(**changes):
    track = Track(
        name="a", group="a", fold=-1, clock=0.0, scored_from=float("-inf"),
        current_first=0, current_count=20, current_start=1.0,
        video_first=0, video_count=12, video_start=0.5,
    )  # fmt: skip
    return replace(track, **changes)


# Current: 20 frames of 2 s from 1.0 s to 41.0 s. Video: 12 frames of 3 s from 0.5 s to 36.5 s.
SPEC = WindowSpec(
    current_seconds=6.0,
    current_steps=3,
    video_seconds=6.0,
    video_steps=2,
    stride=3.0,
    margin=4.0,
    label="last",
)


def _labels(*last, mean=None):
    return np.stack([last if mean is None else mean, last], axis=1).astype(np.float32)


def test_index_pairs_by_hand():
    label = _labels(*[0, 1] * 6)
    found = cut((_track(),), label, SPEC, lead=4.0)
    # A video window ends at 0.5 + 3 n; the first with 4 s of margin and 6 s of current before it is 12.5 s.
    np.testing.assert_allclose(found.end, [12.5, 15.5, 18.5, 21.5, 24.5, 27.5, 30.5, 33.5, 36.5])
    np.testing.assert_array_equal(found.video, range(2, 11))
    # Last whole current step before end - 4: (12.5 - 4 - 1) / 2 = 3.75 -> frames 0, 1, 2, and so on.
    np.testing.assert_array_equal(found.current, [0, 2, 3, 5, 6, 8, 9, 11, 12])
    np.testing.assert_allclose(found.begin, [1, 5, 7, 11, 13, 17, 19, 23, 25])
    np.testing.assert_array_equal(found.label, [1, 0, 1, 0, 1, 0, 1, 0, 1])
    assert found.scored.all() and (found.recording == 0).all() and len(found) == 9


def test_second_recording_is_offset_by_the_first():
    tracks = (_track(), _track(name="b", current_first=20, video_first=12))
    found = cut(tracks, _labels(*[0] * 24), SPEC, lead=4.0)
    first, second = found.recording == 0, found.recording == 1
    np.testing.assert_array_equal(found.current[second], found.current[first] + 20)
    np.testing.assert_array_equal(found.video[second], found.video[first] + 12)


def test_a_lead_moves_the_current_back_and_leaves_the_video():
    label = _labels(*[0, 1] * 6)
    now, early = (cut((_track(),), label, SPEC, lead) for lead in (0.0, 4.0))
    np.testing.assert_array_equal(now.video, early.video)
    np.testing.assert_array_equal(now.current - early.current, 2)


def test_current_and_video_windows_may_differ_in_length_and_steps():
    spec = replace(SPEC, current_seconds=10.0, current_steps=5, video_seconds=3.0, video_steps=1, margin=0.0)
    found = cut((_track(),), _labels(*[0] * 12), spec, lead=0.0)
    # The current needs 10 s from 1.0 s on, so the first window ends at 12.5 s = video frame 3.
    assert found.video[0] == 3 and found.current[0] == 0
    assert found.begin[0] == 1.0
    assert found.video[-1] == 11 and found.current[-1] == 17 - 5


def test_stride_counts_in_video_steps():
    found = cut((_track(),), _labels(*[0] * 12), replace(SPEC, stride=9.0), lead=0.0)
    np.testing.assert_allclose(np.diff(found.end), 9.0)


@pytest.mark.parametrize("seed", range(25))
def test_agrees_with_brute_force_and_is_causal(seed):
    draw = np.random.default_rng(seed)
    spec = WindowSpec(
        current_seconds=float(draw.integers(1, 4) * draw.integers(1, 4)),
        current_steps=int(draw.integers(1, 4)),
        video_seconds=4.0, video_steps=int(draw.choice([1, 2, 4])), stride=4.0, margin=8.0, label="last",
    )  # fmt: skip
    track = _track(
        current_count=int(draw.integers(30, 60)), current_start=float(draw.uniform(-5, 5)), current_first=7,
        video_count=int(draw.integers(20, 40)), video_start=float(draw.uniform(-5, 5)), video_first=3,
    )  # fmt: skip
    lead = float(draw.uniform(-6, 6))
    found = cut((track,), _labels(*[0] * 50), spec, lead)
    step_c, step_v = spec.current_step, spec.video_step
    expected = []
    for v in range(0, track.video_count - spec.video_steps + 1, 1):
        if v % round(spec.stride / step_v):
            continue
        end = track.video_start + (v + spec.video_steps) * step_v
        if end < track.current_start + spec.margin + spec.current_seconds:
            continue
        # Every whole current step in time; keep the latest that is over by end - lead.
        over = [k for k in range(1, 400) if track.current_start + k * step_c <= end - lead]
        if over and spec.current_steps <= over[-1] <= track.current_count:
            expected.append((over[-1] - spec.current_steps + 7, v + 3))
    assert list(zip(found.current.tolist(), found.video.tolist(), strict=True)) == expected
    assert len(expected) > 0
    stop = track.current_start + (found.current - 7 + spec.current_steps) * step_c
    seen = track.video_start + (found.video - 3 + spec.video_steps) * step_v
    assert (stop <= seen - lead + 1e-6).all() and (stop > seen - lead - step_c - 1e-6).all()
    # With a negative lead the current is the later one, and what counts as seen reaches to its end.
    np.testing.assert_allclose(found.end, np.maximum(seen, stop))


def test_windows_beyond_the_current_are_dropped_not_wrapped():
    short = _track(current_count=9)  # current ends at 19 s
    found = cut((short,), _labels(*[0] * 12), replace(SPEC, margin=0.0), lead=0.0)
    assert found.current.min() >= 0 and (found.current + 3).max() <= 9
    assert found.end.max() <= 21.0
    late = cut((_track(),), _labels(*[0] * 12), replace(SPEC, margin=0.0), lead=-10.0)
    assert (late.current + 3).max() <= 20
    assert late.end.max() <= 1.0 + 20 * 2.0


def test_margin_makes_the_windows_the_same_for_every_lead():
    spec = replace(SPEC, margin=12.0)
    every = [cut((_track(),), _labels(*[0, 1] * 6), spec, lead) for lead in (0.0, 1.0, 5.0, 11.9, 12.0)]
    for other in every[1:]:
        np.testing.assert_array_equal(other.end, every[0].end)
        np.testing.assert_array_equal(other.video, every[0].video)
        np.testing.assert_array_equal(other.label, every[0].label)
    assert not np.array_equal(every[-1].current, every[0].current)
    # Without it a lead costs the first windows.
    free = [len(cut((_track(),), _labels(*[0] * 12), replace(SPEC, margin=m), 4.0)) for m in (4.0, 12.0)]
    assert free[0] > free[1]


def test_label_last_and_majority():
    label = _labels(
        *[0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], mean=[0, 1, 0.4, 0.7, 0.2, 0.8, 0.2, 0.7, 0, 0, 0, 0]
    )
    spec = replace(SPEC, margin=0.0)
    last = cut((_track(),), label, spec, lead=0.0)
    majority = cut((_track(),), label, replace(spec, label="majority"), lead=0.0)
    np.testing.assert_array_equal(last.video, range(1, 11))
    # Windows are frames (1, 2), (2, 3), (3, 4), ...; a mean of exactly one half is no majority.
    np.testing.assert_array_equal(last.label, [0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(majority.label, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0])


def test_scored_from_an_instant_on():
    found = cut((_track(scored_from=24.5),), _labels(*[0] * 12), SPEC, lead=0.0)
    np.testing.assert_array_equal(found.scored, found.end >= 24.5)
    assert found.scored.any() and not found.scored.all()


@pytest.mark.parametrize(
    ("changes", "lead", "message"),
    [
        ({"stride": 4.0}, 0.0, "stride must be a multiple of the video step.*4"),
        ({"stride": 1.0}, 0.0, "stride must be a multiple"),
        ({}, 5.0, "lead must not exceed windows.margin"),
        ({"margin": 500.0}, 100.0, "lead must be shorter than a recording, got 100 s.*36 s"),
        ({}, -100.0, "lead must be shorter than a recording"),
        ({"margin": 40.0}, 0.0, "no window fits any recording"),
        ({"current_seconds": 60.0, "current_steps": 30}, 0.0, "no window fits any recording"),
    ],
)
def test_impossible_requests(changes, lead, message):
    with pytest.raises(InvalidRequest, match=message):
        cut((_track(),), _labels(*[0] * 12), replace(SPEC, **changes), lead)


def test_a_recording_without_a_window_does_not_spoil_the_others():
    empty = _track(name="b", current_first=20, current_count=0, video_first=12, video_count=0)
    found = cut((_track(), empty), _labels(*[0] * 12), SPEC, lead=4.0)
    assert len(found) == 9 and set(found.recording) == {0}


def test_the_published_part_of_a_window_is_that_of_its_frames_unless_it_sees_the_other():
    # Frames of 3 s from 0.5 s: 0 to 3 train (to 12.5 s), 4 guard, 5 to 11 test (from 15.5 s).
    part = np.array([0] * 4 + [-1] + [1] * 7, dtype=np.int8)
    found = cut((_track(),), _labels(*[0] * 12), replace(SPEC, margin=0.0), 0.0, part)
    by_end = dict(zip(found.end.tolist(), found.part.tolist(), strict=True))
    # Video of two frames, current of 6 s that ends up to 2 s earlier.
    assert by_end[9.5] == by_end[12.5] == 0 and by_end[15.5] == by_end[18.5] == -1
    # Frames 5 and 6 are both test; the current begins at 15 s, in the guard: nothing of train is seen.
    assert by_end[21.5] == by_end[36.5] == 1
    early = cut((_track(),), _labels(*[0] * 12), SPEC, 4.0, part)
    seen = dict(zip(early.end.tolist(), early.part.tolist(), strict=True))
    # Four seconds of lead: the current of the first begins at 11 s, where train frames still are.
    assert seen[21.5] == -2 and seen[24.5] == 1
    assert cut((_track(),), _labels(*[0] * 12), SPEC, 4.0).part is None


def test_what_a_window_sees_of_another_recording_of_its_group_counts():
    # Both recordings lie on one clock; the current of the second begins while the video of the first runs.
    first = _track(video_count=6, current_count=9)
    second = _track(name="b", current_first=9, video_first=6, current_start=15.0, video_start=18.5)
    part = np.array([0] * 6 + [1] * 12, dtype=np.int8)
    found = cut((first, second), _labels(*[0] * 18), replace(SPEC, margin=0.0), 0.0, part)
    later = found.recording == 1
    # The first recording's frames end at 18.5 s; windows of the second that begin before see them.
    np.testing.assert_array_equal(found.part[later] == -2, found.begin[later] < 18.5)
    assert (found.part[later] == -2).any() and (found.part[later] == 1).any()
    alone = cut((first, replace(second, group="b")), _labels(*[0] * 18), replace(SPEC, margin=0.0), 0.0, part)
    assert (alone.part[later] == 1).all()
