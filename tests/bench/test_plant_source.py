"""A plant's folder as a data source: clocks, holes, labels, and the same world natively and through it."""

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from plants import BEGIN, FRAMES, LABELS, RATE, SECONDS, lay, write_current, write_labels

from bench.cli import main
from bench.data.dataset import Dataset, prepare
from bench.data.furnace import Furnace, FurnaceParameters
from bench.data.plant.simulate import write_plant
from bench.data.plant.source import Plant, PlantParameters
from bench.study import load
from models.errors import InvalidRequest
from models.registry import build, resolve

WORLD = FurnaceParameters(world="std", seed=3, recordings=12, hours=0.8)


def plant(root, **parameters):
    return build("dataset", resolve("dataset", {"name": "plant", **parameters}), root)


def say(root, *, into="plant.yaml", **more):
    path = root / into
    path.write_text(yaml.safe_dump({**(yaml.safe_load(path.read_text()) if path.exists() else {}), **more}))


@pytest.mark.slow
def test_the_same_world_natively_and_through_the_layout(tmp_path):
    few = FurnaceParameters(world="std", seed=3, recordings=5, hours=0.5)
    write_plant(tmp_path / "world", few)
    native, own = Furnace(few), plant(tmp_path / "world")
    assert own.simulated and own.title == "simulated plant (furnace std, seed 3)"
    assert own.lead == native.lead and own.metadata == native.metadata and own.count == 5
    a, b = (Dataset.open(prepare(s, native.windows, [240.0], tmp_path)) for s in (native, own))
    assert [t.name for t in a.tracks] == [t.name for t in b.tracks]
    one, other = (each.windows(native.windows, 240.0) for each in (a, b))
    for name in ("recording", "current", "video", "begin", "end", "label"):
        assert (getattr(one, name) == getattr(other, name)).all(), name
    assert 0 < one.label.mean() < 1
    for name in ("current", "video", "label", "metadata"):
        assert (getattr(a, name) == getattr(b, name)).all(), name


@pytest.mark.parametrize("video", ["npy", "png", "mp4", "avi"])
def test_every_kind_of_video_shows_the_same_world(video, tmp_path):
    few = FurnaceParameters(world="std", seed=3, recordings=5, hours=0.1)
    write_plant(tmp_path / "plant", few, video=video)
    native, own = next(Furnace(few).recordings()), next(plant(tmp_path / "plant").recordings())
    assert (own.video.start, own.video.rate) == (native.video.start, native.video.rate)
    difference = np.abs(own.video.values[:].astype(float) - native.video.values)
    # H.264 and MJPEG lose something, most of all of the noise of the pixels.
    assert difference.max() == 0 if video in ("npy", "png") else difference.mean() < 12


@pytest.mark.slow
def test_a_grid_runs_on_it_and_gives_the_same_scores(tiny, tmp_path):
    scores, world = {}, tmp_path / "world"
    write_plant(world, WORLD)
    for name, dataset in (
        ("native", {"name": "furnace", "world": "std", "seed": 3, "recordings": 12, "hours": 0.8}),
        ("layout", {"name": "plant", "path": str(world)}),
    ):
        study = yaml.safe_load(tiny.read_text()) | {"dataset": dataset}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(study))
        words = ["grid", str(tmp_path / f"{name}.yaml"), "--engine", "local", "--out", str(tmp_path / "out")]
        ran = CliRunner().invoke(main, words)
        assert ran.exit_code == 0, ran.output
        (table,) = (tmp_path / "out" / name).glob("*/runs.csv")
        runs = pd.read_csv(table)
        columns = [c for c in runs.columns if c.startswith(("current.", "video.")) and "ceiling" not in c]
        scores[name] = runs.sort_values(["arm", "unit"])[columns].to_numpy(float)
        assert "simulated" in (table.parent / "report.md").read_text()
    assert scores["native"].shape == scores["layout"].shape and scores["native"].size
    assert np.array_equal(scores["native"], scores["layout"], equal_nan=True)


def test_seconds_and_a_clock_on_the_wall_are_read_alike(tmp_path):
    seconds = list(plant(lay(tmp_path / "seconds")).recordings())
    wall = list(plant(lay(tmp_path / "wall", wall=True)).recordings())
    for one, other in zip(seconds, wall, strict=True):
        for name in ("current", "video", "label"):
            a, b = getattr(one, name), getattr(other, name)
            assert (a.rate, a.start) == (b.rate, b.start) and (a.values[:] == b.values[:]).all()


