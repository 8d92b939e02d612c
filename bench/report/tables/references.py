"""References and ceilings, and the baseline minus each."""

from __future__ import annotations

from bench.report.comparison import Comparison
from bench.report.lang import say
from bench.report.metric import readable
from bench.report.search import outside_of_the_search
from bench.report.table import Cell, Column, Table


def references(comparison: Comparison) -> Table:
    """Return what else was scored on the same units."""
    digits = comparison.digits.score
    columns = (
        Column("reference", say("Reference"), "word"),
        Column("what", say("What it is"), "word"),
        Column("score", say("Score")),
        Column("n", "n", "share"),
        Column("mean", say("Mean"), "score", digits=digits),
        Column("sd", say("SD"), "score", digits=digits),
        Column("difference", say("Baseline − it"), "signed", digits=digits),
        Column("interval", say("95 % CI"), "signed_interval", digits=digits),
    )
    rows = tuple(
        (
            Cell(r.name),
            Cell(r.what),
            Cell(readable(r.column)),
            Cell((len(r.scores), r.planned), r.runs),
            Cell(float(r.scores.mean()), r.runs),
            Cell(float(r.scores.std(ddof=1)) if len(r.scores) > 1 else None, r.runs),
            Cell(r.difference.mean, r.paired_runs),
            Cell(r.difference.interval(), r.paired_runs),
        )
        for r in comparison.references
    )
    notes = [
        say(
            "Differences: {metric} of {arm} minus the score named, on shared units.",
            metric=readable(comparison.evidence.metric),
            arm=comparison.baseline.info.name,
        ),
        *outside_of_the_search(comparison.evidence, "reference"),
    ]
    caption = say("References and ceilings; data: {data}", data=comparison.evidence.data)
    return Table("references", caption, columns, rows, tuple(notes))
