"""The controls, which must stay at chance."""

from __future__ import annotations

from bench.report.comparison import Comparison
from bench.report.lang import retell, say, template
from bench.report.metric import short
from bench.report.search import outside_of_the_search
from bench.report.table import Cell, Column, Table

_CONTAINS = {True: template("yes"), False: template("NO"), None: template("cannot tell")}


def controls(comparison: Comparison) -> Table:
    """Return the controls with their intervals, and whether these contain chance."""
    digits = comparison.digits.score
    columns = (
        Column("control", say("Control")),
        Column("change", say("Change")),
        Column("n", "n", "share"),
        Column("mean", short(comparison.evidence.metric), "score", digits=digits),
        Column("interval", say("95 % CI"), "interval", digits=digits),
        Column("chance", say("Contains chance"), "word"),
        Column("auroc", "AUROC", "score", digits=digits),
        Column("failed", say("Failed runs"), "count"),
    )
    rows = tuple(
        (
            Cell(c.info.name),
            Cell(retell(c.info.change)),
            Cell((len(c.scores), c.planned), c.runs),
            Cell(float(c.scores.mean()), c.runs),
            Cell(c.interval, c.runs),
            Cell(_CONTAINS[c.contains_chance], c.runs),
            Cell(c.auroc, c.runs),
            Cell(c.fails.failed),
        )
        for c in comparison.controls
    )
    notes = [say("Runs of one unit (permutations) are averaged first; t interval over units. Chance is 0.5.")]
    notes += outside_of_the_search(comparison.evidence, "control")
    caption = say("Controls; data: {data}", data=comparison.evidence.data)
    return Table("controls", caption, columns, rows, tuple(notes))
