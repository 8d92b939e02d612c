"""The SKAB reader, on files written here: order, scaling, gaps, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from bench.data.dataset import Dataset, prepare
from bench.data.skab import Skab, SkabParameters
from bench.data.split import folds, split
from models.errors import InvalidRequest
from models.registry import build, resolve

SENSORS = [
    "Accelerometer1RMS", "Accelerometer2RMS", "Current", "Pressure", "Temperature", "Thermocouple", "Voltage",
    "Volume Flow RateRMS",
]  # fmt: skip


def _write(folder, name, rows=500, gaps=(), fault=(450, 480), change=None):
    """Noise around a level of its own in each channel; ``gaps`` maps a row to the seconds before it."""
    generator = np.random.default_rng(sum(map(ord, name)))
    table = pd.DataFrame(
        10.0 * np.arange(8) + generator.normal(size=(rows, 8)), columns=SENSORS, dtype=object
    )
    seconds = np.ones(rows)
    for row, length in dict(gaps).items():
        seconds[row] = length
    table.insert(
        0, "datetime", pd.Timestamp("2020-03-09 10:00:00") + pd.to_timedelta(seconds.cumsum(), unit="s")
    )
    table["datetime"] = table["datetime"].astype(str)
    table["anomaly"] = ((np.arange(rows) >= fault[0]) & (np.arange(rows) < fault[1])).astype(float)
    table["changepoint"] = 0.0
    if change is not None:
        change(table)
    path = folder / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, sep=";", index=False)
    return table


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A copy with the layout of the repository: other, valve1, valve2 and one without labels."""
    path = tmp_path_factory.mktemp("skab")
    for name in ("other/2", "other/10", "valve1/0", "valve1/1", "valve1/10", "valve2/0"):
        _write(path / "data", name)
    (path / "data" / "anomaly-free").mkdir()
    (path / "data" / "anomaly-free" / "anomaly-free.csv").write_text("datetime;Current\n")
    (path / "data" / "README.md").write_text("about")
    return path


def test_files_in_numeric_order_and_folds_by_position(bench):
    source = Skab(SkabParameters(), bench)
    found = list(source.recordings())
    assert [r.name for r in found] == ["other/2", "other/10", "valve1/0", "valve1/1", "valve1/10", "valve2/0"]
    assert [r.group for r in found] == [r.name for r in found]
    assert [r.fold for r in found] == [0, 1, 2, 3, 4, 0]
    assert source.title == "SKAB (real)" and not source.simulated
    assert Skab(SkabParameters(), bench / "data").fingerprint() == source.fingerprint()


def test_channels_by_modality_as_recorded(bench):
    recording = next(Skab(SkabParameters(reference="none"), bench).recordings())
    # The level of a channel is ten times its position in the file.
    np.testing.assert_allclose(recording.current.values.mean(axis=0), [20, 60], atol=0.3)
    np.testing.assert_allclose(recording.video.values.mean(axis=0), [0, 10, 30, 40, 50, 70], atol=0.3)
    assert recording.current.rate == recording.video.rate == recording.label.rate == 1.0
    np.testing.assert_array_equal(np.flatnonzero(recording.label.values), np.arange(450, 480))


