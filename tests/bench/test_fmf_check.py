"""What a look at the files says: every irregularity, where it is and what becomes of it."""

import shutil

import fmf_files as files
import numpy as np
import pytest

from bench.data.fmf import Fmf, FmfParameters
from bench.data.windows import WindowSpec
from bench.looking import told_in_words

PARAMETERS = FmfParameters(side=8, rate=files.RATE)


def found(folder, place="", kind=None):
    """Sentences about one file, or with no place about all."""
    return [
        finding.text
        for finding in Fmf.check(PARAMETERS, folder)
        if finding.where == place and kind in (None, finding.kind)
    ]


def test_what_there_is(tmp_path):
    inner = files.second(tmp_path)
    assert found(inner, "videos/batch-1.mat") == [
        "300 frames of 8 x 8 at 5 a second; 50.0% abnormal, in 10 stretches",
        "published: 150 frames to train, 125 to test (175 to 299), 25 in neither",
    ]
    assert found(inner, "currents/batch-2.csv") == [
        "120 rows, 2 a second, 2023-05-10 21:33:27 to 2023-05-10 21:34:26",
        "current 10,500 to 12,619 A, median 11,560 A",
    ]
    digest = Fmf(PARAMETERS, inner).fingerprint()[:16]
    assert found(inner)[:2] == [
        "release 2 of the FMF layout: 2 batches",
        f"FMF benchmark (real, release 2): 2 recordings, fingerprint {digest}",
    ]


def test_every_irregularity_is_told(tmp_path):
    counts, rows = np.full(60, 5), np.full(60, 2)
    counts[[0, 7, 9, 20, 21, 30, 59]] = 2, 4, 6, 0, 0, 10, 1
    rows[[3, 12, 13, 40, 50]] = 1, 3, 3, 0, 4
    inner = files.second(tmp_path, counts=counts, rows=rows)
    at = "2023-05-10 21:3"
    assert found(inner, "timestamps/batch-1.csv")[1:] == [
        f"2 seconds (the first at {at}3:47): missing, the recording breaks there",
        f"1 second ({at}3:34): fewer than 5 frames, stretched over the second",
        f"1 second ({at}3:36): more than 5 frames, thinned out",
        f"1 second ({at}3:57): far more than 5 frames (stamped twice), left out",
        f"2 seconds (the first at {at}3:27): incomplete at an end, left out",
    ]
    assert found(inner, "currents/batch-1.csv")[1:5] == [
        f"1 second ({at}4:07): missing, the recording breaks there",
        f"1 second ({at}3:30): fewer than 2 rows, stretched over the second",
        f"2 seconds (the first at {at}3:39): more than 2 rows, thinned out",
        f"1 second ({at}4:17): far more than 2 rows (stamped twice), left out",
    ]
    assert "10 frames without a current, the first at 2023-05-10 21:34:07" in found(
        inner, "currents/batch-1.csv"
    )
    assert found(inner, "videos/batch-1.mat")[1] == "breaks into 5 recordings of 19 s, 8 s, 10 s, 10 s, 8 s"


def test_frames_outside_the_current_and_current_outside_the_frames(tmp_path):
    inner = files.second(tmp_path, rows=np.repeat([0, 2], [10, 50])[np.r_[10:60]])
    # The current ends ten seconds before the video; now the video begins three seconds late.
    for stem in files.STEMS:
        path = inner / "timestamps" / f"{stem}.csv"
        head, *lines = path.read_text().splitlines()
        late = [f"2023-05-10 21:34:{second}" for second in (27, 28, 29) for _ in range(5)]
        path.write_text("\n".join([head, *lines[15:], *late]))
    texts = found(inner, "currents/batch-1.csv")
    assert "3 s of current before the first frame, 0 s after the last" in texts
    assert "65 frames without a current, the first at 2023-05-10 21:34:17" in texts


