"""What each way to choose the epoch would have reported."""

from __future__ import annotations

from bench.compare import t_interval
from bench.report.comparison import Comparison
from bench.report.epochs import choices, courses
from bench.report.lang import say
from bench.report.metric import readable, short
from bench.report.table import Cell, Column, Table, decimals


def epochs(comparison: Comparison) -> Table:
    """Return the choices of every arm that was scored after every epoch."""
    found = [each for course in courses(comparison) for each in choices(course)]
    pairs = [each.claims.interval() for each in found if each.claims]
    digits = decimals((high - low) / 2 for low, high in pairs)
    columns = (
        Column("arm", say("Arm")),
        Column("choice", say("Epoch, and what is reported"), "word"),
        Column("epoch", say("Median epoch"), "count"),
        Column("range", say("Range of epochs"), "share", detail=True),
        Column("n", "n", "count"),
        Column("mean", short(comparison.evidence.metric), "score", digits=digits),
        Column("interval", say("95 % CI"), "interval", digits=digits),
        Column("excess", say("Claims more than the honest choice by"), "signed", digits=digits),
        Column("excess_interval", say("95 % CI of that"), "signed_interval", digits=digits),
    )
    rows = tuple(
        (
            Cell(each.arm),
            Cell(each.what),
            Cell(each.epochs[1], each.runs),
            Cell((each.epochs[0], each.epochs[2]), each.runs),
            Cell(len(each.scores), each.runs),
            Cell(float(each.scores.mean()), each.runs),
            Cell(t_interval(each.scores), each.runs),
            Cell(each.excess, each.runs),
            Cell(each.claims.interval() if each.claims else None, each.runs),
        )
        for each in found
    )
    notes = [
        say(
            "Honest: the epoch is chosen on validation and {metric} is read on the test part, once. The rows "
            "marked peeked choose by the test part itself and show what that would claim; no result of this "
            "report is chosen so. Paired on runs, t intervals over units.",
            metric=readable(comparison.evidence.metric),
        )
    ]
    caption = say("Choice of the epoch; data: {data}", data=comparison.evidence.data)
    return Table("epochs", caption, columns, rows, tuple(notes))
