"""Labels and pieces of a recording, against what a loop over all ticks says."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench.data.plant.batch import Batch
from bench.data.plant.even import resampled
from bench.data.plant.labels import Intervals

MOMENT = st.integers(-40, 240).map(lambda tenths: tenths / 4)


@given(
    rows=st.lists(st.tuples(MOMENT, st.floats(0.1, 20), st.booleans()), max_size=6),
    start=st.floats(-5, 5),
    rate=st.sampled_from([0.5, 1.0, 3.0]),
)
@settings(max_examples=200, deadline=None)
def test_labels_are_those_of_the_middle_of_each_tick(rows, start, rate):
    begin, length, abnormal = (np.array(c) for c in zip(*rows, strict=True)) if rows else ([np.empty(0)] * 3)
    found = Intervals(Path("x"), begin, begin + length, np.asarray(abnormal, dtype=bool))
    middle = start + (np.arange(80) + 0.5) / rate
    # A middle on an edge may fall on either side by rounding.
    edges = np.concatenate([begin, begin + length])
    assume(not len(edges) or np.abs(middle[:, None] - edges).min() > 1e-4)
    brute = [any(a and b <= m < b + n for b, n, a in rows) for m in middle]
    assert found.label(start, rate, 80).tolist() == brute


def holed(generator, seconds, rate):
    """Times of an even clock with some runs missing."""
    times = np.arange(round(seconds * rate)) / rate + generator.uniform(-30, 30)
    for _ in range(generator.integers(4)):
        first = generator.integers(len(times))
        times = np.delete(times, np.s_[first : first + generator.integers(1, len(times) // 3)])
    return times


@pytest.mark.parametrize("seed", range(30))
def test_no_picture_stands_twice_and_each_follows_the_current_that_began_last(seed):
    generator = np.random.default_rng(seed)
    current, video = (resampled(holed(generator, 300, rate), rate, None) for rate in (2.0, 1.0))
    batch = Batch(None, SimpleNamespace(stretches=current), SimpleNamespace(stretches=video), None, None)
    shown = []
    for mine, pictures in batch.pieces(0.0):
        begins = pictures.start + np.arange(len(pictures)) / pictures.rate
        shown += pictures.first.tolist()
        latest = [max((c for c in current if c.start <= t + 1e-6), key=lambda c: c.start, default=current[0])
                  for t in begins]  # fmt: skip
        assert all(each is mine for each in latest)
    assert sorted(shown) == sorted(row for each in video for row in each.first.tolist())
    long = batch.pieces(60.0)
    assert all(min(mine.seconds, pictures.seconds) >= 60 for mine, pictures in long)
