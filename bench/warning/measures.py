"""What alarms are worth, in the numbers that a plant asks for."""

from __future__ import annotations

import numpy as np

from bench.warning.clock import Floats
from bench.warning.judging import Judged

#: What an alarm listens to. ``both``: current and video at once. ``ceiling``: the exact posterior given all
#: the current so far; ``ceiling_window``: given a window alone, as a method sees it.
SOURCES = ("current", "video", "both", "ceiling", "ceiling_window")
#: Sources that may know of an episode before the video shows it.
EARLY = ("current", "both", "ceiling", "ceiling_window")
SECONDS = ("warning_seconds", "earlier_than_video")
#: Shares, seconds, and alarms per hour, of which less is better.
MEASURES = ("episodes_warned", "episodes_caught", *SECONDS, "false_alarms_per_hour")
#: Metrics that a study may be judged by: more is better. False alarms are what the rules are chosen to keep
#: within their budget, so they stand beside and are not judged by.
JUDGED = tuple(
    f"warning.{source}.{measure}"
    for source in ("current", "both", "video")
    for measure in MEASURES
    if measure != "false_alarms_per_hour" and (source, measure) != ("video", "earlier_than_video")
)


def measured(judged: Judged, hours: Floats, rule: int = 0, video: Floats | None = None) -> dict[str, float]:
    """Return every measure of one rule; NaN where there is nothing to measure.

    ``episodes_warned`` is the share of counted episodes with an alarm before the video shows them,
    ``episodes_caught`` that with an alarm before their end; ``warning_seconds`` the median over the caught
    ones of onset minus alarm (late ones negative); ``earlier_than_video`` the median, over episodes that
    both caught, of the seconds by which the alarm comes before the video's own.

    Args:
        judged: alarms against episodes.
        hours: hours watched of each stretch.
        rule: which of the rules.
        video: ``(episodes,)`` seconds of warning of the video's own alarm.
    """
    seconds = judged.seconds[rule]
    watched = float(hours.sum())
    found = {
        "episodes_warned": float((seconds > 0).mean()) if seconds.size else np.nan,
        "episodes_caught": float(np.isfinite(seconds).mean()) if seconds.size else np.nan,
        "warning_seconds": median(seconds),
        "false_alarms_per_hour": float(judged.false[rule].sum() / watched) if watched > 0 else np.nan,
    }
    return found if video is None else {**found, "earlier_than_video": median(seconds - video)}


def median(values: Floats) -> float:
    """Return the median of the values that are there; NaN for none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")
