"""What is wrong with a folder is one sentence that names the file and the cure, and exit code 2."""

import io
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from PIL import Image
from plants import lay

from bench.cli import main
from bench.data.plant.source import Plant, PlantParameters
from models.errors import InvalidRequest

CURRENT, LABELS, VIDEO = "b/current.csv", "b/labels.csv", "b/video.npy"


def write(path, text, encoding="utf-8"):
    return lambda root: (root / path).write_text(text, encoding=encoding)


def raw(path, data):
    return lambda root: (root / path).write_bytes(data)


def remove(path):
    return lambda root: (root / path).unlink()


def cells(path, change):
    def act(root):
        table = pd.read_csv(root / path, dtype=object)
        table = change(table)
        table.to_csv(root / path, index=False)

    return act


def put(row, column, value):
    def change(table):
        table.loc[row, column] = value
        return table

    return change


def say(path="plant.yaml", **keys):
    def act(root):
        said = yaml.safe_load((root / path).read_text()) if (root / path).exists() else {}
        (root / path).write_text(yaml.safe_dump({**said, **keys}))

    return act


def array(values):
    return lambda root: np.save(root / VIDEO, values)


def images(*sizes):
    def act(root):
        (root / VIDEO).unlink()
        (root / "b/video").mkdir()
        for number, size in enumerate(sizes):
            Image.new("RGB", size).save(root / f"b/video/{number}.png")

    return act


def link(path, target="/nowhere/at/all"):
    def act(root):
        (root / path).unlink(missing_ok=True)
        (root / path).symlink_to(target)

    return act


def folder(path):
    def act(root):
        (root / path).unlink(missing_ok=True)
        (root / path).mkdir()

    return act


def worded(root):
    cells(CURRENT, lambda table: table.assign(time=table["time"] + " s"))(root)


def archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("current.csv", "time,Ia\n0,1\n")
    return buffer.getvalue()


def film(data, name="video.mp4"):
    def act(root):
        (root / VIDEO).unlink()
        (root / "b" / name).write_bytes(data)

    return act


def listed(seconds):
    return lambda root: pd.DataFrame({"time": seconds}).to_csv(root / "b/video.csv", index=False)


def both(*acts):
    return lambda root: [act(root) for act in acts]