def test_the_label_of_a_picture_is_that_of_its_middle(tmp_path):
    root = lay(
        tmp_path / "p", 1, labels=[(10.0, 14.0, "abnormal"), (21.1, 24.9, "abnormal"), (30.0, 40.0, "0")]
    )
    (found,) = plant(root).recordings()
    # Pictures of two seconds, whose middles are 1, 3, 5, ...
    assert np.flatnonzero(found.label.values).tolist() == [5, 6, 11]


def test_intervals_that_overlap_are_joined(tmp_path):
    rows = [(100.0, 200.0, "abnormal"), (150.0, 160.0, "abnormal"), (190.0, 260.0, "1"), (880.0, 990.0, "1")]
    (found,) = plant(lay(tmp_path / "p", 1, labels=rows)).recordings()
    label = found.label.values
    assert np.flatnonzero(np.diff(label)).tolist() == [49, 129, 439] and label[-1] == 1


def test_a_player_shows_minutes_since_the_first_picture(tmp_path):
    root = lay(tmp_path / "p", 1, said={"video": {"offset": 30, "fps": FRAMES}, "labels": {"clock": "video"}})
    (root / "a" / "labels.csv").write_text("begin,end\n01:40,3:20.0\n0:10:00,620\n")
    (found,) = plant(root).recordings()
    assert found.video.start == 30
    assert np.flatnonzero(np.diff(found.label.values, prepend=0)).tolist() == [50, 100, 300, 310]


@pytest.mark.parametrize(
    "video",
    [{"offset": 12.5, "fps": FRAMES}, {"start": (BEGIN + pd.Timedelta("12.5s")).isoformat(), "fps": FRAMES}],
)
def test_the_video_begins_when_it_is_said_to(tmp_path, video):
    (found,) = plant(lay(tmp_path / "p", 1, wall=True, said={"video": video})).recordings()
    assert found.video.start == 12.5 and found.label.start == 12.5


def test_every_picture_may_have_its_time_in_a_list(tmp_path):
    root = lay(tmp_path / "p", 1, said={"video": {"rate": FRAMES}})
    shown = np.delete(12.0 + np.arange(450) * 2, np.s_[100:120])
    pictures = np.load(root / "a" / "video.npy")[: len(shown)]
    np.save(root / "a" / "video.npy", pictures)
    pd.DataFrame({"time": shown}).to_csv(root / "a" / "video.csv", index=False)
    found = list(plant(root).recordings())
    assert [(each.name, each.group, each.video.start) for each in found] == [
        ("a.0", "a", 12.0), ("a.1", "a", 252.0),
    ]  # fmt: skip
    assert (found[1].video.values[:] == pictures[100:]).all()
    # The current is whole in both: what came before the hole can still be looked at.
    assert all(each.current.start == 0 and each.current.end == SECONDS for each in found)


def test_a_hole_in_the_current_breaks_the_recording_and_no_picture_stands_twice(tmp_path):
    root = lay(tmp_path / "p", 1)
    seconds = np.delete(np.arange(SECONDS * RATE) / RATE, np.s_[800:841])
    write_current(root / "a", np.random.default_rng(0).normal(size=(len(seconds), 3)), seconds)
    one, other = plant(root).recordings()
    assert (one.current.start, one.current.end) == (0.0, 400.0)
    assert (other.current.start, other.current.end) == (420.5, 900.0)
    assert (one.video.start, one.video.end) == (0.0, 422.0) and other.video.start == 422.0
    assert other.video.end == 900.0


def test_an_empty_cell_is_a_sample_that_is_missing(tmp_path):
    root = lay(tmp_path / "p", 1)
    values = np.random.default_rng(0).normal(size=(SECONDS * 2, 3))
    values[1000, 1] = np.nan
    write_current(root / "a", values)
    assert [len(each.current.values) for each in plant(root).recordings()] == [1000, 799]
    say(root, current={"rate": 2})
    (whole,) = plant(root).recordings()
    assert (whole.current.values[1000] == whole.current.values[999]).all()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_number_of_phases_and_grey_pictures(tmp_path, count):
    root = lay(tmp_path / "p", 1, said={"video": {"offset": 0, "fps": FRAMES, "grey": True}})
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(SECONDS * 2, count)))
    table.insert(0, "time", np.arange(SECONDS * 2) / 2)
    table.to_csv(root / "a" / "current.csv", index=False)
    source = plant(root)
    (found,) = source.recordings()
    pairs = count if count > 2 else count - 1
    assert source.current_features(found.current, 6.0).shape == (150, 7 * count + pairs)
    assert source.video_features(found.video, 6.0).shape == (150, 32)


