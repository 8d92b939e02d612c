"""The milling reader, on cuts written here: what is read, what is dropped, what is refused."""

import numpy as np
import pandas as pd
import pytest

from bench.data.dataset import Dataset, prepare
from bench.data.milling import CONDITIONS, Milling, MillingParameters
from bench.data.split import folds, split
from models.errors import InvalidRequest
from models.registry import build, resolve

CHANNELS = ["smcAC", "smcDC", "vib.table", "vib.spindle", "AE.table", "AE_spindle"]
ROWS = 8000


def _write(folder, number, case=1, wear=0.1, minutes=2.0, rows=ROWS, change=None):
    """One cut: channel c of row r is c + r / 10 000, so that every value tells where it comes from."""
    values = np.arange(6) + np.arange(rows)[:, None] / 1e4
    table = pd.DataFrame(values, columns=CHANNELS, dtype=object)
    process = {"case": case, "run": 1, "VB": wear, "time": minutes, "DOC": 1.5, "feed": 0.5, "material": 1}
    for position, (name, value) in enumerate(process.items()):
        table.insert(position, name, value)
    table["cutnumber"] = number
    if change is not None:
        change(table)
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / f"cut{number}.csv", index=False, na_rep="NA")


@pytest.fixture(scope="module")
def cuts(tmp_path_factory):
    path = tmp_path_factory.mktemp("milling")
    wear = {1: 0.1, 2: 0.6, 10: 0.5, 11: 0.0, 12: None, 18: 0.1, 95: 0.1, 106: 0.45}
    case = {1: 1, 2: 1, 10: 9, 11: 9, 12: 9, 18: 2, 95: 12, 106: 12}
    for number in wear:
        _write(path / "cut_number", number, case[number], wear[number], minutes=float(number))
    (path / "cut_number" / "notes.txt").write_text("not a cut")
    return path


def test_cuts_in_order_without_the_dropped_and_the_unmeasured(cuts):
    source = Milling(MillingParameters(), cuts)
    found = list(source.recordings())
    assert [r.name for r in found] == ["cut-001", "cut-002", "cut-010", "cut-011"]
    assert [r.group for r in found] == ["case-01", "case-01", "case-09", "case-09"]
    assert [r.fold for r in found] == [0, 0, 1, 1]
    assert [r.clock for r in found] == [60.0, 120.0, 600.0, 660.0]
    assert not source.simulated and source.title == "milling (real, VB >= 0.5 mm)"


def test_channels_and_rows(cuts):
    recording = next(Milling(MillingParameters(), cuts).recordings())
    assert recording.current.values.shape == (6500, 2) and recording.video.values.shape == (6500, 3)
    # Row 1 500 first, row 7 999 last; AE_spindle (channel 5) is left out.
    np.testing.assert_allclose(recording.current.values[[0, -1]], [[0.15, 1.15], [0.7999, 1.7999]])
    np.testing.assert_allclose(recording.video.values[0], [2.15, 3.15, 4.15])
    assert recording.current.rate == recording.video.rate == recording.label.rate == 250.0
    assert recording.current.start == recording.video.start == recording.label.start == 6.0


@pytest.mark.parametrize(("wear", "labels"), [(0.5, [0, 1, 1, 0]), (0.6, [0, 1, 0, 0]), (0.05, [1, 1, 1, 0])])
def test_worn_from_the_threshold_on(cuts, wear, labels):
    source = Milling(MillingParameters(wear=wear), cuts)
    assert [set(r.label.values) for r in source.recordings()] == [{float(v)} for v in labels]
    assert f"{wear:g} mm" in source.title


def test_the_folder_itself_will_do(cuts):
    inside = Milling(MillingParameters(), cuts / "cut_number")
    assert inside.fingerprint() == Milling(MillingParameters(), str(cuts)).fingerprint()


def test_condition_folds_pair_the_two_sets_of_inserts(tmp_path):
    assert sorted(case for pair in CONDITIONS for case in pair) == list(range(1, 17))
    for number, case in enumerate((3, 11, 16, 14), start=1):
        _write(tmp_path, number, case)
    source = Milling(MillingParameters(folds="condition"), tmp_path)
    assert [r.fold for r in source.recordings()] == [2, 2, 4, 7]


def test_thirteen_windows_a_cut_and_both_classes_in_both_folds(cuts, tmp_path):
    source = Milling(MillingParameters(), cuts)
    dataset = Dataset.open(prepare(source, source.windows, [source.lead], tmp_path))
    windows = dataset.windows(source.windows, source.lead)
    np.testing.assert_array_equal(np.bincount(windows.recording), [13] * 4)
    assert windows.scored.all()
    np.testing.assert_array_equal(windows.current, windows.video)
    assert dataset.current.shape == (4 * 130, 2 * 12) and dataset.video.shape == (4 * 130, 3 * 12)
    # The mean of the first step: rows 1 500 to 1 549.
    np.testing.assert_allclose(dataset.current[0, :2], [0.15245, 1.15245], rtol=1e-5)
    assert folds(dataset.tracks) == (0, 1)
    for fold in (0, 1):
        drawn = split(source.split, dataset.tracks, windows, seed=0, fold=fold)
        assert len(drawn.train) == len(drawn.test) == 26 and len(drawn.validation) == 0
        assert set(windows.label[drawn.train]) == set(windows.label[drawn.test]) == {0, 1}


