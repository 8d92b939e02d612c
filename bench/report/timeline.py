"""A recording in time, out of the arrays that a run has left."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MODALITIES = ("current", "video")
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Line:
    """What one modality tells of a recording; seconds since the recording began.

    Attributes:
        time: ``(n,)`` second at which each score is known.
        score: ``(n,)`` P(abnormal).
        on: ``(n,)`` whether the alarm is on after each score.
        alarms: ``(a,)`` seconds at which an alarm is raised.
        met: ``(a,)`` which of them meet an episode: raised within a horizon before it, or during it.
        false: ``(a,)`` which of them are false: they meet none, and within the time that is watched.
        threshold: score that an alarm needs; NaN where no rule is on record, infinite where none ever rings.
        warned: ``(episodes,)`` seconds from the first alarm that meets an episode to its onset: negative if
            it came late, NaN if none came.
    """

    time: Floats
    score: Floats
    on: Bools
    alarms: Floats
    met: Bools
    false: Bools
    threshold: float
    warned: Floats

    @property
    def aside(self) -> Bools:
        """``(a,)`` which alarms count as neither: they meet nothing at a time at which nobody can tell."""
        return ~(self.met | self.false)


@dataclass(frozen=True, eq=False)
class Timeline:
    """One recording as one run has read it.

    Attributes:
        arm: of the run.
        unit: of the run.
        recording: its name.
        episodes: ``(e, 2)`` begin and end of what the video shows, s.
        counted: ``(e,)`` which of them enter a share of episodes warned: all that could warn is on record.
        lines: modality to what it tells.
        ruled: whether rules for alarms are on record.
        span: the time that is on record, s.
        lead: seconds by which the arm's current window precedes that of the video; NaN where unknown.
        horizon: an alarm at most so many seconds before an episode is a warning of it; NaN where unknown.
    """

    arm: str
    unit: str
    recording: str
    episodes: Floats
    counted: Bools
    lines: Mapping[str, Line]
    ruled: bool
    span: tuple[float, float]
    lead: float = math.nan
    horizon: float = math.nan

    @property
    def hours(self) -> float:
        """How long the time on record is."""
        return (self.span[1] - self.span[0]) / 3600


def recordings(arrays: Mapping[str, Any]) -> dict[str, int]:
    """Return the recordings of a test part: name to index; the index is the name where none is on record."""
    if "recording" not in arrays:
        return {}
    known = np.unique(np.asarray(arrays["recording"]))
    if "recording_name" not in arrays:
        return {str(index): int(index) for index in known}
    return {str(name): int(index) for name, index in zip(arrays["recording_name"], known, strict=True)}


def timeline(
    arrays: Mapping[str, Any],
    name: str,
    index: int,
    arm: str,
    unit: str,
    lead: float = math.nan,
    reads: str = "current",
) -> Timeline:
    """Return a recording in time.

    Args:
        arrays: what the run has left.
        name: of the recording.
        index: of the recording.
        arm: of the run.
        unit: of the run.
        lead: that of the arm, for a record that does not say when a score is known.
        reads: the modality that ``score`` is of.
    """
    rows = np.flatnonzero(np.asarray(arrays["recording"]) == index)
    end = np.asarray(arrays["end"], dtype=float)[rows]
    rows, end = rows[np.argsort(end, kind="stable")], np.sort(end, kind="stable")
    episodes, counted = _episodes(arrays, index, rows, end)
    lead, horizon = _single(arrays, "lead", lead), _single(arrays, "horizon", math.nan)
    known = _known(arrays, rows, end, lead)
    scores = {reads: arrays["score"], "video": arrays["video_score"] if "video_score" in arrays else None}
    if reads == "video":
        scores["video"] = arrays["score"]
    lines = {
        modality: _line(arrays, modality, index, rows, known[modality], scores[modality], episodes)
        for modality in MODALITIES
        if scores.get(modality) is not None
    }
    stop = max(float(known["video"].max()), float(episodes[:, 1].max(initial=0)))
    span = (min(float(each.min()) for each in known.values()), stop)
    return Timeline(arm, unit, name, episodes, counted, lines, "alarm" in arrays, span, lead, horizon)


def _episodes(
    arrays: Mapping[str, Any], index: int, rows: NDArray[np.int64], end: Floats
) -> tuple[Floats, Bools]:
    """Return the episodes of the label; from that of the windows where no better is on record."""
    if "episode" in arrays:
        told = np.asarray(arrays["episode"], dtype=float)
        own = told[told[:, 0] == index]
        return own[:, 1:3], own[:, 3] > 0
    change = np.diff(np.concatenate([[0], np.asarray(arrays["label"])[rows], [0]]).astype(int))
    first, last = np.flatnonzero(change == 1), np.flatnonzero(change == -1) - 1
    found = np.stack([end[first], end[last]], axis=1)
    return found, np.zeros(len(found), dtype=bool)


def _known(arrays: Mapping[str, Any], rows: NDArray[np.int64], end: Floats, lead: float) -> dict[str, Floats]:
    if "moment" in arrays:
        return dict(zip(MODALITIES, np.asarray(arrays["moment"], dtype=float)[:, rows], strict=True))
    early = 0.0 if math.isnan(lead) else lead
    return {"current": end - max(early, 0.0), "video": end + min(early, 0.0)}


def _single(arrays: Mapping[str, Any], name: str, otherwise: float) -> float:
    return float(np.asarray(arrays[name])[0]) if name in arrays else otherwise


def _line(
    arrays: Mapping[str, Any],
    modality: str,
    index: int,
    rows: NDArray[np.int64],
    time: Floats,
    score: Any,
    episodes: Floats,
) -> Line:
    state = (
        np.asarray(arrays["alarm"])[MODALITIES.index(modality), rows]
        if "alarm" in arrays
        else np.zeros(len(rows), dtype=np.int8)
    )
    alarms = time[state == 2]
    horizon = _single(arrays, "horizon", 0.0)
    meets = (alarms[:, None] >= episodes[:, 0] - horizon) & (alarms[:, None] < episodes[:, 1])
    watched = np.asarray(arrays["watched"] if "watched" in arrays else np.empty((0, 3)), dtype=float)
    own = watched[watched[:, 0] == index]
    inside = ((alarms[:, None] >= own[:, 1]) & (alarms[:, None] <= own[:, 2])).any(axis=1)
    first = np.where(meets, alarms[:, None], np.inf).min(axis=0, initial=np.inf)
    warned = np.where(np.isfinite(first), episodes[:, 0] - first, np.nan)
    values = np.asarray(score, dtype=float)[rows]
    met = meets.any(axis=1)
    return Line(time, values, state > 0, alarms, met, inside & ~met, _threshold(arrays, modality), warned)


def _threshold(arrays: Mapping[str, Any], modality: str) -> float:
    """Return the threshold of the rule that rings; NaN for none, infinite for one that never does."""
    if "alarm_level" not in arrays:
        return math.nan
    return float(np.asarray(arrays["alarm_level"])[MODALITIES.index(modality)])