def test_parquet_is_read_like_csv(tmp_path):
    csv, parquet = lay(tmp_path / "csv", 1, wall=True), lay(tmp_path / "parquet", 1, wall=True)
    table = pd.read_csv(parquet / "a" / "current.csv", parse_dates=["time"])
    table.to_parquet(parquet / "a" / "current.parquet")
    (parquet / "a" / "current.csv").unlink()
    one, other = (next(plant(root).recordings()) for root in (csv, parquet))
    assert (one.current.values == other.current.values).all()


def test_text_as_windows_writes_it(tmp_path):
    plain, windows = lay(tmp_path / "plain", 1, wall=True), lay(tmp_path / "windows", 1, wall=True)
    for name in ("current.csv", "labels.csv"):
        text = (windows / "a" / name).read_text()
        (windows / "a" / name).unlink()
        written = text.replace("\n", "\r\n").replace(",", " , ") + "\r\n\r\n"
        (windows / "a" / name.capitalize()).write_bytes(b"\xef\xbb\xbf" + written.encode())
    one, other = (next(plant(root).recordings()) for root in (plain, windows))
    assert (one.current.values == other.current.values).all()
    assert (one.label.values == other.label.values).all()


def test_a_table_from_a_european_spreadsheet(tmp_path):
    root = lay(tmp_path / "p", 1)
    moments = (BEGIN.tz_localize(None) + pd.to_timedelta(np.arange(SECONDS), unit="s")).strftime(
        "%d.%m.%Y %H:%M:%S"
    )
    pd.DataFrame({"Zeit": moments, "Strom L1": np.arange(SECONDS) / 8}).to_csv(
        root / "a" / "current.csv", index=False, sep=";", decimal=",", encoding="latin-1"
    )
    (root / "a" / "labels.csv").write_text(
        "begin;end;class\n02.03.2026 08:05:00;02.03.2026 08:06:00;Überhitzt\n", "latin-1"
    )
    say(
        root,
        csv={"separator": ";", "decimal": ",", "encoding": "latin-1", "times": "%d.%m.%Y %H:%M:%S"},
        current={"time": "Zeit"},
        labels={"abnormal": ["Überhitzt"]},
    )  # fmt: skip
    (found,) = plant(root).recordings()
    assert found.current.rate == 1 and found.current.values[8, 0] == 1
    assert found.label.values.sum() == 30


def test_a_logger_of_whole_seconds(tmp_path):
    root = lay(tmp_path / "p", 1)
    write_current(
        root / "a", np.random.default_rng(0).normal(size=(SECONDS * 2, 3)), np.repeat(np.arange(SECONDS), 2)
    )
    with pytest.raises(InvalidRequest, match="same time in rows 0 and 1"):
        list(plant(root).recordings())
    say(root, current={"stamp": 1})
    (found,) = plant(root).recordings()
    assert found.current.rate == 2 and len(found.current.values) == SECONDS * 2


def test_metadata_are_what_was_known_at_the_time(tmp_path):
    root = lay(tmp_path / "p", 1)
    (root / "a" / "metadata.csv").write_text("time,set-point (kA)\n-5,10\n100.2,11\n300,\n400,12\n")
    source = plant(root)
    assert source.metadata == ("set-point (kA)",)
    (found,) = source.recordings()
    values = found.metadata.values[:, 0]
    assert np.flatnonzero(np.diff(values)).tolist() == [200, 799] and values[[0, 201, 800]].tolist() == [
        10,
        11,
        12,
    ]


def test_without_labels_a_recording_is_left_out(tmp_path):
    root = lay(tmp_path / "p", 3)
    (root / "b" / "labels.csv").unlink()
    write_labels(root / "c", [])
    found = list(plant(root).recordings())
    assert [each.name for each in found] == ["a", "c"] and not found[1].label.values.any()
    said = CliRunner().invoke(main, ["data", "check", f"plant={root}"])
    assert said.exit_code == 0 and "left out, of pre-training too" in said.output


