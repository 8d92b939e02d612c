"""A recording for a terminal: one line a score and an alarm, and the seconds of warning in words."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from rich.text import Text

from bench.report.folding import fold
from bench.report.folding import width as columns_of
from bench.report.lang import count, join, say, template
from bench.report.timeline import Line, Timeline

_BARS = "▁▂▃▄▅▆▇█"
_STYLES = {"current": "dark_orange", "video": "steel_blue1", "": ""}
_SCORES = {"current": template("current"), "video": template("video")}
_ALARMS = {"current": template("its alarm"), "video": template("its alarm")}
_LEAST = 24  # columns of a timeline on the narrowest terminal


def told(found: Sequence[Timeline], title: str, width: int = 100) -> list[Text]:
    """Return the lines of a recording, one arm or several, at most ``width`` columns wide.

    Args:
        found: one an arm, at least one, all of the same recording.
        title: what stands above.
        width: columns of the terminal.
    """
    names = [say("shown on video"), *(f"  {say(n)}" for n in (*_SCORES.values(), *_ALARMS.values()))]
    margin = max(columns_of(name) for name in names) + 2
    room = max(_LEAST, width - margin)
    first = found[0]
    lines = [Text(line, "bold") for line in fold(title, width)]
    lines += [Text(), _line("", _axis(first.span, room), margin)]
    lines.append(_line(say("shown on video"), _shown(first, room), margin))
    for each in found:
        lines.append(Text(each.arm, "bold"))
        for modality, line in each.lines.items():
            style = _STYLES[modality]
            lines.append(_line(f"  {say(_SCORES[modality])}", _bars(line, each.span, room), margin, style))
            if each.ruled:
                alarm = _alarm(line, each.span, room)
                lines.append(_line(f"  {say(_ALARMS[modality])}", alarm, margin, style))
    lines += [Text(part) for part in fold(_symbols(first.ruled), width)]
    lines.append(Text())
    for sentence in _sentences(found):
        lines += [Text(line) for line in fold(sentence, width)]
    return lines


def listed(held: Mapping[str, Sequence[int]], study: str, again: str, width: int = 100) -> list[Text]:
    """Return the recordings that can be shown, each with the seeds whose test part holds it.

    ``again`` is the command that lists them; with the name of one behind it, it shows that.
    """
    broad = max(columns_of(name) for name in held)
    lines = [Text(say("Recordings in the test parts of {study}, and the seeds that hold them:", study=study))]
    for name, seeds in held.items():
        shown = fold(" ".join(str(seed) for seed in seeds), max(_LEAST, width - broad - 4))
        lines += [Text(f"  {name if not i else '':<{broad}}  {part}") for i, part in enumerate(shown)]
    lines += [Text(), Text(f"{again} {shlex.quote(next(iter(held)))}", "bold")]
    return lines


def clock(seconds: float) -> str:
    """Return seconds as hours, minutes and seconds.

    >>> clock(3725), clock(-5)
    ('1:02:05', '-0:00:05')
    """
    whole = abs(round(seconds))
    return f"{'-' if seconds < 0 else ''}{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def _sentences(found: Sequence[Timeline]) -> Iterator[str]:
    first = found[0]
    if not len(first.episodes):
        yield say("The video shows nothing abnormal.")
    elif first.ruled:
        yield say("When the first alarm came, and when the video showed it:")
    for place, (start, end) in enumerate(first.episodes):
        span = {"start": clock(start), "end": clock(end)}
        said = say("episode {n}, on the video from {start} to {end}", n=place + 1, **span)
        words = [_warned(e.arm, e, "current", place) for e in found if "current" in e.lines]
        if "video" in first.lines:
            words.append(_warned(say("the video's own alarm"), first, "video", place))
        known = say("{arm}: {note}", arm=said, note=say("; ").join(words)) if first.ruled else said
        yield say("{sentence}.", sentence=known)
    if not first.ruled:
        yield say("No rule for alarms is on record for this run, so nothing rings here.")
        return
    yield from (_false(each, line) for each in found if (line := each.lines.get("current")) is not None)
    if not first.counted.all():
        at = [str(place + 1) for place in np.flatnonzero(~first.counted)]
        yield count(
            len(at),
            "Episode {at} lies too near to a border of the record to be counted in a score.",
            "Episodes {at} lie too near to a border of the record to be counted in a score.",
            at=join(at),
        )


def _symbols(ruled: bool) -> str:
    said = say("█ abnormal, ▁ to █ score 0 to 1")
    return (
        said + say(", ") + say("▲ an alarm, × a false one, △ one that does not count, ━ it stays on")
        if ruled
        else said
    )


def _false(each: Timeline, line: Line) -> str:
    moments = [clock(second) for second in line.alarms[line.false]]
    if not moments:
        return say("{arm}: no false alarm in {hours:.1f} h.", arm=each.arm, hours=each.hours)
    return count(
        len(moments),
        "{arm}: 1 false alarm in {hours:.1f} h, at {moments}.",
        "{arm}: {n} false alarms in {hours:.1f} h, at {moments}.",
        arm=each.arm,
        hours=each.hours,
        moments=join(moments),
    )


def _warned(name: str, each: Timeline, modality: str, place: int) -> str:
    """Return how long before an episode is on the video a modality warned, in words."""
    seconds = float(each.lines[modality].warned[place])
    if not math.isfinite(seconds):
        return say("{arm} not at all", arm=name)
    if seconds > 0:
        return say("{arm} {seconds:.0f} s before", arm=name, seconds=seconds)
    return say("{arm} {seconds:.0f} s after", arm=name, seconds=-seconds)


def _line(name: str, drawn: str, margin: int, style: str = "") -> Text:
    return Text(name + " " * (margin - columns_of(name))).append(drawn, style)


def _axis(span: tuple[float, float], room: int) -> str:
    """Return the hours and minutes at both ends and in the middle."""
    begin, end = span
    marks = [clock(second) for second in (begin, (begin + end) / 2, end)]
    left = (room - len(marks[1])) // 2
    return marks[0].ljust(left) + marks[1].ljust(room - left - len(marks[2])) + marks[2]


def _edges(span: tuple[float, float], room: int) -> list[tuple[float, float]]:
    points = np.linspace(*span, room + 1)
    return list(zip(points[:-1], points[1:], strict=True))


def _shown(each: Timeline, room: int) -> str:
    def abnormal(low: float, high: float) -> bool:
        return any(start < high and end > low for start, end in each.episodes)

    return "".join("█" if abnormal(low, high) else "·" for low, high in _edges(each.span, room))


def _bars(line: Line, span: tuple[float, float], room: int) -> str:
    """Return the newest score of each moment as the height of a bar; a blank where there is none."""
    drawn = []
    for _, high in _edges(span, room):
        place = int(np.searchsorted(line.time, high, side="right")) - 1
        known = place >= 0 and math.isfinite(line.score[place])
        level = min(max(float(line.score[place]), 0.0), 1.0) if known else 0.0
        drawn.append(_BARS[round(level * (len(_BARS) - 1))] if known else " ")
    return "".join(drawn)


def _alarm(line: Line, span: tuple[float, float], room: int) -> str:
    """Return where an alarm is raised (▲, × if it is false, △ if it is neither) and where it stays on (━)."""
    drawn = []
    for low, high in _edges(span, room):
        here = ((line.alarms > low) | (low == span[0])) & (line.alarms <= high)
        place = int(np.searchsorted(line.time, high, side="right")) - 1
        on = place >= 0 and bool(line.on[place])
        rung = ((line.false, "×"), (line.met, "▲"), (line.aside, "△"))
        rings = next((mark for kept, mark in rung if (here & kept).any()), "")
        drawn.append(rings or ("━" if on else "·"))
    return "".join(drawn)
