"""One recording in time, chosen by a rule and not by its looks."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bench.report.comparison import Comparison
from bench.report.drawing import Sketch
from bench.report.evidence import Evidence
from bench.report.figures.readings import read, shown
from bench.report.figures.timeline import caption, timelines
from bench.report.lang import say
from bench.report.timeline import Timeline, recordings, timeline

_ROWS = 3  # the baseline and the arms that differ most from it
_KEPT = ("--data", "--set", "--plugin")  # options of a report that say which study it is


def example(comparison: Comparison) -> Iterator[Sketch]:
    """Draw a recording of the first unit as the baseline and the arms that differ most have read it.

    The recording is that whose warning is the median of those in the test part of that unit, as the baseline
    warns: half of them have more. Nothing is drawn where no rule for alarms is on record.
    """
    for unit, arrays in read(comparison, comparison.baseline, "recording_name", "alarm", "score", most=1):
        arrays = dict(arrays)  # each is unpacked once
        name = typical(arrays)
        if name is None:
            return
        found = [_timeline(arrays, name, comparison.baseline.info.name, unit)]
        for arm in shown(comparison)[1:_ROWS]:
            for other, theirs in read(comparison, arm, "recording_name", "alarm", "score"):
                if other == unit and name in recordings(theirs):
                    found.append(_timeline(theirs, name, arm.info.name, unit))
        title = say("Recording {recording}: scores and alarms", recording=name)
        said = [caption(found), _rule(found[0]), *_command(comparison.evidence, name)]
        told = comparison.warnings
        section = "warnings" if told is not None and told.results else "results"
        yield timelines("timeline", found, title, comparison.evidence.data, say(" ").join(said), section)


def typical(arrays: Mapping[str, Any]) -> str | None:
    """Return the recording with the median warning of its episodes; None where none is warned of.

    A recording has the median of its counted episodes that an alarm of the current meets. Of an even number
    of recordings, and of equal ones, the lower and the first by name.
    """
    ranked = []
    for name in recordings(arrays):
        each = _timeline(arrays, name, "", "")
        warned = each.lines["current"].warned[each.counted]
        known = warned[np.isfinite(warned)]
        if len(known):
            ranked.append((float(np.median(known)), name))
    return sorted(ranked)[(len(ranked) - 1) // 2][1] if ranked else None


def _timeline(arrays: Mapping[str, Any], name: str, arm: str, unit: str) -> Timeline:
    return timeline(arrays, name, recordings(arrays)[name], arm, unit)


def _rule(each: Timeline) -> str:
    warned = each.lines["current"].warned[each.counted]
    return say(
        "This recording is shown because its warning ({seconds:.0f} s, median of its episodes with an alarm) "
        "is the median of the recordings in the test part of {unit}, as {arm} warns.",
        seconds=float(np.median(warned[np.isfinite(warned)])),
        unit=each.unit,
        arm=each.arm,
    )


def _command(evidence: Evidence, recording: str) -> Iterator[str]:
    """Yield the sentence that tells the command; nothing after a search, whose units it does not know."""
    words = shlex.split(evidence.command)
    if len(words) < 3 or words[1] not in ("grid", "report"):
        return
    kept = [
        f"{option} {shlex.quote(value)}"
        for option, value in zip(words[3:], words[4:], strict=False)
        if option in _KEPT
    ]
    command = " ".join([words[0], "show", shlex.quote(words[2]), shlex.quote(recording), *kept])
    yield say("Any recording: `{command}`.", command=command)