STEPS = 2.0 * np.arange(450)
BROKEN = {
    "current of 0 bytes": (raw(CURRENT, b""), ["b/current.csv", "empty file"]),
    "current with only a header": (write(CURRENT, "time,Ia,Ib,Ic\n"), ["b/current.csv", "only its header"]),
    "current of one row": (write(CURRENT, "time,Ia,Ib,Ic\n0,1,2,3\n"), ["b/current.csv", "two whole rows"]),
    "a workbook that is called csv": (
        raw(CURRENT, archive()),
        ["b/current.csv", "workbook", "export it as CSV"],
    ),
    "a link that leads nowhere": (link(CURRENT), ["b/current.csv must be a file", "leads nowhere; copy"]),
    "labels that lead nowhere": (link(LABELS), ["b/labels.csv must be a file", "leads nowhere; copy"]),
    "metadata that lead nowhere": (
        link("b/metadata.csv"),
        ["b/metadata.csv must be a file", "leads nowhere"],
    ),
    "a film that leads nowhere": (link(VIDEO), ["b/video.npy must be a file", "leads nowhere; copy"]),
    "a link to itself": (
        link(CURRENT, "current.csv"),
        ["b/current.csv must be a file", "leads nowhere; copy"],
    ),
    "a folder called current.csv": (
        folder(CURRENT),
        ["b/current.csv must be a file, and is a folder; rename"],
    ),
    "a folder called plant.yaml": (
        folder("plant.yaml"),
        ["plant.yaml must be a file, and is a folder; rename"],
    ),
    "a plant.yaml that leads nowhere": (link("plant.yaml"), ["plant.yaml must be a file", "leads nowhere"]),
    "a folder called recording.yaml": (
        folder("b/recording.yaml"),
        ["b/recording.yaml must be a file, and is a folder; rename"],
    ),
    "times that no format reads": (
        both(worded, say(csv={"times": "%"})),
        ["b/current.csv", "csv.times, '%' (stray %", "csv: {times: '%d.%m.%Y"],
    ),
    "times with a letter that means nothing": (
        both(worded, say(csv={"times": "%Q"})),
        ["b/current.csv", "csv.times, '%Q' ('Q' is a bad directive", "correct it"],
    ),
    "seventy seconds in a minute": (
        both(write(LABELS, "begin,end\n01:10,01:70\n"), say("b/recording.yaml", labels={"clock": "video"})),
        ["b/labels.csv", "ss below 60", "row 0 has '01:70'"],
    ),
    "a clock far faster than the samples": (
        say(current={"rate": 100_000}),
        [
            "a/current.csv, current.rate must not repeat samples to more than 2e+07",
            "9e+07 of 1800; lower it towards the 2 Hz",
        ],
    ),
    "a current copied under another name": (
        lambda root: shutil.copy(root / "a/current.csv", root / CURRENT),
        ["b/current.csv holds the very samples of", "a/current.csv", "remove one", "one group"],
    ),
    "a film copied under another name": (
        lambda root: shutil.copy(root / "a/video.npy", root / VIDEO),
        ["b/video.npy holds the very pictures of", "a/video.npy", "remove one", "one group"],
    ),
    "no column of times": (cells(CURRENT, lambda t: t.rename(columns={"time": "t"})), ["'time'", "rename"]),
    "no phase": (cells(CURRENT, lambda t: t[["time"]]), ["b/current.csv", "a column for each phase"]),
    "a label among the currents": (
        cells(CURRENT, lambda t: t.assign(Label=0)),
        ["b/current.csv", "'Label' looks like a label"],
    ),
    "semicolons": (
        lambda root: (root / CURRENT).write_text((root / CURRENT).read_text().replace(",", ";")),
        ["b/current.csv is separated by ';'", "csv: {separator: ';'}"],
    ),
    "a decimal comma": (cells(CURRENT, put(7, "Ib", "9,87")), ["column 'Ib' has '9,87' in row 7", "decimal"]),
    "a word among numbers": (cells(CURRENT, put(3, "Ia", "I/O Timeout")), ["'I/O Timeout' in row 3"]),
    "infinity": (cells(CURRENT, put(3, "Ia", "inf")), ["'Ia' has 'inf' in row 3"]),
    "a phase that holds nothing": (
        cells(CURRENT, lambda t: t.assign(Ib="")),
        ["'Ib' holds no number at all"],
    ),
    "a column twice": (
        lambda root: (root / CURRENT).write_text((root / CURRENT).read_text().replace("Ic", "Ia", 1)),
        ["b/current.csv has the column 'Ia' twice"],
    ),
    "rows of more fields than the header": (
        write(CURRENT, "time,Ia,Ib,Ic\n" + "".join(f"{s},1,2,3,4\n" for s in range(900))),
        ["b/current.csv", "replace"],
    ),
    "other phases than the first": (
        cells(CURRENT, lambda t: t.drop(columns="Ic")),
        ["b/current.csv must have the phases", "Ia, Ib, Ic"],
    ),
    "phases in another order": (
        cells(CURRENT, lambda t: t[["time", "Ib", "Ia", "Ic"]]),
        ["b/current.csv must have the phases", "Ib, Ia, Ic"],
    ),
    "bytes of another encoding": (
        both(
            write(CURRENT, "time,电流\n0,1\n1,2\n", "gbk"),
            say("b/recording.yaml", current={"columns": ["电流"]}),
        ),
        ["b/current.csv is not written in utf-8", "csv: {encoding: gbk}"],
    ),
    "rows out of order": (
        cells(CURRENT, lambda t: pd.concat([t[1000:], t[:1000]])),
        ["b/current.csv", "row 800", "sort the rows"],
    ),
    "a stamp twice": (cells(CURRENT, lambda t: pd.concat([t[:50], t[49:]])), ["rows 49 and 50", "stamp: 1"]),
    "jitter without a rate": (
        cells(CURRENT, lambda t: t.assign(time=np.arange(1800) / 2 + 0.2 * (np.arange(1800) % 3 == 1))),
        ["b/current.csv must be evenly spaced", "say current: {rate: ...}"],
    ),
    "holes everywhere": (
        cells(CURRENT, lambda t: t.drop(index=range(50, 1800, 60))),
        ["b has no 60 s without a hole", "give current.rate"],
    ),
    "a row without a time": (cells(CURRENT, put(9, "time", "")), ["b/current.csv", "row 9 has none"]),
    "milliseconds since 1970": (
        cells(CURRENT, lambda t: t.assign(time=1_772_000_000_000 + 500 * np.arange(1800))),
        ["divide milliseconds"],
    ),
    "a time that is none": (
        cells(CURRENT, put(5, "time", "half past")),
        ["row 5 has 'half past'", "csv: {times"],
    ),
    "seconds beside a wall clock": (
        cells(LABELS, lambda t: t.assign(begin="2026-03-02T08:05:00Z", end="2026-03-02T08:06:00Z").iloc[:1]),
        ["b/labels.csv", "wall-clock times", "b/current.csv seconds"],
    ),
    "labels of 0 bytes": (raw(LABELS, b""), ["b/labels.csv", "empty file"]),
    "labels without an end": (cells(LABELS, lambda t: t.drop(columns="end")), ["b/labels.csv", "'end'"]),
    "an interval that is still open": (cells(LABELS, put(1, "end", "")), ["b/labels.csv", "row 1 has none"]),
    "an interval that ends first": (cells(LABELS, put(0, "end", 20)), ["b/labels.csv", "row 0 lasts -280 s"]),
    "a class nobody knows": (
        cells(LABELS, put(1, "class", "boiling")),
        ["row 1 has the class 'boiling'", "abnormal: ["],
    ),
    "normal on top of abnormal": (
        cells(
            LABELS,
            lambda t: pd.concat([t, pd.DataFrame({"begin": [410], "end": [500], "class": ["normal"]})]),
        ),
        ["b/labels.csv: the normal interval in row 2 overlaps the abnormal one in row 0"],
    ),
    "labels of another day": (
        cells(LABELS, lambda t: t.assign(begin=90_000, end=90_060)),
        ["all 2 intervals lie outside the video"],
    ),
    "no video": (remove(VIDEO), ["b must hold video.mp4", "add it"]),
    "nothing says when the video begins": (
        say(video={"fps": 0.5}),
        ["nothing says when", "video: {offset: 0}"],
    ),
    "nothing says how fast it runs": (
        say(video={"offset": 0}),
        ["nothing says how many pictures", "video: {fps"],
    ),
    "a video of another day": (
        say(video={"offset": 28_800, "fps": 0.5}),
        ["27900 s after it has ended", "time_zone"],
    ),
    "an npy that is cut short": (
        lambda root: (root / VIDEO).write_bytes((root / VIDEO).read_bytes()[:-500]),
        ["b/video.npy", "whole NPY"],
    ),
    "an npy of floats": (array(np.zeros((450, 8, 8, 3))), ["b/video.npy must hold uint8", "float64"]),
    "an npy with channels first": (
        array(np.zeros((450, 3, 8, 8), np.uint8)),
        ["b/video.npy", "(450, 3, 8, 8)"],
    ),
    "an npy of pickles": (array(np.array([{}], dtype=object)), ["b/video.npy", "whole NPY"]),
    "an npy without pictures": (array(np.zeros((0, 8, 8, 3), np.uint8)), ["b/video.npy must hold pictures"]),
    "pictures too small": (array(np.zeros((450, 3, 8, 3), np.uint8)), ["at least 4 x 4 pixels, got 8 x 3"]),
    "a crop outside the pictures": (
        say(video={"offset": 0, "fps": 0.5, "crop": [4, 0, 8, 8]}),
        ["which are 8 x 8"],
    ),
    "a film of 0 bytes": (film(b""), ["b/video.mp4 must be a film", "copy it again"]),
    "a film that is none": (film(b"no film at all" * 99), ["b/video.mp4 must be a film", "copy it again"]),
    "images of two sizes": (
        images(*[(8, 8)] * 449, (9, 8)),
        ["b/video/449.png must be of the size", "got 9 x 8"],
    ),
    "an image in the middle that is none": (
        both(images(*[(8, 8)] * 449), raw("b/video/100.png", b"nope")),
        ["b/video/100.png must be an image", "copy it again"],
    ),
    "a folder without images": (images(), ["b/video must hold images", "has none"]),
    "fewer times than pictures": (listed(STEPS[:-1]), ["b/video.csv", "449 rows for the 450 pictures"]),
    "pictures out of order": (listed(STEPS[::-1]), ["b/video.csv must rise", "sort the rows"]),
    "metadata that begin late": (
        both(write("a/metadata.csv", "time,s\n0,1\n"), write("b/metadata.csv", "time,s\n5,1\n")),
        ["b/metadata.csv must begin no later than the current", "5 s"],
    ),
    "other metadata than the first": (
        both(write("a/metadata.csv", "time,s\n0,1\n"), write("b/metadata.csv", "time,q\n0,1\n")),
        ["b/metadata.csv must have the columns", "got q"],
    ),
    "a plant.yaml that is no YAML": (write("plant.yaml", "video: {offset: 0"), ["plant.yaml", "plain YAML"]),
    "an unknown key": (say(vidoe={"offset": 0}), ["plant.yaml", "'vidoe'; did you mean 'video'"]),
    "an unknown key of a section": (
        say(video={"offset": 0, "fsp": 1}),
        ["plant.yaml", "'fsp'; did you mean 'fps'"],
    ),
    "a start and an offset": (say(video={"offset": 0, "start": 0, "fps": 0.5}), ["leave out one of them"]),
    "a zone that does not exist": (say(time_zone="Mars/Base"), ["plant.yaml", "Asia/Shanghai", "Mars/Base"]),
    "a gap without a rate": (say(current={"gap": 5}), ["current.gap", "give the rate"]),
    "a fold for all": (say(fold=1), ["'fold' belongs into recording.yaml"]),
    "a name for one": (
        say("b/recording.yaml", name="b"),
        ["b/recording.yaml", "'name' belongs into plant.yaml"],
    ),
}


