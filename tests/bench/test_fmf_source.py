"""The benchmark read: axes, units, clocks, labels and parts, each by hand."""

import shutil
from dataclasses import replace

import fmf_files as files
import numpy as np
import pytest

from bench.data.dataset import Dataset, prepare
from bench.data.fmf import Fmf, FmfParameters
from bench.data.fmf.convert import convert
from bench.data.fmf.frames import averaged
from bench.data.recording import frames_of
from bench.data.windows import WindowSpec, cut
from models.errors import InvalidRequest
from models.registry import build, resolve

FULL = FmfParameters(side=8)
SPEC = WindowSpec(
    current_seconds=4.0,
    current_steps=2,
    video_seconds=2.0,
    video_steps=2,
    stride=1.0,
    margin=0.0,
    label="last",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return files.second(tmp_path_factory.mktemp("fmf"))


def values(signal):
    return np.asarray(signal.values[:])


def same(one, two):
    for name in ("current", "video", "label", "part"):
        np.testing.assert_array_equal(values(getattr(one, name)), values(getattr(two, name)))
        assert getattr(one, name).rate == getattr(two, name).rate
        assert getattr(one, name).start == getattr(two, name).start
    assert one.name == two.name and one.group == two.group


def test_pictures_are_upright_and_labels_are_those_of_their_masks(folder):
    batch = next(Fmf(FULL, folder).recordings())
    assert batch.video.rate == 5 and batch.video.values.shape == (300, 8, 8, 3)
    np.testing.assert_array_equal(values(batch.video), files.pictures("batch-1", 300))
    np.testing.assert_array_equal(batch.video.values[7:9], files.pictures("batch-1", 300)[7:9])
    np.testing.assert_array_equal(values(batch.label), files.masks(300).any(axis=(1, 2)))


def test_currents_are_in_kiloampere_on_their_own_clock(folder):
    batch = next(Fmf(FULL, folder).recordings())
    assert batch.current.rate == 2 and batch.current.start == batch.video.start == 0
    assert batch.current.values.dtype == np.float32
    np.testing.assert_allclose(values(batch.current), files.amperes(120) / 1000, rtol=1e-7)


def test_parts_are_the_published_lists(folder):
    source = Fmf(FULL, folder)
    assert source.published and source.split.by == "published" and source.count == 2
    np.testing.assert_array_equal(values(next(source.recordings()).part), files.parts(300))


def test_the_title_says_whether_it_is_real(folder):
    assert Fmf(FULL, folder).title == "FMF benchmark (real, release 2)" and not Fmf(FULL, folder).simulated
    assert (
        build("dataset", resolve("dataset", {"name": "fmf", "side": 8}), folder.parent).layout.folder
        == folder
    )


def test_any_folder_of_the_download_may_be_named(folder):
    prints = {Fmf(FULL, path).fingerprint() for path in (folder, folder.parent, folder / "videos")}
    assert len(prints) == 1
    assert Fmf(replace(FULL, label="second"), folder).fingerprint() not in prints


def test_averaging_gives_back_what_repeating_pixels_enlarged():
    small = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
    np.testing.assert_array_equal(averaged(small.repeat(4, axis=1).repeat(4, axis=2), 16), small)
    pair = np.array([[[[0] * 3, [1] * 3], [[2] * 3, [4] * 3]]], dtype=np.uint8)
    np.testing.assert_array_equal(averaged(pair, 1), np.full((1, 1, 1, 3), 1.75))


def test_fewer_pictures_a_second(folder):
    whole, few = (next(Fmf(replace(FULL, pictures=rate), folder).recordings()) for rate in (0.0, 0.5))
    assert few.video.rate == few.label.rate == few.part.rate == 0.5
    np.testing.assert_array_equal(values(few.video), values(whole.video)[::10])
    np.testing.assert_array_equal(values(few.label), values(whole.label)[::10])
    with pytest.raises(InvalidRequest, match="pictures must divide the 5 frames a second"):
        next(Fmf(replace(FULL, pictures=2.0), folder).recordings())


def test_a_second_is_abnormal_if_any_of_its_own_frames_is(tmp_path):
    counts = np.full(60, 5)
    counts[[4, 5]] = 4, 6
    inner = files.second(tmp_path, counts=counts)
    mask = np.zeros((300, 8, 8), dtype=np.uint8)
    mask[[24, 52], 3, 3] = 1  # frame 24 is the first of second 5, which has six; 52 the third of second 10
    files.change(inner / "videos" / "batch-1.mat", "label", mask)
    by_frame, by_second = (
        next(Fmf(replace(FULL, label=by), inner).recordings()) for by in ("frame", "second")
    )
    assert values(by_frame.label).sum() == 2
    np.testing.assert_array_equal(np.flatnonzero(values(by_second.label)), [*range(25, 30), *range(50, 55)])
    for first, last in ((0, 30), (27, 51), (60, 60)):
        np.testing.assert_array_equal(by_second.label.values[first:last], values(by_second.label)[first:last])


def test_no_window_sees_a_row_of_current_before_its_half_second_is_over(folder, tmp_path):
    # Steps of half a second of current and a fifth of video: windows end inside half seconds.
    spec = replace(SPEC, current_seconds=2.0, current_steps=4, video_seconds=0.4, stride=0.2, margin=4.0)
    batch = next(Fmf(FULL, folder).recordings())
    rows = np.arange(len(batch.current.values))
    for lead in (0.0, 0.3, 4.0):
        dataset = _plain_dataset(batch, spec)
        windows = cut(*dataset, spec, lead)
        last = windows.current + spec.current_steps - 1
        known = (rows[last] + 1) / 2  # when the half second of the last row is over
        end_of_video = windows.video / 5 + 0.4
        assert (known <= end_of_video - lead + 1e-9).all() and len(windows) > 200
        # and no more than half a second is lost
        assert (end_of_video - lead - known < 0.5 - 1e-9).all()


def _plain_dataset(batch, spec):
    from bench.data.windows import Track  # noqa: PLC0415

    label = frames_of(batch.label, spec.video_step)
    track = Track(batch.name, batch.group, -1, 0.0, float("-inf"), 0, 120, 0.0, 0, len(label), 0.0)
    return (track,), np.stack([label.mean(axis=1), label[:, -1]], axis=1)


def test_current_and_video_are_joined_by_the_wall_clock(tmp_path):
    inner = files.second(tmp_path)
    for stem in files.STEMS:  # the camera starts ten seconds late
        path = inner / "timestamps" / f"{stem}.csv"
        lines = path.read_text().splitlines()
        path.write_text(
            "\n".join([lines[0], *lines[51:], *["2023-05-10 21:34:27"] * 25, *["2023-05-10 21:34:28"] * 25])
        )
    batch = next(Fmf(FULL, inner).recordings())
    # The last two seconds hold 25 frames where 5 belong: left out.
    assert batch.current.start == 0 and batch.video.start == 10 and len(batch.video.values) == 250


def test_holes_break_a_recording_and_its_group_stays(tmp_path):
    counts, rows = np.full(60, 5), np.full(60, 2)
    counts[20:22], rows[40] = 0, 0
    source = Fmf(FULL, files.second(tmp_path, counts=counts, rows=rows))
    found = list(source.recordings())[:3]
    assert source.count == 6 and [batch.name for batch in found] == ["batch-1.1", "batch-1.2", "batch-1.3"]
    assert {batch.group for batch in found} == {"batch-1"}
    assert [(batch.video.start, batch.video.end) for batch in found] == [(0, 20), (22, 41), (41, 60)]
    assert [(batch.current.start, batch.current.end) for batch in found] == [(0, 40), (0, 40), (41, 60)]
    # What is shown at a wall second is what was stamped with it.
    np.testing.assert_array_equal(values(found[1].video)[0], files.pictures("batch-1", 290)[100])
    assert values(found[2].current)[0, 0] == pytest.approx(10.080)


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    root = tmp_path_factory.mktemp("releases")
    files.first(root / "one")
    words = convert(root / "one", root / "two", rate=files.RATE)
    return root, words


def test_release_1_converted_is_what_is_read_of_it_natively(releases):
    root, words = releases
    assert "2 batches, 600 frames" in words and "5 frames were taken for a second" in words
    parameters = replace(FULL, rate=files.RATE)
    one, two = (Fmf(parameters, root / name) for name in ("one", "two"))
    assert (one.layout.release, two.layout.release) == (1, 2) and one.published
    for native, converted in zip(one.recordings(), two.recordings(), strict=True):
        same(native, converted)


def test_release_1_is_the_same_data_as_release_2(releases, folder):
    root, _ = releases
    for one, two in zip(
        Fmf(replace(FULL, rate=files.RATE), root / "one").recordings(),
        Fmf(FULL, folder).recordings(),
        strict=True,
    ):
        same(one, two)


def test_a_target_inside_the_source_is_refused(tmp_path):
    source = files.first(tmp_path / "one")
    for target in (source, source / "two"):
        with pytest.raises(InvalidRequest, match="must lie outside"):
            convert(source, target)
    assert sorted(path.name for path in source.iterdir()) == ["batch-1.mat", "batch-2.mat"]


def test_a_batch_under_a_second_name_is_neither_read_nor_converted(tmp_path):
    path = files.first(tmp_path / "one") / "batch-1.mat"
    shutil.copy(path, path.with_name("batch-1 copy.mat"))
    for use in (lambda: Fmf(FULL, path.parent), lambda: convert(path.parent, tmp_path / "two")):
        with pytest.raises(InvalidRequest, match="batch-1 copy.mat must hold currents of its own"):
            use()
    assert not (tmp_path / "two").exists()


def test_a_piece_shorter_than_a_step_has_no_windows_and_breaks_nothing(tmp_path):
    counts = np.full(60, 5)
    counts[[20, 22]] = 0  # second 21 stands alone, and a step takes two
    spec = replace(SPEC, current_steps=1, video_steps=1, stride=2.0)
    dataset = Dataset.open(
        prepare(Fmf(FULL, files.second(tmp_path / "fmf", counts=counts)), spec, [], tmp_path)
    )
    assert [track.video_count for track in dataset.tracks[:3]] == [10, 0, 18]


def test_release_2_is_not_converted(folder, tmp_path):
    with pytest.raises(InvalidRequest, match="release 2 already"):
        convert(folder, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_both_splits_are_prepared_and_proved(folder, tmp_path):
    from bench.data.split import SplitSpec, split  # noqa: PLC0415

    class Plain(Fmf):
        def current_features(self, signal, seconds):
            return frames_of(signal, seconds).mean(axis=1)

        def video_features(self, signal, seconds):
            return frames_of(signal, seconds).mean(axis=(1, 2, 3))

    dataset = Dataset.open(prepare(Plain(FULL, folder), SPEC, [], tmp_path))
    assert dataset.part is not None and dataset.part.dtype == np.int8
    np.testing.assert_array_equal(dataset.part[:60], [0] * 30 + [-1] * 5 + [1] * 25)
    windows = dataset.windows(SPEC, 0.0)
    published = split(SplitSpec(by="published", validation=0.3), dataset.tracks, windows, seed=0, fold=None)
    group = windows.recording
    for recording in range(2):
        own = [
            rows[group[rows] == recording] for rows in (published.train, published.validation, published.test)
        ]
        # Windows see four seconds: training ends at 30, the guard runs to 35, and the test part begins there.
        assert windows.begin[own[2]].min() >= 30 and windows.end[own[2]].min() == 37
        assert windows.end[own[0]].max() < windows.end[own[1]].max() <= 30
    assert published.dropped > 0
    whole = split(SplitSpec(validation=0.0, test=0.5), dataset.tracks, windows, seed=0, fold=None)
    assert len(set(group[whole.train])) == len(set(group[whole.test])) == 1 and whole.dropped == 0


def test_a_published_split_needs_a_source_that_has_one(tmp_path):
    from bench.study import load  # noqa: PLC0415

    (tmp_path / "study.yaml").write_text("question: Which?\ndataset: furnace\nbaseline: {}\n")
    with pytest.raises(InvalidRequest, match="split.by: published needs a source with published lists"):
        load(tmp_path / "study.yaml", settings=("split.by=published",))
