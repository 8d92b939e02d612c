"""The lead of single episodes, where labels show when each was visible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.lead.evidence import peak
from bench.lead.moments import Floats, Moments, Strip
from bench.lead.score_scan import ScoreScan

#: How far the lead of an episode is looked for from that of all, s.
SPREAD = 150.0
#: What is looked at before and after an episode, at most and at least, s.
BESIDE, LEAST = 300.0, 60.0


@dataclass(frozen=True)
class Episode:
    """One visible episode.

    Attributes:
        recording: its recording.
        onset: second at which it becomes visible.
        seconds: how long it is visible.
        lead: seconds by which the current precedes it; None if no peak was found near that of all.
    """

    recording: str
    onset: float
    seconds: float
    lead: float | None


def episodes(moments: Moments, scan: ScoreScan, lead: float) -> tuple[Episode, ...]:
    """Read the lead of every episode that begins and ends within the moments of its recording.

    The current's score (weights of the lead of all, learnt on other folds) is slid along the label of the
    episode and of what lies beside it, up to half-way to its neighbours; the lead is where their
    covariance peaks, within :data:`SPREAD` of the lead of all. One episode is little to go by: the
    spread of these leads is that of the true ones *and* of the error of reading them.

    Args:
        moments: recordings.
        scan: the label-trained scan of the same moments.
        lead: lead of all, s.
    """
    place = int(np.abs(moments.leads - lead).argmin())
    near = np.flatnonzero(np.abs(moments.leads - lead) <= SPREAD)
    weights = scan.weights(scan.held)[:, place]
    found: list[Episode] = []
    for index, strip in enumerate(moments.strips):
        score = (strip.current - strip.current.mean(axis=0)) @ weights[scan.fold[index]]
        for begin, end, rows in _visible(strip, moments.step):
            label = strip.label[rows] - strip.label[rows].mean()
            first = len(moments.leads) - 1 - near
            slid = score[first[:, None] + rows]
            curve = (slid - slid.mean(axis=1, keepdims=True)) @ label
            inside = 0 < curve.argmax() < len(near) - 1
            own = float(peak(curve[None], moments.leads[near])[0]) if inside else None
            # A window is half positive when its middle lies at the onset.
            onset = strip.first + (begin - 0.5) * moments.step - moments.window / 2
            found.append(Episode(strip.name, onset, (end - begin) * moments.step, own))
    return tuple(found)


def _visible(strip: Strip, step: float) -> list[tuple[int, int, np.ndarray[tuple[int], np.dtype[np.int64]]]]:
    """Return first and last moment of each whole episode, and the moments that its lead is read from."""
    change = np.diff((strip.label > 0.5).astype(np.int64))
    edges = np.flatnonzero(change) + 1
    # Only what begins and ends here is whole; between two episodes the middle divides.
    starts = [i for i in range(len(edges) - 1) if change[edges[i] - 1] == 1]
    most, least = round(BESIDE / step), max(1, round(LEAST / step))
    found = []
    for i in starts:
        begin, end = int(edges[i]), int(edges[i + 1])
        before = begin - (int(edges[i - 1]) + begin) // 2 if i > 0 else begin
        after = (end + int(edges[i + 2])) // 2 - end if i + 2 < len(edges) else len(strip.label) - end
        if min(before, after) >= least:
            found.append((begin, end, np.arange(begin - min(before, most), end + min(after, most))))
    return found


def quantiles(found: tuple[Episode, ...]) -> Floats | None:
    """Return the 10, 50 and 90 % quantiles of the leads that were read, s; None for fewer than ten."""
    leads = [episode.lead for episode in found if episode.lead is not None]
    return np.quantile(leads, [0.1, 0.5, 0.9]) if len(leads) >= 10 else None
