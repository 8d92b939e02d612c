"""What people have in place of the benchmark: each refused in a sentence that names the file and the cure."""

import json
import re
import shutil

import fmf_files as files
import h5py
import numpy as np
import pytest

from bench.data.fmf import Fmf, FmfParameters
from models.errors import InvalidRequest

PARAMETERS = FmfParameters(side=8, rate=files.RATE)
VIDEO, CURRENT, STAMPS = "videos/batch-1.mat", "currents/batch-1.csv", "timestamps/batch-1.csv"


def cut_short(folder):
    path = folder / VIDEO
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def damaged(folder):
    """Overwrite compressed pictures, not the structure of the file."""
    path = folder / VIDEO
    with h5py.File(path, "r") as file:
        chunk = file["data"].id.get_chunk_info(3)
    with path.open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(b"\xff" * chunk.size)


def renamed(folder):
    files.change(folder / VIDEO, "frames", files.array(folder / VIDEO, "data"))
    files.change(folder / VIDEO, "data", None)


def dangling(folder):
    with h5py.File(folder / VIDEO, "r+") as file:
        del file["label"]
        file["label"] = h5py.SoftLink("/nowhere")


def one_more(folder):
    for name in ("data", "label"):
        values = files.array(folder / VIDEO, name)
        files.change(folder / VIDEO, name, np.concatenate([values, values[:1]]))


def two_encodings(folder):
    path = folder / STAMPS
    path.write_bytes(path.read_bytes() + "2023-05-10 21:34:26\n".encode("utf-16-le"))


def another_day(folder):
    path = folder / STAMPS
    path.write_text(path.read_text().replace("2023-05-10", "2023-05-11"))


def semicolons(folder):
    path = folder / CURRENT
    path.write_text(path.read_text().replace(",", ";"))


def kiloampere(folder):
    path = folder / CURRENT
    head, *rows = [line.split(",") for line in path.read_text().splitlines()]
    small = [[row[0], *(str(float(value) / 1000) for value in row[1:])] for row in rows]
    path.write_text("\n".join(map(",".join, [head, *small])))


def unknown_video(folder):
    files.relist(folder / "test.json", "batch-9.mat", [1])


def nested(folder):
    (folder / "train.json").write_text("[" * 100_000)


def endless(folder):
    (folder / "test.json").write_text('{"batch-1.mat": [' + "9" * 5000 + '], "batch-2.mat": []}')


def named_twice(folder):
    path = folder / "test.json"
    path.write_text(path.read_text().rstrip("}") + ', "batch-1.mat": [299]}')


def frozen(folder):
    path = folder / STAMPS
    head, first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([head, first, *(first for _ in rest)]))


def link_to_nowhere(folder):
    (folder / VIDEO).unlink()
    (folder / VIDEO).symlink_to(folder / "gone.mat")


def folder_instead(folder):
    (folder / VIDEO).unlink()
    (folder / VIDEO).mkdir()


def slower_logger(folder):
    path = folder / "currents" / "batch-2.csv"
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *rows[::2]]))


def currents_of_another(folder):
    shutil.copy(folder / CURRENT, folder / "currents" / "batch-2.csv")