def test_labels_of_one_kind_scattered_lists_and_strangers(tmp_path):
    inner = files.second(tmp_path)
    files.change(inner / "videos" / "batch-1.mat", "label", np.zeros((300, 8, 8), np.uint8))
    for name, first in (("train.json", 0), ("test.json", 1)):
        files.relist(inner / name, "batch-1.mat", list(range(first, 300, 2)))
    (inner / "videos" / "Thumbs.db").write_bytes(b"x")
    (inner / "videos" / "notes.txt").write_text("x")
    (inner / "currents" / "batch-9.csv").write_text("x")
    assert found(inner, "videos/batch-1.mat", "odd") == [
        "every frame is normal",
        "test frames are scattered over 150 runs: few windows will lie in one",
    ]
    for stranger in ("videos/notes.txt", "currents/batch-9.csv"):
        assert found(inner, stranger) == ["belongs to no video here and is not read"]
    assert found(inner, "videos/Thumbs.db") == []


def test_all_that_is_wrong_is_told_not_only_the_first(tmp_path):
    inner = files.second(tmp_path)
    (inner / "videos" / "batch-1.mat").write_bytes(b"")
    files.edit(inner / "currents" / "batch-2.csv", 9, "2023-05-10 21:33:30,1,2,nan")
    files.edit(inner / "timestamps" / "batch-2.csv", 9, "yesterday")
    (inner / "test.json").unlink()
    wrong = [finding for finding in Fmf.check(PARAMETERS, inner) if finding.kind == "wrong"]
    assert [finding.where for finding in wrong] == [
        "", "videos/batch-1.mat", "currents/batch-2.csv", "timestamps/batch-2.csv",
    ]  # fmt: skip


SPEC = WindowSpec(
    current_seconds=4.0,
    current_steps=2,
    video_seconds=2.0,
    video_steps=2,
    stride=1.0,
    margin=4.0,
    label="last",
)


@pytest.fixture
def briefly(monkeypatch):
    """Windows of seconds, so that a minute is enough for a study."""
    monkeypatch.setattr(Fmf, "windows", SPEC)
    monkeypatch.setattr(Fmf, "lead", 4.0)


def test_batches_that_no_split_can_divide_are_wrong(tmp_path, briefly):
    inner = files.second(tmp_path)
    assert found(inner, kind="wrong") == []
    assert any(text.startswith("split by recording at a lead of 4 s: ") for text in found(inner, kind="fact"))
    for stem in files.STEMS:
        files.change(inner / "videos" / f"{stem}.mat", "label", np.zeros((300, 8, 8), np.uint8))
    assert found(inner, kind="wrong") == [
        "both classes must be there to be told apart, but no frame is abnormal; check the masks in 'label'"
    ]


def test_batches_that_no_window_fits_are_wrong(tmp_path, briefly):
    wrong = found(files.second(tmp_path / "short", counts=np.full(7, 5), rows=np.full(7, 2)), kind="wrong")
    assert wrong and all("no window fits any recording" in text for text in wrong)
    # One batch of two is odd, not wrong.
    inner = files.second(tmp_path / "one")
    path = inner / "currents" / "batch-1.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:7]))
    assert found(inner, kind="wrong") == []
    assert found(inner, "videos/batch-1.mat", "odd") == [
        "no window of the usual lengths fits, so that a study does not use it"
    ]


def test_a_single_batch_without_lists_can_be_divided_in_time(tmp_path, briefly):
    inner = files.second(tmp_path)
    for name in ("train.json", "test.json", "videos/batch-2.mat"):
        (inner / name).unlink()
    assert found(inner, kind="wrong") == []
    assert any(text.startswith("split by time at a lead of 0 s: ") for text in found(inner, kind="fact"))


