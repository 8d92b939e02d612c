"""What the alarms of every arm were worth to a plant."""

from __future__ import annotations

import math

from bench.compare import Estimate
from bench.report.comparison import Comparison
from bench.report.lang import count, join, say, template
from bench.report.table import Cell, Column, Table, Value
from bench.report.warned import WarningResult
from bench.warning import FEWEST

HEARD = {
    "current": template("current alone"),
    "video": template("video alone"),
    "both": template("current and video"),
    "ceiling": template("exact posterior, all the current so far"),
    "ceiling_window": template("exact posterior, a window of the current"),
}
"""What an alarm listens to, in words."""
_COLUMNS = (
    Column("arm", template("Arm")),
    Column("source", template("Alarm from"), "word"),
    Column("units", template("Units"), "count", detail=True),
    Column("recordings", template("Recordings"), "count", detail=True),
    Column("episodes", template("Episodes"), "count"),
    Column("warned", template("Warned"), "percent"),
    Column("warned_interval", template("95 % CI"), "percent_interval"),
    Column("chance", template("By chance"), "percent"),
    Column("caught", template("Caught"), "percent"),
    Column("caught_interval", template("95 % CI of caught"), "percent_interval", detail=True),
    Column("seconds", template("Warning, s"), "score", digits=0),
    Column("seconds_interval", template("95 % CI"), "interval", digits=0),
    Column("false", template("False alarms/h"), "score", digits=2),
    Column("false_interval", template("95 % CI"), "interval", digits=2),
    Column("earlier", template("Before the video's own, s"), "score", digits=0),
    Column("earlier_interval", template("95 % CI"), "interval", digits=0),
)
_MEASURED = (
    ("warned", "episodes_warned"),
    ("caught", "episodes_caught"),
    ("seconds", "warning_seconds"),
    ("false", "false_alarms_per_hour"),
    ("earlier", "earlier_than_video"),
)
_LISTED = 12


def warnings(comparison: Comparison) -> Table:
    """Return the alarms of every arm and source; no row where no run has any on record."""
    found = comparison.warnings
    columns = tuple(Column(c.key, say(c.title), c.kind, detail=c.detail, digits=c.digits) for c in _COLUMNS)
    caption = say("Early warning; data: {data}", data=comparison.evidence.data)
    if found is None:
        return Table("warnings", caption, columns, ())
    rows = tuple(_row(each) for each in found.results)
    return Table("warnings", caption, columns, rows, tuple(_notes(comparison)))


def _row(each: WarningResult) -> tuple[Cell, ...]:
    values: dict[str, Value] = {
        "units": each.units,
        "recordings": each.recordings,
        "episodes": each.episodes,
        "chance": each.chance,
    }
    for key, measure in _MEASURED:
        known = each.values.get(measure, Estimate(math.nan, math.nan, math.nan))
        values |= {key: known.value, f"{key}_interval": (known.low, known.high)}
    worded = {"arm": Cell(each.arm), "source": Cell(HEARD[each.source])}
    return tuple(worded.get(c.key) or Cell(values[c.key], each.runs) for c in _COLUMNS)


def _notes(comparison: Comparison) -> list[str]:
    found = comparison.warnings
    assert found is not None
    notes = [ruleless(comparison)] if found.ruleless else []
    if not found.results:
        return notes
    notes += [
        say(
            "An alarm is the moment it is raised, on the clock of the wall: a window tells when it is over. "
            "It meets an episode from {horizon:g} s before the video shows it until it ends. Warned: the "
            "first alarm that meets an episode comes before the video shows it; caught: any does; false: an "
            "alarm that meets none. One that stays on is one alarm.",
            horizon=found.horizon,
        ),
        say(
            "Rules (threshold, k of n, hysteresis, refractory time) are chosen on validation for the most "
            "seconds of warning over all episodes, at a rate of false alarms of at most {budget:g} an hour "
            "there; those of the video alone for catching episodes soonest once they show. On the test "
            "part the rate may be higher or lower.",
            budget=found.budget,
        ),
        say(
            "Warning: median over caught episodes of the seconds from alarm to onset, late ones negative. "
            "Before the video's own: the same against the first alarm of the video, over episodes both "
            "caught. By chance: what as many alarms at random times would warn of."
        ),
        say(
            "Episodes: mean of a unit. Intervals: two-level bootstrap, 2000 draws of recordings and units, "
            "as for new batches and new seeds."
        ),
    ]
    if any(each.source.startswith("ceiling") for each in found.results):
        notes.append(
            say(
                "Exact posteriors go through the same rules: of all the current so far, its gain known, "
                "which is more than any method can know; and of one window, as the method sees it."
            )
        )
    if found.left_out:
        left = list(found.left_out)
        notes.append(
            say("Left out to keep the report quick: {arms}, which differ less from the baseline.",
                arms=join(left) if len(left) <= _LISTED else count(len(left), "1 arm", "{n} arms"))
        )  # fmt: skip
    return notes


def ruleless(comparison: Comparison) -> str:
    """Return the sentence on runs that could choose no rule."""
    assert comparison.warnings is not None
    return count(
        comparison.warnings.ruleless,
        "1 run has no early warnings: its validation part has fewer than {fewest} whole episodes to choose a "
        "rule on.",
        "{n} runs have no early warnings: their validation parts have fewer than {fewest} whole episodes to "
        "choose a rule on.",
        fewest=FEWEST,
    )
