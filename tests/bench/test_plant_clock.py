"""Times as plants write them."""

import re

import numpy as np
import pandas as pd
import pytest

from bench.data.plant.clock import one_time, read_times, require_one_clock
from bench.data.plant.settings import Csv, Settings
from models.errors import InvalidRequest

PLAIN, CHINA = Settings(), Settings(time_zone="Asia/Shanghai")
DAY_FIRST = "%d/%m/%Y %H:%M:%S.%f"


def read(cells, settings=PLAIN):
    return read_times(pd.Series(cells), settings, "x.csv, column 'time',")


def test_a_moment_is_the_same_in_every_zone():
    written = [
        (["2026-03-02T08:00:00.25+08:00"], PLAIN),
        (["2026-03-02T00:00:00.25Z"], PLAIN),
        (["2026-03-02 08:00:00.250"], CHINA),
        (["02/03/2026 08:00:00.25"], Settings(time_zone="Asia/Shanghai", csv=Csv(times=DAY_FIRST))),
    ]  # fmt: skip
    assert {int(read(*each).ns[0]) for each in written} == {pd.Timestamp("2026-03-02T00:00:00.25Z").value}
    assert all(read(*each).zoned and read(*each).wall for each in written)


def test_seconds_are_exact_to_the_nanosecond():
    times = read(0.1 + np.arange(5) / 2)
    assert not times.wall and times.since(times).tolist() == [0, 0.5, 1, 1.5, 2]
    late = read(1_772_000_000 + np.arange(3) / 2)
    assert late.since(late).tolist() == [0, 0.5, 1]


def test_clocks_that_cannot_be_compared_are_refused():
    wall, zoned, seconds = read(["2026-03-02T08:00:00"]), read(["2026-03-02T08:00:00Z"]), read([0.0])
    require_one_clock(wall, wall, "a", "b")
    with pytest.raises(InvalidRequest, match="times of a carry no time zone while others do; say time_zone"):
        require_one_clock(wall, zoned, "a", "b")
    with pytest.raises(InvalidRequest, match="a holds wall-clock times and b seconds"):
        require_one_clock(zoned, seconds, "a", "b")


@pytest.mark.parametrize(
    ("cells", "settings", "words"),
    [
        (["2026-03-02T08:00Z", "2026-03-02T08:01"], PLAIN, "row 1 differs from row 0"),
        (["2026-10-25T02:30:00"], Settings(time_zone="Europe/Berlin"), "Europe/Berlin skips or repeats"),
        (["2026-03-29T02:30:00"], Settings(time_zone="Europe/Berlin"), "Europe/Berlin skips or repeats"),
        (["02.03.2026 08:00"], PLAIN, "row 0 has '02.03.2026 08:00'; rewrite it, or say csv: {times"),
        ([0.0, 1e12], PLAIN, "row 1 has 1e+12; divide milliseconds"),
        ([0.0, np.inf], PLAIN, "row 1 has inf"),
        ([True, False], PLAIN, "row 0 has 'True'"),
    ],
)
def test_what_is_no_time_is_told_by_its_row(cells, settings, words):
    with pytest.raises(InvalidRequest, match=re.escape(words)):
        read(cells, settings)


@pytest.mark.parametrize("text", ["12.5", "2026-03-02T08:00:00+08:00"])
def test_a_single_time_is_read_like_a_column(text):
    column = [float(text)] if text == "12.5" else [text]
    assert one_time(text, PLAIN, "video.start").ns[0] == read(column).ns[0]