def test_a_batch_under_a_second_name_is_wrong(tmp_path):
    inner, one = files.second(tmp_path / "two"), files.first(tmp_path / "one")
    shutil.copy(inner / "videos" / "batch-1.mat", inner / "videos" / "batch-2.mat")
    shutil.copy(one / "batch-1.mat", one / "batch-1 copy.mat")
    for folder, place in ((inner, "videos/batch-2.mat"), (one, "batch-1 copy.mat")):
        (text,) = found(folder, place, "wrong")
        assert "must hold pictures of its own, but has those of" in text and "; take the copy away" in text


def test_signals_that_say_nothing_are_odd(tmp_path):
    inner = files.second(tmp_path)
    files.change(inner / "videos" / "batch-1.mat", "data", np.zeros((300, 3, 8, 8), np.uint8))
    files.change(inner / "videos" / "batch-1.mat", "video", np.zeros(3))
    bright = files.array(inner / "videos" / "batch-2.mat", "data") > 100
    files.change(inner / "videos" / "batch-2.mat", "data", bright)
    path = inner / "currents" / "batch-1.csv"
    head, *rows = path.read_text().splitlines()
    dead = [f"{row.split(',')[0]},0,{-1000 - number},9000" for number, row in enumerate(rows)]
    path.write_text("\n".join([head, *dead]))
    assert found(inner, "videos/batch-1.mat", "odd") == [
        "every pixel of every picture is 0, of 0 to 255",
        "also holds, and is not read: video",
    ]
    assert found(inner, "videos/batch-2.mat", "odd") == ["pictures hold nothing but 0 and 1, of 0 to 255"]
    assert found(inner, "currents/batch-1.csv", "odd") == [
        "phase A is 0 A throughout", "phase B is never above 0 A", "phase C is 9,000 A throughout",
    ]  # fmt: skip


def test_a_camera_at_another_rate_is_odd(tmp_path):
    inner = files.second(tmp_path)
    for name in ("data", "label"):
        path = inner / "videos" / "batch-2.mat"
        files.change(path, name, files.array(path, name)[::5])
    head, *rows = (inner / "timestamps" / "batch-2.csv").read_text().splitlines()
    (inner / "timestamps" / "batch-2.csv").write_text("\n".join([head, *rows[::5]]))
    for name in ("train.json", "test.json"):
        (inner / name).unlink()
    assert "frames come at 1 Hz, those of other batches at 5 Hz" in found(inner, "videos/batch-2.mat", "odd")


def test_both_releases_in_one_folder_are_told(tmp_path):
    files.second(tmp_path)
    files.first(tmp_path)
    texts = found(tmp_path, kind="odd")[:2]
    assert [text.split(" is left alone")[0] for text in texts] == [
        str(tmp_path / f"{stem}.mat") for stem in files.STEMS
    ]
    assert found(tmp_path / "pixel-level")[0] == "release 2 of the FMF layout: 2 batches"


def test_release_1_says_that_it_has_no_clock(tmp_path):
    texts = found(files.first(tmp_path), "batch-1.mat")
    assert (
        "there is no clock in release 1: 5 frames are taken for a second; --set rate=N says otherwise"
        in texts
    )
    assert texts[0].startswith("300 frames of 8 x 8 at 5 a second")


def test_each_frame_and_mask_is_decoded_and_told(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.data.fmf.content.BLOCK", 100)
    told = []
    list(Fmf.check(PARAMETERS, files.second(tmp_path), told.append))
    assert told == pytest.approx([1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6, 1])


def test_the_words_put_the_whole_first_and_mark_what_is_odd(tmp_path):
    inner = files.second(tmp_path)
    files.edit(inner / "currents" / "batch-2.csv", 9, "2023-05-10 21:33:30,1,2,nan")
    lines = list(told_in_words(list(Fmf.check(PARAMETERS, inner))))
    assert lines[0] == "  release 2 of the FMF layout: 2 batches"
    assert lines[lines.index("currents/batch-2.csv") + 1].startswith("  X ")
    assert lines[-1] == "cannot be used: 1 wrong (X), 0 odd (!)"