def test_standardised_by_the_first_four_hundred_rows_only(tmp_path):
    def shift(table):
        table.loc[400:, "Current"] += 1000.0
        table["Pressure"] = 3.0

    raw = _write(tmp_path, "other/1", change=shift)
    recording = next(Skab(SkabParameters(), tmp_path).recordings())
    values = np.concatenate([recording.current.values, recording.video.values], axis=1)
    normal = values[:400]
    np.testing.assert_allclose(normal.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(normal.std(axis=0), [1, 1, 1, 1, 0, 1, 1, 1], atol=1e-9)
    current = raw["Current"].to_numpy(dtype=float)
    np.testing.assert_allclose(
        recording.current.values[:, 0], (current - current[:400].mean()) / current[:400].std(), rtol=1e-9
    )


def test_windows_of_sixty_rows_every_five_scored_after_the_reference(bench, tmp_path):
    source = Skab(SkabParameters(), bench)
    dataset = Dataset.open(prepare(source, source.windows, [source.lead], tmp_path))
    windows = dataset.windows(source.windows, source.lead)
    one = windows.recording == 0
    # 500 rows: windows end after row 59, 64, ..., 499; scored if the last row is 400 or later.
    np.testing.assert_array_equal(windows.end[one] - 1, np.arange(59, 500, 5))
    np.testing.assert_array_equal(windows.scored[one], np.arange(59, 500, 5) >= 400)
    np.testing.assert_array_equal(windows.label[one], [450 <= row < 480 for row in range(59, 500, 5)])
    np.testing.assert_array_equal(windows.current, windows.video)
    assert dataset.current.shape == (600, 14) and dataset.video.shape == (600, 42)
    assert folds(dataset.tracks) == (0, 1, 2, 3, 4)
    for fold in range(5):
        drawn = split(source.split, dataset.tracks, windows, seed=0, fold=fold)
        assert len(np.unique(windows.recording[drawn.test])) == (2 if fold == 0 else 1)


def test_windows_run_across_gaps_or_break_there(tmp_path):
    # A step of 5 s is no gap; 6 s and 60 s are. Rows 300 to 302 make a stretch without a window.
    _write(tmp_path, "other/1", gaps={100: 5.0, 300: 6.0, 303: 60.0})
    _write(tmp_path, "other/2")
    whole = list(Skab(SkabParameters(), tmp_path).recordings())
    assert [r.name for r in whole] == ["other/1", "other/2"]
    source = Skab(SkabParameters(gaps="break"), tmp_path)
    parts = list(source.recordings())
    assert [r.name for r in parts] == ["other/1.0", "other/1.1", "other/1.2", "other/2"]
    assert [r.group for r in parts] == ["other/1"] * 3 + ["other/2"]
    assert [r.fold for r in parts] == [0, 0, 0, 1]
    assert [(r.current.start, r.current.end) for r in parts[:3]] == [(0, 300), (300, 303), (303, 500)]
    for name in ("current", "video", "label"):
        joined = np.concatenate([getattr(r, name).values for r in parts[:3]])
        np.testing.assert_array_equal(joined, getattr(whole[0], name).values)
    dataset = Dataset.open(prepare(source, source.windows, [0.0], tmp_path / "cache"))
    windows = dataset.windows(source.windows, 0.0)
    inside = windows.recording <= 2
    for border in (300, 303):
        assert not ((windows.begin[inside] < border) & (windows.end[inside] > border)).any()
    last = windows.end[windows.recording == 2] - 1
    np.testing.assert_array_equal(windows.scored[windows.recording == 2], last >= 400)


def test_fingerprint_follows_bytes_and_parameters(tmp_path):
    _write(tmp_path, "valve1/0")
    first = Skab(SkabParameters(), tmp_path).fingerprint()
    others = {
        Skab(SkabParameters(reference="none"), tmp_path).fingerprint(),
        Skab(SkabParameters(gaps="break"), tmp_path).fingerprint(),
    }
    _write(tmp_path, "valve1/0", fault=(450, 481))
    others.add(Skab(SkabParameters(), tmp_path).fingerprint())
    _write(tmp_path, "valve1/0")
    assert Skab(SkabParameters(), tmp_path).fingerprint() == first
    (tmp_path / "valve1").rename(tmp_path / "valve2")
    others.add(Skab(SkabParameters(), tmp_path).fingerprint())
    assert len(others | {first}) == 5


@pytest.mark.parametrize(
    ("column", "row", "value"), [("Current", 17, "oops"), ("Thermocouple", 499, ""), ("Voltage", 0, "inf")]
)
def test_a_broken_number_is_named_by_file_column_and_row(tmp_path, column, row, value):
    _write(
        tmp_path, "valve1/3", change=lambda table: table.__setitem__(column, _with(table[column], row, value))
    )
    source = Skab(SkabParameters(), tmp_path)
    said = rf"3\.csv .*finite numbers of .*column '{column}' has .* in row {row};"
    with pytest.raises(InvalidRequest, match=said):
        list(source.recordings())


def _with(column, row, value):
    changed = column.copy()
    changed[row] = value
    return changed


def test_a_label_that_is_neither_is_refused(tmp_path):
    _write(
        tmp_path,
        "valve1/3",
        change=lambda table: table.__setitem__("anomaly", _with(table["anomaly"], 7, 2.0)),
    )
    with pytest.raises(InvalidRequest, match=r"3\.csv .*column 'anomaly' has 2 in row 7"):
        list(Skab(SkabParameters(), tmp_path).recordings())


def test_a_time_that_cannot_be_read_matters_only_to_gaps(tmp_path):
    _write(
        tmp_path,
        "other/1",
        change=lambda table: table.__setitem__("datetime", _with(table["datetime"], 9, "noon")),
    )
    assert len(list(Skab(SkabParameters(), tmp_path).recordings())) == 1
    with pytest.raises(InvalidRequest, match=r"1\.csv .*'datetime' has none in row 9.*gaps: ignore"):
        list(Skab(SkabParameters(gaps="break"), tmp_path).recordings())


def test_a_file_no_longer_than_its_reference(tmp_path):
    _write(tmp_path, "other/1", rows=400)
    with pytest.raises(InvalidRequest, match=r"1\.csv must have more than 400 rows .*got 400"):
        list(Skab(SkabParameters(), tmp_path).recordings())
    assert len(list(Skab(SkabParameters(reference="none"), tmp_path).recordings())) == 1


def test_a_missing_column_is_refused_when_built(tmp_path):
    _write(tmp_path, "valve2/1", change=lambda table: table.pop("Voltage"))
    with pytest.raises(InvalidRequest, match=r"1\.csv must have the columns .*'Voltage' is missing"):
        Skab(SkabParameters(), tmp_path)


def test_no_files_no_source(tmp_path):
    for path, message in (
        (None, "got no path"),
        (tmp_path / "nowhere", "must be a folder, got .*nowhere"),
        (tmp_path, "numbered CSV files in other, valve1, valve2.* has none"),
    ):
        with pytest.raises(InvalidRequest, match=message):
            Skab(SkabParameters(), path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "1.csv").write_text("")
    with pytest.raises(InvalidRequest, match=r"1\.csv must be a table with a header"):
        Skab(SkabParameters(), tmp_path)


def test_registered_with_checked_parameters(bench):
    spec = resolve("dataset", "skab")
    assert spec == {"name": "skab", "reference": "first400", "gaps": "ignore"}
    assert build("dataset", spec, bench).fingerprint() == Skab(SkabParameters(), bench).fingerprint()
    with pytest.raises(InvalidRequest, match="skab.gaps must be one of ignore | break"):
        resolve("dataset", {"name": "skab", "gaps": "fill"})