def test_cameras_groups_and_folds(tmp_path):
    root = lay(tmp_path / "p", 2)
    for folder in ("a", "b"):
        (root / folder / "video.npy").rename(root / folder / "video-left.npy")
        np.save(root / folder / "video-right.npy", np.zeros((450, 4, 4), np.uint8))
        say(root / folder, into="recording.yaml", group="north", fold=1)
    with pytest.raises(InvalidRequest, match="cameras left, right, got ''; choose one in plant.yaml"):
        plant(root)
    left, right = plant(root, camera="left"), plant(root, camera="right")
    assert left.fingerprint() != right.fingerprint() and left.folds == (1,)
    assert next(right.recordings()).video.values.shape == (450, 4, 4, 1)
    assert {each.group for each in left.recordings()} == {"north"}


def test_a_camera_is_chosen_where_the_data_are_named(tmp_path, tiny):
    root = lay(tmp_path / "p", 1)
    (root / "a" / "video.npy").rename(root / "a" / "video-left.npy")
    study = load(tiny, data={"plant": str(root)}, settings=("dataset.camera=left",))
    assert study.source.parameters.camera == "left"
    with pytest.raises(InvalidRequest, match="has the cameras left, got 'right'"):
        load(tiny, data={"plant": str(root)}, settings=("dataset.camera=right",))


def test_recordings_of_one_group_share_its_clock(tmp_path):
    root = lay(tmp_path / "p", 2, wall=True)
    for folder in ("a", "b"):
        say(root / folder, into="recording.yaml", group="north")
    later = [(BEGIN + pd.Timedelta(hours=2, seconds=s / 2)).isoformat() for s in range(SECONDS * 2)]
    table = pd.read_csv(root / "b" / "current.csv")
    table["time"] = later
    table.to_csv(root / "b" / "current.csv", index=False)
    write_labels(root / "b", [])
    assert [each.clock for each in plant(root).recordings()] == [0.0, 7200.0]


def test_the_fingerprint_covers_what_is_read_and_nothing_else(tmp_path):
    root = lay(tmp_path / "p", 2)
    before = plant(root).fingerprint()
    (root / "notes.txt").write_text("about")
    (root / "a" / "notes.txt").write_text("about")
    assert plant(root).fingerprint() == before
    seen = {before}
    for change in (
        lambda: write_labels(root / "a", LABELS[:1]),
        lambda: say(root, lead=240),
        lambda: say(root / "b", into="recording.yaml", group="x"),
        lambda: np.save(root / "b" / "video.npy", np.zeros((450, 8, 8, 3), np.uint8)),
    ):
        change()
        seen.add(plant(root).fingerprint())
    assert len(seen) == 5
    assert Plant(PlantParameters(shortest=30), root).fingerprint() not in seen


def test_check_says_in_plain_words_what_is_there(tmp_path):
    root = lay(tmp_path / "smelter", 2, wall=True)
    values = np.random.default_rng(0).normal(size=(SECONDS * 2, 3))
    values[1000, 1] = np.nan
    write_current(root / "b", values, wall=True)
    write_labels(root / "b", [(0, 10, "1"), (5, 30, "1"), (890, 910, "1"), (2000, 2010, "1")], wall=True)
    (root / "drawings").mkdir()
    say(root, name="smelter 3", windows={"margin": 60.0})
    said = CliRunner().invoke(main, ["data", "check", f"plant={root}"])
    assert said.exit_code == 0, said.output
    words = " ".join(said.output.split())
    for expected in (
        "smelter 3 (plant): 2 recordings, 0.5 h of video, 14% abnormal",
        "current: Ia, Ib, Ic at 2 Hz, 15 min, by a clock on the wall",
        "video: video.npy, 8 x 8 at 0.5 Hz, 15 min, begins with the current",
        "labels: 2 abnormal intervals, 24% of the video",
        "current: 1 hole breaks it, the longest of 0.5 s, 8.33 min into the recording",
        "current: 1 row with an empty cell is left out",
        "labels: 1 of 4 intervals overlaps another and is joined to it",
        "labels: 1 of 4 intervals reaches beyond the video and is cut there",
        "labels: 1 of 4 intervals lies outside the video and is left out",
        "left alone: drawings",
        "fewer than 5 recordings",
    ):
        assert expected in words, (expected, said.output)
