"""What resampling whole recordings says: AUROC differences, and the metric on new batches."""

from __future__ import annotations

from bench.report.comparison import Comparison
from bench.report.lang import count, join, retell, say
from bench.report.metric import readable, short
from bench.report.table import Cell, Column, Table, decimals

_LISTED = 12


def by_group(comparison: Comparison) -> Table:
    """Return AUROC differences with recordings resampled whole."""
    digits = decimals((g.interval.high - g.interval.low) / 2 for g in comparison.by_group)
    columns = (
        Column("arm", say("Arm")),
        Column("against", say("Minus")),
        Column("units", say("Units"), "count"),
        Column("groups", say("Recordings"), "count"),
        Column("difference", say("AUROC difference"), "signed", digits=digits),
        Column("interval", say("95 % CI by recording"), "signed_interval", digits=digits),
    )
    rows = tuple(
        (
            Cell(g.arm),
            Cell(g.against),
            Cell(g.units, g.runs),
            Cell(g.interval.groups, g.runs),
            Cell(g.interval.mean, g.runs),
            Cell((g.interval.low, g.interval.high), g.runs),
        )
        for g in comparison.by_group
    )
    whole = comparison.evidence.whole_searches
    notes = [
        say("Paired bootstrap, 2000 draws: a draw resamples the recordings of a fold once for all its units. "
            "It speaks of new recordings, the t interval over units of new searches.")
        if whole
        else say("Paired bootstrap, 2000 draws: a draw resamples the recordings of a fold once for all its "
                 "units. It speaks of new recordings, the t interval over units of new seeds."),
        *_not_all(comparison),
    ]  # fmt: skip
    caption = say("AUROC by recording; data: {data}", data=comparison.evidence.data)
    return Table("by_group", caption, columns, rows, tuple(notes))


def new_batches(comparison: Comparison) -> Table:
    """Return the differences of the metric where recordings and seeds are both resampled."""
    found = comparison.new_batches
    digits = decimals((each.found.high - each.found.low) / 2 for each in found)
    seeds = {arm.info.name: arm.paired for arm in comparison.changes}
    columns = (
        Column("arm", say("Arm")),
        Column("units", say("Units"), "count"),
        Column("recordings", say("Recordings"), "count"),
        Column("difference", "Δ", "signed", digits=digits),
        Column("seeds", say("95 % CI, new seeds"), "signed_interval", digits=digits),
        Column("batches", say("95 % CI, new batches and seeds"), "signed_interval", digits=digits),
        Column("se", say("Standard error"), "score", detail=True, digits=digits),
        Column("note", say("Note"), detail=True),
    )
    rows = []
    for each in found:
        two, pair = each.found, seeds.get(each.arm)
        rows.append(
            (
                Cell(each.arm),
                Cell(two.units, each.runs),
                Cell(two.recordings, each.runs),
                Cell(two.difference, each.runs),
                Cell(pair.interval() if pair else None, each.runs),
                Cell((two.low, two.high), each.runs),
                Cell(two.se, each.runs),
                Cell(retell(two.note), each.runs),
            )
        )
    notes = [
        say(
            "Δ {score} ({metric}), arm − baseline. New seeds: the t interval over units on these "
            "recordings. New batches and seeds: two-level paired bootstrap, 2000 draws of recordings and "
            "units; the one to read for a claim about batches never seen.",
            score=short(comparison.evidence.metric),
            metric=readable(comparison.evidence.metric),
        ),
        *dict.fromkeys(say("{note}.", note=retell(each.found.note)) for each in found if each.found.note),
        *_not_all(comparison),
    ]
    caption = say("On new batches; data: {data}", data=comparison.evidence.data)
    return Table("new_batches", caption, columns, tuple(rows), tuple(notes))


def unreadable(comparison: Comparison) -> str:
    """Return the sentence that says how many runs the comparison by recording lacks."""
    return count(
        len(comparison.unread),
        "The predictions of 1 run could not be read; it is left out of the comparison by recording.",
        "The predictions of {n} runs could not be read; they are left out of the comparison by recording.",
    )


def _not_all(comparison: Comparison) -> list[str]:
    said = [unreadable(comparison)] if comparison.unread else []
    left = comparison.left_out
    if left:
        said.append(
            say("Left out to keep the report quick: {arms}, which differ less from the baseline.",
                arms=join(list(left)) if len(left) <= _LISTED else count(len(left), "1 arm", "{n} arms"))
        )  # fmt: skip
    return said
