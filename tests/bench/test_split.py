"""Splits: deterministic, both classes everywhere, and a proof that finds planted leaks."""

from dataclasses import replace

import numpy as np
import pytest

from bench.data.split import PARTS, LeakError, Split, SplitSpec, folds, prove_apart, split
from bench.data.windows import Track, Windows
from models.errors import InvalidRequest

LENGTH = 12.0  # seconds that one window sees: window plus lead


def _tracks(count, folds=None, groups=None):
    return tuple(
        Track(
            f"r{i}",
            groups[i] if groups else f"g{i}",
            folds[i] if folds else -1,
            0.0,
            float("-inf"),
            0,
            0,
            0.0,
            0,
            0,
            0.0,
        )  # fmt: skip
        for i in range(count)
    )


def _windows(recordings, per=30, stride=2.0, label=None, scored=None):
    """``per`` windows of 12 s in each recording, alternating labels unless told."""
    end = np.tile(LENGTH + stride * np.arange(per), recordings)
    recording = np.repeat(np.arange(recordings), per)
    rows = len(end)
    return Windows(
        recording=recording,
        current=np.arange(rows),
        video=np.arange(rows),
        begin=end - LENGTH,
        end=end,
        label=np.arange(rows) % 2 if label is None else np.asarray(label),
        scored=np.ones(rows, dtype=bool) if scored is None else np.asarray(scored),
    )


def _parts(drawn):
    return [getattr(drawn, part) for part in PARTS]


def test_by_recording_holds_whole_groups_out():
    tracks, windows = _tracks(10), _windows(10)
    drawn = split(SplitSpec(validation=0.25, test=0.2), tracks, windows, seed=0, fold=None)
    owners = [set(windows.recording[rows]) for rows in _parts(drawn)]
    assert [len(own) for own in owners] == [6, 2, 2]
    assert set.union(*owners) == set(range(10))
    np.testing.assert_array_equal(np.sort(np.concatenate(_parts(drawn))), np.arange(len(windows)))