@pytest.fixture(params=BROKEN)
def case(request, tmp_path):
    change, words = BROKEN[request.param]
    root = lay(tmp_path / "plant")
    change(root)
    return root, words


def test_reading_and_checking_say_the_same_sentence(case):
    root, words = case
    with pytest.raises(InvalidRequest) as refused:
        for recording in Plant(PlantParameters(), root).recordings():
            recording.video.values[:]
    sentence = str(refused.value)
    assert "\n" not in sentence and len(sentence) < 420, sentence
    assert all(word in sentence for word in words), sentence
    said = CliRunner().invoke(main, ["data", "check", f"plant={root}"])
    assert said.exit_code == 2 and "Traceback" not in said.output, said.output
    spoken = " ".join(said.output.split())
    assert all(word in spoken for word in words), said.output


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (raw("b/video.mp4", b"x"), "b holds video.mp4 and video.npy"),
        (write("b/current.parquet", "x"), "current.csv and current.parquet"),
        (remove(CURRENT), r"b must hold current.csv or current.parquet"),
        (lambda root: (root / CURRENT).rename(root / "b/currents.csv"), "got currents.csv; rename it"),
    ],
)
def test_files_that_are_missing_or_too_many(tmp_path, change, words):
    root = lay(tmp_path / "plant")
    change(root)
    with pytest.raises(InvalidRequest, match=words):
        Plant(PlantParameters(), root)


def test_a_folder_without_recordings_or_labels(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidRequest, match="must hold a folder for each recording"):
        Plant(PlantParameters(), tmp_path / "empty")
    root = lay(tmp_path / "plant")
    for name in "ab":
        (root / name / "labels.csv").unlink()
    with pytest.raises(
        InvalidRequest, match=r"must hold labels\.csv in the folder of at least one recording"
    ):
        Plant(PlantParameters(), root)
    with pytest.raises(InvalidRequest, match="must be a folder"):
        Plant(PlantParameters(), root / "plant.yaml")


def test_every_recording_that_is_wrong_is_told(tmp_path):
    root = lay(tmp_path / "plant", 4)
    (root / "b/current.csv").write_bytes(b"")
    (root / "c/labels.csv").write_text("begin,end\n5,1\n")
    said = CliRunner().invoke(main, ["data", "check", f"plant={root}"])
    spoken = " ".join(said.output.split())
    assert said.exit_code == 2
    assert "b/current.csv must be a table" in spoken and "c/labels.csv: an interval must end" in spoken
    assert "current: Ia, Ib, Ic at 2 Hz" in spoken
