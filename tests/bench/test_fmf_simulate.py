"""A furnace world written as the benchmark: same numbers natively and through the files."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

from bench.cell.run import run
from bench.data.dataset import Dataset, prepare
from bench.data.fmf import Fmf, FmfParameters
from bench.data.fmf.convert import convert
from bench.data.fmf.simulate import even_plans, real_plans, write_fmf
from bench.data.furnace import Furnace, FurnaceParameters
from bench.data.windows import WindowSpec
from bench.grid import prepare_data
from bench.study import load
from models.errors import InvalidRequest

WORLD = FurnaceParameters(world="std", seed=3, recordings=6, hours=0.4)
SHORT = FurnaceParameters(world="std", seed=3, recordings=2, hours=0.1)
DRAWN = FmfParameters(pictures=0.5)  # every picture that was drawn, once
SPEC = WindowSpec(margin=300.0, stride=12.0)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world") / "fmf"
    write_fmf(folder, WORLD, rate=1)
    return folder


@pytest.fixture(scope="module")
def prepared(world, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    sources = Furnace(WORLD), Fmf(DRAWN, world)
    return [Dataset.open(prepare(each, SPEC, [], cache, raw=frozenset({"video"}))) for each in sources]


def test_features_labels_and_windows_are_the_native_ones_bit_by_bit(prepared):
    native, files = prepared
    for name in ("current", "video", "label"):
        np.testing.assert_array_equal(getattr(files, name), getattr(native, name), err_msg=name)
    np.testing.assert_array_equal(files.frames("video", "raw"), native.frames("video", "raw"))
    for lead in (0.0, 240.0):
        one, two = native.windows(SPEC, lead), files.windows(SPEC, lead)
        for name in ("recording", "current", "video", "begin", "end", "label", "scored"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_all_frames_say_what_the_drawn_ones_say(world, prepared, tmp_path):
    whole = Dataset.open(prepare(Fmf(FmfParameters(), world), SPEC, [], tmp_path))
    np.testing.assert_allclose(whole.video, prepared[0].video, atol=2e-6)
    np.testing.assert_array_equal(whole.label, prepared[0].label)


STUDY = """
question: Are the same data the same?
dataset: {name: furnace}
windows:
  {current_seconds: 60, current_steps: 10, video_seconds: 60, video_steps: 10, stride: 12, margin: 300,
   label: last}
split: {by: recording, validation: 0.0, test: 0.4}
seeds: 2
budget: {epochs: 2, windows: 400}
baseline: {lead: 240}
references: [supervised_current]
"""


@pytest.mark.slow
def test_scores_are_the_native_ones(world, tmp_path):
    (tmp_path / "same.yaml").write_text(STUDY)
    native = ("dataset.world=std", "dataset.seed=3", "dataset.recordings=6", "dataset.hours=0.4")
    files = ("dataset.name=fmf", f"dataset.path={world}", "dataset.pictures=0.5")
    found = []
    for settings in (native, files):
        study = load(tmp_path / "same.yaml", settings=settings)
        data = str(prepare_data(study))
        found.append([list(run(cell.content, data))[-1] for cell in study.cells()])
    for one, two in zip(*found, strict=True):
        scores = {name: value for name, value in one["scores"].items() if not name.startswith("ceiling")}
        assert "current.balanced_accuracy" in scores
        np.testing.assert_equal(two["scores"], scores)
        np.testing.assert_array_equal(one["predictions"]["score"], two["predictions"]["score"])


def test_the_title_says_that_it_is_simulated(world, tmp_path):
    source = Fmf(DRAWN, world)
    title = "simulated furnace (std, seed 3, 6 batches, 24 min each), as FMF release 2"
    assert source.simulated and source.title == title
    # It does not hang on a file beside the data: a video alone says so, and so does its copy.
    write_fmf(tmp_path / "one", SHORT, release=1, rate=2)
    convert(tmp_path / "one", tmp_path / "two", rate=2)
    assert (
        Fmf(replace(DRAWN, rate=2), tmp_path / "one").title
        == "simulated furnace (std, seed 3, 2 batches, 6 min each), as FMF release 1"
    )
    assert Fmf(DRAWN, tmp_path / "two").simulated


def test_both_releases_hold_the_same(tmp_path):
    for release in (1, 2):
        write_fmf(tmp_path / str(release), SHORT, release=release, rate=5)
    parameters = FmfParameters(rate=5)
    one, two = (list(Fmf(parameters, tmp_path / name).recordings()) for name in "12")
    for a, b in zip(one, two, strict=True):
        for name in ("current", "video", "label", "part"):
            np.testing.assert_array_equal(getattr(a, name).values[:], getattr(b, name).values[:])


def test_the_layout_is_the_published_one(tmp_path):
    write_fmf(tmp_path, SHORT, rate=5)
    inner = tmp_path / "pixel-level"
    assert sorted(path.name for path in inner.iterdir()) == [
        "currents", "test.json", "timestamps", "train.json", "videos",
    ]  # fmt: skip
    video = min((inner / "videos").iterdir())
    assert video.read_bytes()[:10] == b"MATLAB 7.3" and video.read_bytes()[124:128] == b"\x00\x02IM"
    with h5py.File(video) as file:
        assert file["data"].shape == (1800, 3, 64, 64) and file["data"].dtype == "u1"
        assert file["label"].shape == (1800, 64, 64)
        drawn = Furnace(SHORT).recording(0)
        # Axes are reversed: colour, column, row. The picture of second 2 begins with frame 10.
        np.testing.assert_array_equal(file["data"][10, 2, 4 * 5, 4 * 9], drawn.video.values[1, 9, 5, 2])
        np.testing.assert_array_equal(file["label"][::10].any(axis=(1, 2)), drawn.label.values)
    rows = (inner / "currents" / f"{video.stem}.csv").read_text().splitlines()
    assert (
        len(rows) == 1 + 2 * 360 and rows[1].split(",")[0] == rows[2].split(",")[0] == "2023-05-01 08:00:00"
    )
    stamps = (inner / "timestamps" / f"{video.stem}.csv").read_text().splitlines()
    assert len(stamps) == 1801 and stamps[1:6] == ["2023-05-01 08:00:00"] * 5
    lists = [json.loads((inner / name).read_text())[video.name] for name in ("train.json", "test.json")]
    assert len(lists[1]) == 360 and lists[1] == list(range(1440, 1800)) and lists[0] == list(range(1404))


def test_the_real_sizes():
    plans = real_plans()
    assert [plan.frames for plan in plans] == [31_826, 89_937, 148_158]
    assert [plan.seconds for plan in plans] == [1_298, 3_598, 5_993]
    for plan, train, test in zip(plans, (20_826, 73_437, 120_658), (10_000, 15_000, 25_000), strict=True):
        assert [(plan.parts == part).sum() for part in (0, 1, -1)] == [train, test, test // 10]
        assert set(plan.counts[:-1]) == {24, 25, 26} and plan.before + len(plan.counts) <= plan.seconds
        times = plan.frame_times
        assert (np.diff(times) > 0).all() and times[-1] < plan.seconds


def test_even_plans_begin_and_end_together():
    for plan in even_plans(SHORT, 25):
        assert plan.before == 0 and plan.seconds == len(plan.counts) == 360 and set(plan.counts) == {25}
    assert len({plan.stem for plan in even_plans(replace(SHORT, recordings=28), 25)}) == 28


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    for target in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(InvalidRequest, match="; name another one"):
            write_fmf(target, SHORT)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
