"""What can be used and is odd all the same; and one recording under two names."""

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from plants import FRAMES, RATE, SECONDS, lay, write_current

from bench.cli import main
from bench.data.plant.source import Plant, PlantParameters
from models.errors import InvalidRequest

NOISE = np.random.default_rng(9).normal(10, 1, (round(SECONDS * RATE), 3))
SHOWN = np.random.default_rng(9).integers(0, 2, (round(SECONDS * FRAMES), 8, 8, 3), dtype=np.uint8)


def current(values):
    return lambda root: write_current(root / "b", values)


def video(values):
    return lambda root: np.save(root / "b" / "video.npy", values)


def metadata(*names):
    return lambda root: [(root / each / "metadata.csv").write_text("time,s\n0,1\n") for each in names]


ODD = {
    "a phase of nothing": (
        current(NOISE * [1, 0, 1]),
        "current: Ib never changes; see whether",
    ),
    "dead phases": (current(NOISE * 0 + 9), "current: Ia, Ib, Ic never change"),
    "a phase below 0": (
        current(NOISE * [1, 1, -1]),
        "current: Ic is never above 0; see whether",
    ),
    "darkness": (video(SHOWN * 0), "the first and the last picture are of one colour each"),
    "pictures of 0 and 1": (video(SHOWN), "no value but 0 and 1 of 255"),
    "metadata of one": (metadata("b"), "no metadata.csv in a, so that those of the others are not used"),
    "good": (lambda root: None, ""),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_is_told_and_nothing_else(name, tmp_path):
    change, words = ODD[name]
    root = lay(tmp_path / "plant")
    change(root)
    said = CliRunner().invoke(main, ["data", "check", f"plant={root}"])
    assert said.exit_code == 0, said.output
    marked = [line for line in said.output.splitlines() if "! " in line]
    # Two more: few recordings, and no lead.
    assert len(marked) == 2 + bool(words) and any(words in line for line in marked), said.output


def test_metadata_that_differ_are_not_called_missing(tmp_path):
    root = lay(tmp_path / "plant")
    metadata("a")(root)
    (root / "b/metadata.csv").write_text("time,q\n0,1\n")
    said = CliRunner().invoke(main, ["data", "check", f"plant={root}"])
    assert "b/metadata.csv must have the columns" in said.output and "no metadata.csv" not in said.output


def twin(root, **said):
    """Make recording b the one of a, under settings of its own."""
    for name in ("current.csv", "video.npy", "labels.csv"):
        (root / "b" / name).unlink()
        (root / "b" / name).symlink_to(root / "a" / name)
    (root / "b" / "recording.yaml").write_text(yaml.safe_dump(said))


def count(root):
    return len(list(Plant(PlantParameters(), root).recordings()))


def test_a_recording_under_two_names_is_refused_unless_no_split_divides_them(tmp_path):
    root = lay(tmp_path / "plant")
    twin(root)
    with pytest.raises(InvalidRequest, match=r"b/current\.csv holds the very samples of .*a/current\.csv"):
        count(root)
    twin(root, group="a")
    assert count(root) == 2


def test_two_recordings_may_share_a_film_each_with_its_own_part_of_it(tmp_path):
    root = lay(tmp_path / "plant")
    twin(root, video={"offset": -450})
    (root / "b" / "current.csv").unlink()
    write_current(root / "a", NOISE[:900])
    write_current(root / "b", NOISE[900:])
    assert count(root) == 2
    (root / "b" / "recording.yaml").write_text("video: {offset: -440}")
    with pytest.raises(InvalidRequest, match=r"b/video\.npy holds the very pictures of"):
        count(root)
    (root / "b" / "recording.yaml").write_text("video: {offset: -440, crop: [4, 0, 4, 8]}")
    assert count(root) == 2
