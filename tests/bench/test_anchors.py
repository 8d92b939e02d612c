"""Anchors on small files written here: planted signals are found, absent ones are not."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from bench.data.anchors import Anchor, check, pooled_f1, spectral_statistics, t2_alarms, trend_statistics
from models.errors import InvalidRequest

MILLING = ["smcAC", "smcDC", "vib.table", "vib.spindle", "AE.table"]
SKAB = [
    "Accelerometer1RMS", "Accelerometer2RMS", "Current", "Pressure", "Temperature", "Thermocouple", "Voltage",
    "Volume Flow RateRMS",
]  # fmt: skip


def _cuts(folder, planted, wears=(0.1, 0.7)):
    """Two cuts of each wear in four cases; a worn tool shakes the planted channel more."""
    number = 19  # 18 is one of the dropped cuts
    for case in (1, 2, 9, 12):
        for wear in wears * 2:
            number += 1
            values = np.random.default_rng(number).normal(size=(8000, 5))
            if wear >= 0.5:
                values[:, MILLING.index(planted)] *= 1.5
            table = pd.DataFrame(values.round(4), columns=MILLING)
            table.insert(0, "case", case)
            table.insert(1, "VB", wear)
            table.insert(2, "time", float(number))
            table.to_csv(folder / f"cut{number}.csv", index=False)
    return folder


def _files(folder, planted, fault=(570, 620), rows=640):
    """Ten files; while the fault lasts the planted channel stands 6 sd off."""
    (folder / "other").mkdir()
    for number in range(1, 11):
        values = np.random.default_rng(number).normal(size=(rows, 8))
        label = (np.arange(rows) >= fault[0]) & (np.arange(rows) < fault[1])
        values[label, SKAB.index(planted)] += 6
        table = pd.DataFrame(values.round(4), columns=SKAB)
        table.insert(0, "datetime", "2020-03-09 10:00:00")
        table["anomaly"] = label.astype(float)
        table.to_csv(folder / "other" / f"{number}.csv", sep=";", index=False)
    return folder


@pytest.mark.slow
def test_a_planted_wear_is_found_where_it_is(tmp_path):
    found = {anchor.name: anchor for anchor in check("milling", _cuts(tmp_path, "vib.spindle"))}
    assert len(found) == 5
    assert found["windows"] == Anchor("windows", 1872, 16 * 13, 0) and not found["windows"].holds
    for model in ("logistic", "boosting"):
        assert found[f"video AUROC, {model}"].measured > 0.95
        assert 0.3 < found[f"current AUROC, {model}"].measured < 0.7


@pytest.mark.slow
def test_a_planted_fault_is_found_where_it_is(tmp_path):
    found = {anchor.name: anchor for anchor in check("skab", _files(tmp_path, "Voltage"))}
    assert len(found) == 9
    # 640 rows make (640 - 60) / 5 + 1 = 117 windows; of them 48 end at rows 404, 409, ..., 639.
    assert found["windows"].measured == 1170 and found["scored windows"].measured == 480
    for model in ("logistic", "boosting"):
        assert found[f"current AUROC, {model}"].measured > 0.95
        assert 0.3 < found[f"video AUROC, {model}"].measured < 0.7
    # Of 240 later rows 50 are faulty; the clock says 570 to 639: 50 hits and 20 false alarms.
    assert found["protocol F1, always anomalous"].measured == pytest.approx(50 / (50 + 190 / 2))
    assert found["protocol F1, clock"].measured == pytest.approx(50 / (50 + 20 / 2))
    assert found["protocol F1, T2 on the current"].measured > 0.9


def test_t2_on_the_current_misses_what_is_elsewhere(tmp_path):
    found = {anchor.name: anchor.measured for anchor in check("skab", _files(tmp_path, "Pressure"))}
    assert found["protocol F1, T2 on the current"] < 0.2
    assert found["video AUROC, logistic"] > 0.95 and 0.3 < found["current AUROC, logistic"] < 0.7


def test_too_few_files_are_refused(tmp_path):
    with pytest.raises(InvalidRequest, match="both classes, but what is trained on when fold 0.*all files"):
        check("milling", _cuts(tmp_path, "smcDC", wears=(0.1,)))


def test_unknown_name_and_missing_path(tmp_path):
    with pytest.raises(InvalidRequest, match="data set with anchors 'mill'; did you mean 'milling'"):
        check("mill", tmp_path)
    with pytest.raises(InvalidRequest, match="must be a folder"):
        check("skab", tmp_path / "nowhere")


def test_an_anchor_holds_within_its_tolerance():
    assert Anchor("a", 0.76, 0.785, 0.03).holds and Anchor("a", 0.76, 0.735, 0.03).holds
    assert not Anchor("a", 0.76, 0.80, 0.03).holds and not Anchor("a", 0.76, float("nan"), 0.03).holds
    assert Anchor("a", 1872, 1872, 0).holds and not Anchor("a", 1872, 1871, 0).holds


def test_spectral_statistics_against_scipy():
    windows = np.random.default_rng(0).gamma(2.0, size=(5, 500, 2))
    found = spectral_statistics(windows).reshape(5, 21, 2)
    np.testing.assert_allclose(found[:, 0], windows.mean(axis=1))
    np.testing.assert_allclose(found[:, 1], windows.std(axis=1))
    np.testing.assert_allclose(found[:, 7], np.median(windows, axis=1))
    np.testing.assert_allclose(found[:, 10], stats.skew(windows, axis=1))
    np.testing.assert_allclose(found[:, 11], stats.kurtosis(windows, axis=1))


def test_spectral_statistics_see_the_frequency():
    time = np.arange(500) / 500
    windows = np.stack([np.sin(2 * np.pi * f * time) for f in (1, 50, 240)])[:, :, None]
    found = spectral_statistics(windows)
    np.testing.assert_allclose(found[:, 20], [1, 50, 240], rtol=1e-6)
    np.testing.assert_array_equal(found[:, 12:20].argmax(axis=1), [0, 5, 7])


def test_spectral_statistics_of_a_dead_channel_are_finite():
    assert np.isfinite(spectral_statistics(np.full((2, 500, 1), 0.3))).all()


def test_trend_statistics_by_hand():
    found = trend_statistics(np.array([[0.0, 2.0, 1.0, 5.0]])[:, :, None])[0]
    slope = np.polyfit(range(4), [0, 2, 1, 5], 1)[0]
    np.testing.assert_allclose(found, [2, np.std([0, 2, 1, 5]), 0, 5, slope, (2 + 1 + 4) / 3, 1.5])


def test_t2_is_the_mahalanobis_distance_and_needs_no_scale():
    values = np.random.default_rng(1).normal(size=(600, 2)) @ [[2.0, 1.0], [0.0, 0.5]] + 100
    values[500:520] += [8.0, -8.0]
    alarms = t2_alarms(values)
    assert alarms.shape == (200,) and alarms[100:120].all() and alarms.sum() < 20 + 15
    np.testing.assert_array_equal(alarms, t2_alarms(values * [3.0, 0.01] - 7))


def test_pooled_f1_against_sklearn():
    generator = np.random.default_rng(2)
    truth = [generator.random(n) < 0.4 for n in (30, 50)]
    alarms = [generator.random(n) < 0.6 for n in (30, 50)]
    expected = f1_score(np.concatenate(truth), np.concatenate(alarms))
    assert pooled_f1(truth, alarms) == pytest.approx(expected)
    assert pooled_f1([np.zeros(3, dtype=bool)], [np.zeros(3, dtype=bool)]) == 0
