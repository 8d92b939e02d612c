"""When a score is known, what is watched, and what a cell makes of both."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.cell.warnings import early_warnings, require_episodes
from bench.data.dataset import Dataset
from bench.data.split import Split
from bench.data.windows import Track, WindowSpec, cut
from bench.warning import MAIN, Rules, WarningSpec, alarms, judge, keep_watch, known, lay_out, raised
from models.errors import InvalidRequest

SPEC = WindowSpec(margin=300.0)
STEP = 6.0  # seconds of a step at the default minute of ten


def track(name: str, place: int, hours: float = 2.0, **more: float) -> Track:
    count = round(hours * 3600 / STEP)
    kept = {"current_start": 0.0, "video_start": 0.0, **more}
    return Track(
        name=name, group=name, fold=-1, clock=0.0, scored_from=-math.inf,
        current_first=place * count, current_count=count, video_first=place * count, video_count=count,
        **kept,
    )  # fmt: skip


def label_of(tracks, episodes):
    """Return frame labels that are 1 during episodes (recording, onset, end)."""
    label = np.zeros((sum(t.video_count for t in tracks), 2), dtype=np.float32)
    for recording, onset, end in episodes:
        t = tracks[recording]
        low, high = (t.video_first + round((s - t.video_start) / STEP) for s in (onset, end))
        label[low:high] = 1.0
    return label


@pytest.mark.parametrize("lead", [0.0, 240.0, 245.0, -60.0])
def test_a_score_is_known_when_its_window_is_over(lead):
    """Read off the frames themselves, with clocks that do not start together."""
    tracks = (track("a", 0), track("b", 1, current_start=4.0, video_start=-2.0))
    windows = cut(tracks, label_of(tracks, []), SPEC, lead)
    rows = np.arange(len(windows))
    current, video = known(rows, windows, tracks, SPEC)
    for row in rows[:: len(rows) // 7]:
        t = tracks[windows.recording[row]]
        frames = np.arange(windows.current[row], windows.current[row] + SPEC.current_steps) - t.current_first
        assert current[row] == t.current_start + (frames[-1] + 1) * STEP
        assert 0 <= video[row] - lead - current[row] < STEP  # the last whole step before
    np.testing.assert_array_equal(np.maximum(current, video), windows.end)


def test_stretches_end_where_windows_are_missing():
    tracks = (track("a", 0), track("b", 1))
    windows = cut(tracks, label_of(tracks, []), SPEC, 240.0)
    rows = np.arange(len(windows))
    kept = np.delete(rows, [50, 51])
    layout = lay_out(kept[::-1].copy(), windows, tracks, SPEC)  # in whatever order they come
    assert layout.recording.tolist() == [0, 0, 1]
    lengths = (layout.place >= 0).sum(axis=1)
    assert lengths.tolist()[:2] == [50, np.count_nonzero(windows.recording == 0) - 52]
    for times in layout.video:
        assert (np.diff(times[np.isfinite(times)]) == 30.0).all()
    value = windows.end[kept[::-1]] + 1e6 * windows.recording[kept[::-1]]
    np.testing.assert_array_equal(layout.lay(value)[1, :3], layout.video[1, :3])
    none = lay_out(rows[:0], windows, tracks, SPEC)
    assert none.place.shape == (0, 0) and none.lay(np.array([])).shape == (0, 0)


def test_the_current_of_now_stands_beside_the_video_of_now():
    """At a lead of 240 s a current window is over eight strides before the video window it is paired with."""
    tracks = (track("a", 0),)
    windows = cut(tracks, label_of(tracks, []), SPEC, 240.0)
    layout = lay_out(np.arange(len(windows)), windows, tracks, SPEC)
    own = np.arange(layout.place.size, dtype=float)[None]
    now = layout.latest_current(own)
    np.testing.assert_array_equal(now[0, :-8], own[0, 8:])
    assert np.isnan(now[0, -7:]).all()  # pairs end with the video, and so does what is known of the current


def test_what_is_watched_by_hand():
    tracks = (track("a", 0),)
    episodes = [(0, 600.0, 660.0), (0, 3000.0, 3300.0), (0, 3342.0, 3600.0), (0, 6930.0, 7200.0)]
    label = label_of(tracks, episodes)
    windows = cut(tracks, label, SPEC, 240.0)
    layout = lay_out(np.arange(len(windows)), windows, tracks, SPEC)
    watch = keep_watch(layout, label[:, 0], tracks, STEP, WarningSpec())
    # Video windows end from 360 s on; the label ends at 7200 s, of which a horizon of 300 s must be left.
    assert (watch.first.tolist(), watch.last.tolist()) == ([360.0], [6900.0])
    # The second and third are 42 s apart: one episode. The first comes within 300 s, the last after 6900 s.
    np.testing.assert_array_equal(watch.onset, [600, 3000, 6930])
    np.testing.assert_array_equal(watch.end, [660, 3600, 7200])
    assert watch.counted.tolist() == [False, True, False]
    apart = keep_watch(layout, label[:, 0], tracks, STEP, WarningSpec(merge=42.0))
    np.testing.assert_array_equal(apart.onset, [600, 3000, 3342, 6930])
    # A lead longer than the horizon: the current's last word comes before 6900 s.
    early = cut(tracks, label, replace(SPEC, margin=600.0), 420.0)
    longer = lay_out(np.arange(len(early)), early, tracks, SPEC)
    assert keep_watch(longer, label[:, 0], tracks, STEP, WarningSpec()).last.tolist() == [6780.0]


def world(
    tmp_path, episodes_of=lambda r: [(700.0 + 900 * i + 60 * r, 1000.0 + 900 * i + 60 * r) for i in range(7)]
):
    """Return a data set of eight recordings, its windows and a split, without a ceiling."""
    tracks = tuple(track(f"r{r}", r) for r in range(8))
    label = label_of(tracks, [(r, *each) for r in range(8) for each in episodes_of(r)])
    nothing = np.zeros((len(label), 1), dtype=np.float32)
    dataset = Dataset(tmp_path, tracks, nothing, nothing, label)
    windows = cut(tracks, label, SPEC, 240.0)
    parts = Split(*(np.flatnonzero(np.isin(windows.recording, p)) for p in ([0, 1], [2, 3, 4], [5, 6, 7])))
    return dataset, windows, parts


def cell(**more):
    return {"windows": vars(SPEC), "arm": {"lead": 240.0}, **more}


def test_a_current_that_knows_what_comes_warns_by_its_lead(tmp_path):
    """Scores equal to the labels of the paired video windows: the warning is the lead, less the window."""
    dataset, windows, parts = world(tmp_path)
    truth = windows.label.astype(float)
    guesses = {name: (truth[parts.validation], truth[parts.test]) for name in ("current", "video")}
    early = early_warnings(cell(), guesses, dataset, windows, parts)
    found = early.scores
    # A window is abnormal once more than half of its minute is: 36 s after the onset at steps of 6 s and a
    # stride of 30 s that falls on them, so between 36 and 60 s late, and 240 s early.
    assert found["warning.current.episodes_warned"] == found["warning.current.episodes_caught"] == 1.0
    assert found["warning.video.episodes_warned"] == 0.0 and found["warning.video.episodes_caught"] == 1.0
    assert found["warning.current.false_alarms_per_hour"] == found["warning.video.false_alarms_per_hour"] == 0
    late = -found["warning.video.warning_seconds"]
    assert 36 <= late <= 60
    assert found["warning.current.warning_seconds"] == 240 - late
    assert found["warning.current.earlier_than_video"] == found["warning.both.earlier_than_video"] == 240.0
    assert early.diagnostics["warning.validation_episodes"] >= 10


def test_what_is_kept_gives_the_scores_and_the_alarms_again(tmp_path):
    dataset, windows, parts = world(tmp_path)
    generator = np.random.default_rng(3)
    noisy = {
        m: windows.label + generator.normal(0, sd, len(windows))
        for m, sd in (("current", 0.7), ("video", 0.3))
    }
    guesses = {m: (values[parts.validation], values[parts.test]) for m, values in noisy.items()}
    early = early_warnings(cell(), guesses, dataset, windows, parts)
    kept = early.predictions
    assert kept["warning_source"].tolist() == ["current", "video", "both"]
    hours = kept["warning_hours"].sum()
    for place, source in enumerate(kept["warning_source"]):
        seconds = kept["warning_seconds"][place, MAIN]
        false = kept["warning_alarms"][place, MAIN, :, 1].sum()
        assert early.scores[f"warning.{source}.episodes_warned"] == pytest.approx((seconds > 0).mean())
        assert early.scores[f"warning.{source}.false_alarms_per_hour"] == pytest.approx(false / hours)
    # Alarms drawn again from the float32 score and the rule of the record.
    layout = lay_out(parts.test, windows, dataset.tracks, SPEC)
    watch = keep_watch(layout, dataset.label[:, 0], dataset.tracks, STEP, WarningSpec())
    high, low, k, n, rest = kept["warning_rule"][0, MAIN]
    rule = Rules(
        *(np.array([x]) for x in (high, low)), np.array([int(k)]), np.array([int(n)]), np.array([rest])
    )
    again = judge(
        raised(alarms(rule, layout.lay(noisy["current"][parts.test].astype(np.float32)), layout.current)),
        layout.current,
        watch,
    )
    np.testing.assert_allclose(again.seconds[0], kept["warning_seconds"][0, MAIN], equal_nan=True)
    np.testing.assert_array_equal(again.false[0], kept["warning_alarms"][0, MAIN, :, 1])
    # A larger budget never warns of fewer on validation; on the test part its rules stay as chosen.
    assert (np.diff(kept["warning_budget"]) > 0).all()


def test_the_test_part_chooses_nothing(tmp_path):
    """Other test labels and other test scores leave every rule as it was."""
    dataset, windows, parts = world(tmp_path)
    generator = np.random.default_rng(4)
    guess = windows.label + generator.normal(0, 0.7, len(windows))
    one = early_warnings(
        cell(), {"current": (guess[parts.validation], guess[parts.test])}, dataset, windows, parts
    )
    label = dataset.label.copy()
    first = dataset.tracks[5].video_first
    label[first:] = np.roll(label[first:], 200, axis=0)
    other = early_warnings(
        cell(),
        {"current": (guess[parts.validation], generator.random(len(parts.test)))},
        replace(dataset, label=label),
        windows,
        parts,
    )
    np.testing.assert_array_equal(one.predictions["warning_rule"], other.predictions["warning_rule"])
    assert one.scores != other.scores


def test_too_few_episodes_give_no_number(tmp_path):
    dataset, windows, parts = world(tmp_path, lambda r: [(2000.0, 2500.0), (4000.0, 4500.0)])
    guess = windows.label.astype(float)
    guesses = {"current": (guess[parts.validation], guess[parts.test])}
    early = early_warnings(cell(), guesses, dataset, windows, parts)
    assert early.diagnostics["warning.validation_episodes"] == 6
    assert early.scores == {} and early.predictions == {}
    with pytest.raises(InvalidRequest, match="at least 10 whole episodes in the validation part"):
        require_episodes(dataset, windows, parts, SPEC, WarningSpec())
    none = Split(parts.train, parts.validation[:0], parts.test)
    empty = {"current": (guess[:0], guess[parts.test])}
    assert early_warnings(cell(), empty, dataset, windows, none).scores == {}


def test_what_a_study_says_of_warnings_is_read(tmp_path):
    dataset, windows, parts = world(tmp_path)
    guess = windows.label + np.random.default_rng(5).normal(0, 0.7, len(windows))
    guesses = {"current": (guess[parts.validation], guess[parts.test])}
    strict = early_warnings(
        cell(warning={"false_alarms": 0.5, "horizon": 240.0}), guesses, dataset, windows, parts
    )
    assert strict.predictions["warning_budget"][MAIN] == 0.5
    assert strict.predictions["warning_horizon"].tolist() == [240.0]
    assert np.nanmax(strict.predictions["warning_seconds"]) <= 240.0