def test_fingerprint_follows_bytes_and_parameters(tmp_path):
    _write(tmp_path, 1)
    _write(tmp_path, 2, wear=0.7)
    _write(tmp_path, 18)
    first = Milling(MillingParameters(), tmp_path).fingerprint()
    assert first == Milling(MillingParameters(), tmp_path).fingerprint() and len(first) == 64
    assert first != Milling(MillingParameters(wear=0.3), tmp_path).fingerprint()
    assert first != Milling(MillingParameters(folds="condition"), tmp_path).fingerprint()
    _write(tmp_path, 18, wear=0.9)
    assert first == Milling(MillingParameters(), tmp_path).fingerprint(), "a dropped cut is not read"
    _write(tmp_path, 2, wear=0.8)
    assert first != Milling(MillingParameters(), tmp_path).fingerprint()


def _set(column, row, value):
    def change(table):
        table.loc[row, column] = value

    return change


@pytest.mark.parametrize(
    ("column", "row", "value"),
    [
        ("vib.table", 4000, 1e18),
        ("smcAC", 1500, -2771.19),
        ("smcDC", 7999, "NA"),
        ("AE.table", 1600, "inf"),
        ("vib.spindle", 2000, "broken"),
    ],
)
def test_a_corrupt_sample_is_named_by_file_column_and_row(tmp_path, column, row, value):
    _write(tmp_path, 3, change=_set(column, row, value))
    source = Milling(MillingParameters(), tmp_path)
    with pytest.raises(InvalidRequest, match=rf"cut3\.csv .*1000.* column '{column}' has .* in row {row};"):
        list(source.recordings())


def test_what_lies_outside_the_kept_rows_or_columns_may_be_broken(tmp_path):
    _write(tmp_path, 3, rows=8001, change=_set("smcAC", 1499, 1e9))
    _write(tmp_path, 4, rows=8001, change=_set("smcAC", 8000, 1e9))
    _write(tmp_path, 5, change=_set("AE_spindle", 4000, 1e9))
    _write(tmp_path, 18, change=_set("smcAC", 4000, 1e34))
    assert len(list(Milling(MillingParameters(), tmp_path).recordings())) == 3


def test_a_short_cut_is_refused(tmp_path):
    for rows in (7999, 100):
        _write(tmp_path, 4, rows=rows)
        with pytest.raises(InvalidRequest, match=r"cut4\.csv must have at least 8000 rows"):
            list(Milling(MillingParameters(), tmp_path).recordings())


def test_a_missing_column_is_refused_when_built(tmp_path):
    _write(tmp_path, 4, change=lambda table: table.pop("vib.spindle"))
    with pytest.raises(InvalidRequest, match=r"cut4\.csv must have the columns .* 'vib.spindle' is missing"):
        Milling(MillingParameters(), tmp_path)


@pytest.mark.parametrize("case", [0, 17, 1.5, "NA"])
def test_an_unknown_case_is_refused_when_built(tmp_path, case):
    _write(tmp_path, 4, case=case)
    with pytest.raises(InvalidRequest, match=r"cut4\.csv must name its case \(1 to 16\)"):
        Milling(MillingParameters(), tmp_path)


def test_no_files_no_source(tmp_path):
    for path, message in (
        (None, "got no path"),
        (tmp_path / "nowhere", "must be a folder, got .*nowhere"),
        (tmp_path, "cut{n}.csv files of known wear VB.* none"),
    ):
        with pytest.raises(InvalidRequest, match=message):
            Milling(MillingParameters(), path)
    file = tmp_path / "cut1.csv"
    file.write_text("")
    for path, message in ((file, "must be a folder"), (tmp_path, r"cut1\.csv must be a table with a header")):
        with pytest.raises(InvalidRequest, match=message):
            Milling(MillingParameters(), path)
    file.unlink()
    _write(tmp_path, 18)
    _write(tmp_path, 7, wear=None)
    with pytest.raises(InvalidRequest, match="known wear VB"):
        Milling(MillingParameters(), tmp_path)


def test_registered_with_checked_parameters(cuts):
    spec = resolve("dataset", {"name": "milling", "wear": 0.3})
    assert spec == {"name": "milling", "wear": 0.3, "folds": "replicate"}
    assert build("dataset", spec, cuts).title == "milling (real, VB >= 0.3 mm)"
    with pytest.raises(InvalidRequest, match=r"milling.wear must lie in 0 … 2"):
        resolve("dataset", {"name": "milling", "wear": 2.5})
    with pytest.raises(InvalidRequest, match="replicate | condition"):
        resolve("dataset", {"name": "milling", "folds": "random"})


@pytest.mark.parametrize("wear", ["abc", "inf", -3.0])
def test_a_wear_that_is_no_measurement_is_refused_not_dropped(tmp_path, wear):
    _write(tmp_path, 1)
    _write(tmp_path, 2, wear=wear)
    with pytest.raises(InvalidRequest, match=r"cut2\.csv .*wear VB \(mm, or NA\)"):
        Milling(MillingParameters(), tmp_path)