#: What is done to the folder, which file the sentence names, and what it says.
DONE = {
    "truncated .mat": (cut_short, VIDEO, "cut short at .* bytes; copy"),
    "damaged inside": (damaged, VIDEO, "damaged inside; copy"),
    "wrong key": (renamed, VIDEO, "array 'data', but has frames, label; rename"),
    "a link to nowhere": (dangling, VIDEO, "array 'label', but has data; rename"),
    "one frame more than stamps": (one_more, VIDEO, "as many frames as timestamps/.*301 against 300; copy"),
    "UTF-16 in the middle": (two_encodings, STAMPS, "but line 302 holds zero bytes.*; save it as UTF-8"),
    "tables of another day": (another_day, VIDEO, "overlap in time with currents/batch-1.csv.*; check"),
    "semicolons": (semicolons, CURRENT, "commas between its fields.*; export"),
    "currents in kA": (kiloampere, CURRENT, "in ampere.*; multiply by 1000"),
    "JSON nested without end": (nested, "train.json", "nested without end.*; copy"),
    "JSON number without end": (endless, "test.json", "number of thousands of digits; copy"),
    "video listed twice": (named_twice, "test.json", "has 'batch-1.mat' twice; take one"),
    "clock that stood still": (frozen, STAMPS, "every row is stamped 2023-05-10 21:33:27; export"),
    "a link to no file": (link_to_nowhere, VIDEO, "a link to what is not there; copy"),
    "a folder for a file": (folder_instead, VIDEO, "is a folder; copy"),
    "logger at another rate": (
        slower_logger,
        "currents/batch-2.csv",
        "as many rows a second as currents/batch-1.csv, but has 1 against 2; bring",
    ),
    "currents of another batch": (
        currents_of_another,
        "currents/batch-2.csv",
        "has those of currents/batch-1.csv.*; take the copy away",
    ),
    "list of no video": (unknown_video, "test.json", "a video that is not there: 'batch-9.mat'"),
}
#: A file, what it holds instead, and what is said.
CONTENTS = {
    "0-byte .mat": (VIDEO, b"", r"empty \(0 bytes\); copy"),
    "zip instead of mat": (VIDEO, b"PK\x03\x04" + bytes(99), "zip archive; unpack"),
    "rar instead of mat": (VIDEO, b"Rar!\x1a\x07" + bytes(99), "rar archive; unpack"),
    "old MATLAB format": (VIDEO, b"MATLAB 5.0 MAT-file" + bytes(200), "older format; save .*-v7.3"),
    "web page": (VIDEO, b"<!DOCTYPE html><html>", "web page; the download failed"),
    "other bytes": (VIDEO, b"hello" * 99, r"v7.3 file \(HDF5\), but is none"),
    "0-byte table": (CURRENT, b"", r"empty \(0 bytes\); copy"),
    "workbook as table": (CURRENT, b"PK\x03\x04xl", "workbook or an archive; export it as CSV"),
    "header alone": (CURRENT, b"time,a,b,c\n", "rows below its header"),
    "JSON cut short": ("train.json", b'{"batch-1.mat": [0, 1', "must be JSON.*; copy"),
    "JSON in another encoding": ("test.json", b"\xff\xfe{\x00}\x00", "must be JSON.*; copy"),
    "JSON list": ("train.json", b"[1, 2]", "but is a list; copy"),
    "no table of currents": (CURRENT, None, "missing; copy it there"),
    "no stamps": (STAMPS, None, "missing; copy it there"),
    "no test list": ("test.json", None, "missing; copy it there, or take away both"),
}
#: An array of the first video, what is made of it, and what is said.
ARRAYS = {
    "no masks": ("label", lambda a: None, "array 'label', but has data"),
    "words for video": ("data", lambda a: b"video", "numbers in 'data'"),
    "axes of another program": ("data", lambda a: a.transpose(0, 2, 3, 1), "300 x 8 x 8 x 3; permute"),
    "axes not reversed": ("data", lambda a: a.transpose(2, 3, 1, 0), "read 8 x 8 x 3 x 300; permute"),
    "grey video": ("data", lambda a: a[:, 0], "read 300 x 8 x 8; permute"),
    "empty video": ("data", lambda a: a[:0], "read 0 x 3 x 8 x 8"),
    "fewer masks than frames": ("label", lambda a: a[:-4], "one mask for each frame.*296 x 8 x 8"),
    "masks with axes swapped": ("label", lambda a: a.transpose(1, 2, 0), "8 x 8 x 300; permute"),
    "pictures from 0 to 1": ("data", lambda a: a / 255, "pictures from 0 to 255 .*save as uint8"),
    "pictures with 12 bits": ("data", lambda a: a.astype("u2") * 16, "pictures from 0 to 255"),
    "pictures with NaN": ("data", lambda a: np.where(a == 9, np.nan, a), "pictures from 0 to 255"),
    "masks with NaN": ("label", lambda a: np.where(a > 0, np.nan, 0.0), "finite masks in 'label'"),
}
#: A table, one of its lines, what stands there instead, and what is said.
LINES = {
    "no header": (CURRENT, 1, None, "begin with a line of column names.*; add a header"),
    "two phases": (CURRENT, 17, "2023-05-10 21:33:34,1000,2000", "line 17 has 3 fields; repair"),
    "a column more": (CURRENT, 5, "2023-05-10 21:33:28,1,2,3,4", "line 5 has 5 fields; repair"),
    "NaN current": (CURRENT, 9, "2023-05-10 21:33:30,1e4,NaN,1e4", "phase B in line 9 is 'NaN'; repair"),
    "empty current": (CURRENT, 9, "2023-05-10 21:33:30,1e4,1e4,", "phase C in line 9 is 'empty'"),
    "absurd current": (CURRENT, 9, "2023-05-10 21:33:30,9e9,1,1", "phase A in line 9 is '9e9'"),
    "words for current": (CURRENT, 3, "2023-05-10 21:33:27,off,1,1", "phase A in line 3 is 'off'"),
    "time without seconds": (CURRENT, 4, "2023/5/10 21:33,1,1,1", "line 4 has '2023/5/10 21:33'; export"),
    "no such day": (STAMPS, 4, "2023-02-30 21:33:27", "line 4 has '2023-02-30 21:33:27'"),
    "stamps out of order": (STAMPS, 100, "2023-05-10 21:33:20", "line 100 .*earlier than the one before"),
    "years too late": (STAMPS, 301, "2032-05-10 21:34:26", "7 days, but jumps to 2032.* in line 301"),
    "a stamp missing": (STAMPS, 7, None, "300 against 299; copy both"),
}
#: A list of frames, what is made of it, and what is said.
LISTS = {
    "video not listed": ("train.json", lambda x: None, "lacks a video: 'batch-1.mat'"),
    "index beyond the file": ("test.json", lambda x: [*x, 300], "from 0 to 299.*has 300; take"),
    "negative index": ("test.json", lambda x: [*x, -1], "from 0 to 299.*has -1"),
    "huge index": ("test.json", lambda x: [*x, 10**30], "from 0 to 299"),
    "index as text": ("test.json", lambda x: ["7"], "whole numbers for 'batch-1.mat'"),
    "index as true": ("test.json", lambda x: [True], "whole numbers"),
    "no list": ("test.json", lambda x: 7, "whole numbers"),
    "frame listed twice": ("train.json", lambda x: [*x, x[3]], "has 3 of 'batch-1.mat' twice"),
    "frame in both lists": ("test.json", lambda x: [*x, 9], "both have frame 9 of 'batch-1.mat'"),
}