def test_recordings_of_one_group_stay_together():
    tracks, windows = _tracks(8, groups=["a", "a", "b", "b", "c", "c", "d", "d"]), _windows(8)
    for seed in range(5):
        drawn = split(SplitSpec(validation=0.3, test=0.25), tracks, windows, seed=seed, fold=None)
        owners = [set(windows.recording[rows] // 2) for rows in _parts(drawn)]
        assert sum(map(len, owners)) == 4


def test_same_seed_same_split_and_seeds_differ():
    tracks, windows = _tracks(10), _windows(10)
    draws = [split(SplitSpec(), tracks, windows, seed=seed, fold=None) for seed in (3, 3, 4, 5, 6)]
    for one, two in zip(_parts(draws[0]), _parts(draws[1]), strict=True):
        np.testing.assert_array_equal(one, two)
    assert len({tuple(drawn.test) for drawn in draws}) > 1


def test_draws_again_until_every_part_holds_both_classes():
    # Three recordings of ten hold positives: most draws leave a part without one.
    label = np.zeros(300, dtype=int)
    label[[5, 65, 125]] = 1
    tracks, windows = _tracks(10), _windows(10, label=label)
    for seed in range(10):
        drawn = split(SplitSpec(validation=0.3, test=0.3), tracks, windows, seed=seed, fold=None)
        assert all(set(label[rows]) == {0, 1} for rows in _parts(drawn))


def test_only_scored_windows_count_for_the_classes_of_a_test_part():
    label, scored = np.zeros(120, dtype=int), np.ones(120, dtype=bool)
    label[[5, 35, 65, 95]] = 1
    scored[[5, 35, 65]] = False
    with pytest.raises(InvalidRequest, match="every part of a split must hold both classes"):
        split(
            SplitSpec(validation=0.4, test=0.25),
            _tracks(4),
            _windows(4, label=label, scored=scored),
            seed=0,
            fold=None,
        )
    scored[5] = True
    drawn = split(
        SplitSpec(validation=0.4, test=0.25),
        _tracks(4),
        _windows(4, label=label, scored=scored),
        seed=0,
        fold=None,
    )
    assert all(label[rows[scored[rows]]].any() for rows in (drawn.validation, drawn.test))


def test_one_class_is_refused():
    windows = _windows(6, label=np.zeros(180, dtype=int))
    with pytest.raises(InvalidRequest, match="both classes, but train holds one; change"):
        split(SplitSpec(), _tracks(6), windows, seed=0, fold=None)


def test_by_fold_takes_the_folds_of_the_source():
    tracks, windows = _tracks(6, folds=[0, 1, 2, 0, 1, 2]), _windows(6)
    assert folds(tracks) == (0, 1, 2)
    for fold in range(3):
        drawn = split(SplitSpec(by="fold", validation=0.0), tracks, windows, seed=7, fold=fold)
        assert set(windows.recording[drawn.test]) == {fold, fold + 3}
        assert len(drawn.validation) == 0 and len(drawn.train) == 120
    drawn = split(SplitSpec(by="fold", validation=0.25), tracks, windows, seed=7, fold=0)
    assert len(set(windows.recording[drawn.validation])) == 1


def test_a_fold_that_does_not_exist():
    tracks = _tracks(4, folds=[0, 0, 1, 1])
    for fold in (2, None):
        with pytest.raises(InvalidRequest, match=r"fold must be one of \(0, 1\)"):
            split(SplitSpec(by="fold"), tracks, _windows(4), seed=0, fold=fold)
    assert folds(_tracks(2)) == ()


def test_a_fold_with_one_class_is_refused():
    label = np.arange(120) % 2
    label[:60] = 0
    with pytest.raises(InvalidRequest, match="test holds one"):
        split(
            SplitSpec(by="fold", validation=0.0),
            _tracks(4, folds=[0, 0, 1, 1]),
            _windows(4, label=label),
            seed=0,
            fold=0,
        )


def test_blocks_of_time_keep_a_guard_of_window_and_lead():
    tracks, windows = _tracks(2), _windows(2, per=200)
    drawn = split(SplitSpec(by="time", validation=0.2, test=0.3), tracks, windows, seed=0, fold=None)
    assert all(len(rows) for rows in _parts(drawn))
    for recording in range(2):
        spans = []
        for rows in _parts(drawn):
            own = rows[windows.recording[rows] == recording]
            spans.append((windows.begin[own].min(), windows.end[own].max()))
        (_, train_end), (validation_begin, validation_end), (test_begin, _) = spans
        assert validation_begin - train_end >= LENGTH - 1e-9
        assert test_begin - validation_end >= LENGTH - 1e-9
    again = split(SplitSpec(by="time", validation=0.2, test=0.3), tracks, windows, seed=1, fold=None)
    np.testing.assert_array_equal(drawn.test, again.test)


def test_a_recording_too_short_for_blocks_is_refused():
    with pytest.raises(InvalidRequest, match="both classes"):
        split(SplitSpec(by="time"), _tracks(1), _windows(1, per=8), seed=0, fold=None)


def _published(part, count=1, groups=None, per=100):
    """Windows of 12 s, one every 2 s, of which ``part`` says what the lists call them."""
    windows = _windows(count, per=per)
    return _tracks(count, groups=groups), replace(windows, part=np.tile(part, count).astype(np.int8))


def test_published_parts_keep_what_is_apart():
    # Row k sees 2 k to 2 k + 12 s: train to row 49, rows 50 to 59 reach across or lie in the guard.
    part = np.repeat([0, -2, -1, 1], [50, 5, 5, 40])
    tracks, windows = _published(part, count=2)
    drawn = split(SplitSpec(by="published", validation=0.2), tracks, windows, seed=0, fold=None)
    for recording in range(2):
        own = [rows[windows.recording[rows] == recording] - 100 * recording for rows in _parts(drawn)]
        np.testing.assert_array_equal(own[2], range(60, 100))
        # Test windows begin at 120 s, so that training may go on to 108 s: row 48. A fifth of 49 rows.
        np.testing.assert_array_equal(own[1], range(39, 49))
        # Validation begins at 78 s; what is learnt from ends at 66 s: row 27.
        np.testing.assert_array_equal(own[0], range(28))
    # Of 95 windows that the lists name (guard apart), 40 + 10 + 28 are used.
    assert drawn.dropped == 2 * (95 - 78)
    again = split(SplitSpec(by="published", validation=0.2), tracks, windows, seed=5, fold=None)
    np.testing.assert_array_equal(drawn.test, again.test)


def test_a_published_test_block_in_the_middle():
    part = np.repeat([0, -1, 1, -1, 0], [40, 3, 14, 3, 40])
    tracks, windows = _published(part)
    drawn = split(SplitSpec(by="published", validation=0.25), tracks, windows, seed=0, fold=None)
    assert set(drawn.test) == set(range(43, 57))
    # Apart are rows up to 31 (ending at 74, 12 s before 86) and from 68 on (12 s after 124).
    assert min(set(drawn.train) | set(drawn.validation)) == 0 and max(drawn.validation) == 99
    learnt = np.sort(np.concatenate([drawn.train, drawn.validation]))
    assert not set(learnt) & set(range(32, 68)) and 31 in learnt


def test_recordings_of_one_group_are_apart_on_its_clock():
    # Two stretches of one batch on one clock: the test part of the second is too near to the first's windows.
    tracks, windows = _published(np.zeros(20), count=2, groups=["a", "a"], per=20)
    later = windows.recording == 1
    shifted = np.where(later, 40.0, 0.0)
    moved = replace(
        windows,
        begin=windows.begin + shifted,
        end=windows.end + shifted,
        part=later.astype(np.int8),
    )
    drawn = split(SplitSpec(by="published", validation=0.0), tracks, moved, seed=0, fold=None)
    # The test part begins at 40 s: training windows end by 28 s, row 8.
    np.testing.assert_array_equal(drawn.train, range(9))
    assert drawn.dropped == 11


def test_no_published_part_is_refused():
    tracks, windows = _published(np.repeat([0, -1], 50))
    for without in (windows, _windows(1, per=100)):
        with pytest.raises(InvalidRequest, match="published needs frames that are published as test frames"):
            split(SplitSpec(by="published"), tracks, without, seed=0, fold=None)


def test_the_proof_holds_for_published_parts_and_for_more_windows_than_a_chunk():
    tracks, windows = _tracks(1), _windows(1, per=3000)
    prove_apart(_rows(range(1500), [], range(1511, 3000)), tracks, windows, by="published")
    with pytest.raises(LeakError, match="a train window comes within 10 s"):
        prove_apart(_rows(range(1500), [], range(1510, 3000)), tracks, windows, by="published")


def _rows(*parts):
    return Split(*(np.asarray(part, dtype=np.int64) for part in parts))


def test_the_proof_finds_a_shared_group():
    tracks, windows = _tracks(4, groups=["a", "b", "c", "a"]), _windows(4)
    clean = _rows(range(30, 60), range(60, 90), [*range(30), *range(90, 120)])
    prove_apart(clean, tracks, windows, by="recording")
    for part in ("train", "validation"):
        rows = [range(90, 120), range(60, 90)] if part == "train" else [range(60, 90), range(90, 120)]
        with pytest.raises(LeakError, match=f"'a'.* stands in both {part} and test"):
            prove_apart(_rows(*rows, range(30)), tracks, windows, by="recording")


def test_the_proof_finds_a_window_within_window_and_lead():
    # Row k covers 2 k to 2 k + 12 s. Row 0 ends at 12 s, so a test window may begin at 24 s: row 12.
    tracks, windows = _tracks(1), _windows(1)
    prove_apart(_rows([0], [], [12, 13]), tracks, windows, by="time")
    for nearest, gap in ((11, 10), (6, 0), (3, -6), (0, -12)):
        with pytest.raises(
            LeakError, match=f"g0: a train window comes within {gap} s .* window \\+ lead is 12 s"
        ):
            prove_apart(_rows([0], [], [nearest, 13]), tracks, windows, by="time")
    with pytest.raises(LeakError, match="a validation window"):
        prove_apart(_rows([0], [29], [14, 20]), tracks, windows, by="time")


def test_the_proof_holds_in_both_directions_of_time():
    tracks, windows = _tracks(1), _windows(1)
    prove_apart(_rows([29], [], [17]), tracks, windows, by="time")
    with pytest.raises(LeakError):
        prove_apart(_rows([29], [], [18]), tracks, windows, by="time")


def test_split_runs_the_proof(monkeypatch):
    import bench.data.split as module

    leaky = _rows(range(60), [], range(50, 120))
    monkeypatch.setattr(module, "_by_group", lambda *args: leaky)
    with pytest.raises(LeakError):
        split(SplitSpec(), _tracks(4), _windows(4), seed=0, fold=None)
