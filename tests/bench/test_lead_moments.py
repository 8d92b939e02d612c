import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lead_toys import SCAN, SPEC, plant

from bench.data.dataset import Dataset
from bench.data.windows import Track, WindowSpec
from bench.lead.moments import divided, means, moments
from bench.lead.scan import Scan
from models.errors import InvalidRequest


def test_means_are_those_of_finely_cut_frames():
    frames = np.random.default_rng(0).standard_normal((30, 2)) + 1e6
    fine = np.repeat(frames, 100, axis=0)
    ends = np.array([7.13, 12.0, 59.99, 60.0])
    expected = [fine[round((e - 5.5) * 50) : round(e * 50)].mean(axis=0) for e in ends]
    np.testing.assert_allclose(means(frames, ends, 2.0, 5.5), expected, atol=1e-6)


def clocks(*, groups: int = 8) -> Dataset:
    """Frames that hold the second at their middle: 6 s long from second 7, and 5 s long from second 30."""
    spec = [(7.0, 6.0, 300), (30.0, 5.0, 340)]
    sides = [start + step * (np.arange(count) + 0.5) for start, step, count in spec]
    current, video = (np.tile(side, groups)[:, None].astype(np.float32) for side in sides)
    tracks = tuple(
        Track(f"r{i}", f"g{i}", -1, 0.0, 0.0, 300 * i, 300, 7.0, 340 * i, 340, 30.0) for i in range(groups)
    )
    return Dataset(Path(), tracks, current, video, np.repeat(video > 900, 2, axis=1).astype(np.float32))


def test_current_and_video_lie_a_lead_apart_whatever_their_clocks():
    spec = WindowSpec(current_seconds=60, current_steps=10, video_seconds=60, video_steps=12)
    found = moments(clocks(), spec, Scan(low=-40, high=200, step=20, window=30))
    strip = found.strips[3]
    assert strip.current.shape == (len(strip.label) + 12, 1) and len(found.leads) == 13
    for place, lead in enumerate(found.leads):
        np.testing.assert_allclose(strip.by_lead[place][0], strip.video[:, 0] - lead, atol=1e-2)
    # The first moment has its current window at the largest lead, the last one at the smallest.
    assert strip.first == pytest.approx(7 + 200 + 30)
    assert strip.first + 20 * (len(strip.label) - 1) <= 7 + 1800 - 40


def test_a_moment_is_half_positive_where_its_middle_is_the_onset():
    strip = moments(clocks(), replace(SPEC, current_steps=10, video_steps=12), Scan(-40, 200, 15, 30)).strips[
        0
    ]
    middle = strip.first + 15 * np.arange(len(strip.label)) - 15
    np.testing.assert_allclose(strip.label, np.clip((middle - 900) / 30 + 0.5, 0, 1), atol=0.1)


def test_blocks_divide_recordings_and_count_as_groups():
    whole, cut = (moments(plant(100.0), SPEC, replace(SCAN, block=block)) for block in (None, 400.0))
    each = 400 // 20
    assert {len(strip.label) for strip in cut.strips} == {each}
    assert len(cut) == len(whole) * (len(whole.strips[0].label) // each) == len(set(cut.groups))
    np.testing.assert_allclose(cut.strips[1].video, whole.strips[0].video[each : 2 * each])
    np.testing.assert_allclose(cut.strips[1].by_lead, whole.strips[0].by_lead[..., each : 2 * each])


def test_halves_keep_groups_whole():
    dataset = clocks(groups=24)
    tracks = tuple(replace(t, group=f"g{i // 3}") for i, t in enumerate(dataset.tracks))
    spec = WindowSpec(current_seconds=60, current_steps=10, video_seconds=60, video_steps=12)
    found = moments(replace(dataset, tracks=tracks), spec, Scan(low=-40, high=200))
    learnt, held = divided(found, seed=3)
    assert len(learnt) == len(held) == 12
    assert not set(found.groups[learnt]) & set(found.groups[held])


@pytest.mark.parametrize(
    "asked", [Scan(), Scan(-60, 60, 5, 10), Scan(100, 3000, 100, 60), Scan(-900, 0, 3, 20)]
)
@pytest.mark.parametrize("seconds", [200, 600])
def test_recordings_too_short_for_a_scan_are_offered_one_that_fits(asked, seconds):
    short = plant(0.0, recordings=8, seconds=seconds)
    if asked.needed < seconds:
        return
    with pytest.raises(InvalidRequest) as refused:
        moments(short, SPEC, asked)
    offered = re.search(r"--from (\S+) --to (\S+) --step (\S+) --window (\S+)$", str(refused.value))
    assert offered, refused.value
    assert len(moments(short, SPEC, Scan(*map(float, offered.groups())))) == 8


def test_nothing_is_offered_where_nothing_fits():
    assert Scan(-60, 60, 5, 10).within(12.0, 10.0).needed <= 12.0
    assert Scan(-60, 60, 5, 10).within(9.0, 10.0) is None
    with pytest.raises(InvalidRequest, match=r"got 3 groups of 9 recordings and 0 .*--block"):
        found = plant(0.0, recordings=9)
        tracks = tuple(replace(track, group=f"g{i // 3}") for i, track in enumerate(found.tracks))
        moments(replace(found, tracks=tracks), SPEC, SCAN)


def test_what_cannot_be_scanned_is_refused_in_a_sentence():
    with pytest.raises(InvalidRequest, match="5 to 1000 leads, got 3 from 0 to 40 s"):
        _ = Scan(low=0, high=40, step=20).leads
    with pytest.raises(InvalidRequest, match="at least 8 recordings of .* got 7 and 0 that are too short"):
        moments(plant(0.0, recordings=7), SPEC, SCAN)
    with pytest.raises(InvalidRequest, match="got 0 and 20 that are too short; try --from"):
        moments(plant(0.0), SPEC, replace(SCAN, high=1900.0))
    with pytest.raises(InvalidRequest, match="8 blocks, got 0 of 900 s; shorten --block .to 240 s or more"):
        moments(plant(0.0), SPEC, replace(SCAN, block=900.0, high=1500.0))
    with pytest.raises(InvalidRequest, match="--window must hold at least one step of 10 s, got 5 s"):
        moments(plant(0.0), SPEC, replace(SCAN, window=5.0))
    with pytest.raises(InvalidRequest, match="--block must hold at least 12 moments of 20 s, got 100 s"):
        moments(plant(0.0), SPEC, replace(SCAN, block=100.0))