def spoil(folder, name):
    """Make the variant, and return the file that a sentence must name and what it must say."""
    if name in DONE:
        do, path, said = DONE[name]
        do(folder)
        return path, said
    if name in CONTENTS:
        path, raw, said = CONTENTS[name]
        (folder / path).unlink() if raw is None else (folder / path).write_bytes(raw)
        return path, said
    if name in ARRAYS:
        array, change, said = ARRAYS[name]
        files.change(folder / VIDEO, array, change(files.array(folder / VIDEO, array)))
        return VIDEO, said
    if name in LINES:
        path, number, text, said = LINES[name]
        files.edit(folder / path, number, text)
        return VIDEO if name == "a stamp missing" else path, said
    path, change, said = LISTS[name]
    files.relist(folder / path, "batch-1.mat", change(json.loads((folder / path).read_text())["batch-1.mat"]))
    return path, said


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return files.second(tmp_path_factory.mktemp("sound"))


def sentence(error, path, said):
    text = str(error)
    assert path in text and "; " in text and "\n" not in text and not text.endswith(".")
    assert re.search(said, text), text


def read(folder):
    """Do all that preparing does before it computes anything, and read every frame."""
    for batch in Fmf(PARAMETERS, folder).recordings():
        batch.video.values[:], batch.label.values[:]


@pytest.mark.parametrize("name", [*DONE, *CONTENTS, *ARRAYS, *LINES, *LISTS])
def test_a_malformed_copy_is_refused_in_one_sentence(sound, tmp_path, name):
    shutil.copytree(sound, tmp_path / "copy")
    path, said = spoil(tmp_path / "copy", name)
    with pytest.raises(InvalidRequest) as error:
        read(tmp_path / "copy")
    sentence(error.value, path, said)
    found = [finding for finding in Fmf.check(PARAMETERS, tmp_path / "copy") if finding.kind == "wrong"]
    assert found
    sentence(found[0].text, path, said)


def test_the_sound_copy_is_read(sound):
    read(sound)
    # Odd is only that a minute is too short for a study.
    assert {finding.where for finding in Fmf.check(PARAMETERS, sound) if finding.kind != "fact"} == {""}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "mixed"])
def test_names_in_any_encoding_do_no_harm(sound, tmp_path, encoding):
    folder = shutil.copytree(sound, tmp_path / "copy")
    _, *rows = (folder / CURRENT).read_text().splitlines()
    head, rest = "时间,", "\n".join(["A相,B相,C相", *rows])
    first, then = ("gb18030", "utf-8") if encoding == "mixed" else (encoding, None)
    raw = head.encode(first) + rest.encode(then) if then else (head + rest).encode(encoding)
    (folder / CURRENT).write_bytes(raw)
    one, two = (next(Fmf(PARAMETERS, path).recordings()) for path in (folder, sound))
    np.testing.assert_array_equal(one.current.values, two.current.values)


FIRST = {
    "no current": ("current", lambda a: None, "array 'current'"),
    "no split": ("train_test_index", lambda a: None, "array 'train_test_index'"),
    "current transposed": (
        "current",
        lambda a: a.T,
        "3 values for each frame in 'current', read as 300 x 3.*3 x 300",
    ),
    "current shorter": ("current", lambda a: a[:-1], "299 x 3; permute its axes, or cut it"),
    "NaN current": (
        "current",
        lambda a: np.where(a == a[7, 1], np.nan, a),
        "finite currents of at most 100000 A, but phase B at frame .* is nan",
    ),
    "absurd current": ("current", lambda a: np.where(a == a[7, 0], 1e60, a), "phase A at frame .* is 1e.60"),
    "current in kA": ("current", lambda a: a / 1000, "in ampere.*; multiply by 1000"),
    "mark of no part": ("train_test_index", lambda a: a + 1, "but has 3; repair"),
    "mark that is no number": ("train_test_index", lambda a: a * np.nan, "but has nan; repair"),
    "mark between two": ("train_test_index", lambda a: a * 0 + 0.5, "but has 0.5; repair"),
    "split in one row": ("train_test_index", lambda a: a.T, "1 value for each frame in 'train_test_index'"),
}


@pytest.mark.parametrize("name", FIRST)
def test_a_malformed_release_1_is_refused_in_one_sentence(tmp_path, name):
    array_name, change, said = FIRST[name]
    path = files.first(tmp_path) / "batch-1.mat"
    files.change(path, array_name, change(files.array(path, array_name)))
    with pytest.raises(InvalidRequest) as error:
        Fmf(PARAMETERS, tmp_path)
    sentence(error.value, "batch-1.mat", said)


def test_places_without_a_copy(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bare" / "videos").mkdir(parents=True)
    (tmp_path / "all.zip").write_bytes(b"PK\x03\x04")
    for name, said in {
        "nowhere": "there is none at .*nowhere; check the path",
        "empty": "must hold the folders videos, currents and timestamps .*; name the folder",
        "bare": "videos must hold the .mat files of the videos, but has none; copy",
        "all.zip": "must be the folder .*; unpack it",
    }.items():
        with pytest.raises(InvalidRequest) as error:
            Fmf(PARAMETERS, tmp_path / name)
        sentence(error.value, name, said)
        assert [finding.kind for finding in Fmf.check(PARAMETERS, tmp_path / name)] == ["wrong"]
    video = files.second(tmp_path / "second") / VIDEO
    with pytest.raises(InvalidRequest) as error:
        Fmf(PARAMETERS, video)
    sentence(error.value, VIDEO, "no 'current', like a video of release 2; name the folder around")
    video.rename(video.with_name("batch-\udcff.mat"))
    with pytest.raises(InvalidRequest) as error:
        Fmf(PARAMETERS, tmp_path / "second")
    sentence(error.value, "videos", r"printable names in UTF-8, but has 'batch-\\udcff.mat'; rename")
    with pytest.raises(InvalidRequest, match="got no path; add dataset.path"):
        Fmf(PARAMETERS, None)


def test_a_side_that_does_not_divide_the_pictures(sound):
    for side in (16, 5):
        with pytest.raises(
            InvalidRequest, match=f"side must divide the pictures of .*8 x 8.*got {side}; choose"
        ):
            Fmf(FmfParameters(side=side), sound)


def test_random_damage_is_read_or_refused_but_never_breaks_the_reader(sound, tmp_path):
    one, generator, refused = files.first(tmp_path / "one"), np.random.default_rng(0), 0
    copies = [shutil.copytree(each, tmp_path / f"copy{i}") for i, each in enumerate((sound, one))]
    for _ in range(60):
        folder = copies[generator.random() < 0.3]
        path = generator.choice(sorted(entry for entry in folder.rglob("*") if entry.is_file()))
        whole = path.read_bytes()
        at, until = np.sort(generator.integers(0, len(whole), 2))
        noise = generator.bytes(1 + int(generator.integers(0, 50)))
        damage = (whole[:at], whole[:at] + whole[until:], whole[:at] + noise + whole[at + len(noise) :])
        path.write_bytes(damage[generator.integers(0, 3)])
        try:
            read(folder)
        except InvalidRequest as error:
            assert "\n" not in str(error)
            refused += 1
        wrong = [finding for finding in Fmf.check(PARAMETERS, folder) if finding.kind == "wrong"]
        path.write_bytes(whole)
        read(folder)
        assert all("\n" not in finding.text for finding in wrong)
    assert 20 < refused < 60
