"""Other studies or data sets beside this one."""

from __future__ import annotations

from bench.report.comparison import Comparison
from bench.report.lang import join, say
from bench.report.metric import readable, short
from bench.report.table import Cell, Column, Table, decimals


def beside(comparison: Comparison) -> Table:
    """Return the arms that both have: each against its own baseline, and the difference of the two."""
    rows = [(each, row) for each in comparison.beside for row in each.rows]
    digits = decimals((row.gap.high - row.gap.low) / 2 for _, row in rows)
    columns = (
        Column("arm", say("Arm")),
        Column("beside", say("Beside")),
        Column("difference", say("Δ here"), "signed", digits=digits),
        Column("interval", say("95 % CI"), "signed_interval", digits=digits),
        Column("verdict", say("Verdict here"), "word"),
        Column("other_difference", say("Δ there"), "signed", digits=digits),
        Column("other_interval", say("95 % CI"), "signed_interval", digits=digits),
        Column("verdict_other", say("Verdict there"), "word"),
        Column("agree", say("Agree"), "word"),
        Column("gap", say("Δ here − Δ there"), "signed", digits=digits),
        Column("gap_interval", say("95 % CI"), "signed_interval", digits=digits),
        Column("p", "p", "p", detail=True),
        Column("holm_p", say("Holm p"), "p"),
        Column("units", say("Units"), "count", detail=True),
        Column("other_arm", say("Arm there"), detail=True),
    )
    cells = []
    for each, row in rows:
        here, there = row.here.runs, row.there.runs
        both = (*here, *there)
        cells.append(
            (
                Cell(row.arm),
                Cell(each.name),
                Cell(row.here.paired.mean, here),
                Cell(row.here.paired.interval(), here),
                Cell(row.here.verdict, here),
                Cell(row.there.paired.mean, there),
                Cell(row.there.paired.interval(), there),
                Cell(row.there.verdict, there),
                Cell(row.agree, both),
                Cell(row.gap.mean, both),
                Cell((row.gap.low, row.gap.high), both),
                Cell(row.gap.p, both),
                Cell(row.gap.holm, both),
                Cell(row.gap.units, both),
                Cell(row.other),
            )
        )
    names = [each.name for each in comparison.beside]
    caption = say(
        "{study} beside {others}: {metric}; data: {data}",
        study=comparison.evidence.study,
        others=join(list(dict.fromkeys(names))),
        metric=readable(comparison.evidence.metric),
        data=comparison.evidence.data,
    )
    return Table("beside", caption, columns, tuple(cells), tuple(_notes(comparison)))


def worlds(comparison: Comparison) -> Table:
    """Return the arms over at least three data sets together; empty with fewer."""
    found = comparison.worlds
    arms = found.arms if found else ()
    score = short(comparison.evidence.metric)
    digits = decimals((arm.iqm.high - arm.iqm.low) / 2 for arm in arms)
    columns = (
        Column("arm", say("Arm")),
        Column("iqm", say("{score}, interquartile mean", score=score), "score", digits=digits),
        Column("iqm_interval", say("95 % CI"), "interval", digits=digits),
        Column("difference", say("− baseline"), "signed", digits=digits),
        Column("difference_interval", say("95 % CI"), "signed_interval", digits=digits),
        Column("ahead", say("P(ahead of the baseline)"), "percent"),
        Column("ahead_interval", say("95 % CI"), "percent_interval"),
    )
    rows = tuple(
        (
            Cell(arm.arm),
            Cell(arm.iqm.value, arm.runs),
            Cell((arm.iqm.low, arm.iqm.high), arm.runs),
            Cell(arm.difference.value if arm.difference else None, arm.runs),
            Cell((arm.difference.low, arm.difference.high) if arm.difference else None, arm.runs),
            Cell(arm.improvement.value if arm.improvement else None, arm.runs),
            Cell((arm.improvement.low, arm.improvement.high) if arm.improvement else None, arm.runs),
        )
        for arm in arms
    )
    notes = (
        say(
            "Over {n} data sets ({names}): interquartile mean over all units, and probability of "
            "improvement, in which each data set counts the same, with stratified bootstrap intervals over "
            "units (Agarwal et al. 2021). They speak of new seeds on these data sets, not of new ones.",
            n=len(found.names) if found else 0,
            names=say(", ").join(found.names) if found else "",
        ),
    )
    return Table("worlds", say("Data sets together"), columns, rows, notes)


def _notes(comparison: Comparison) -> list[str]:
    paired = [each.name for each in comparison.beside if each.paired]
    loose = [each.name for each in comparison.beside if not each.paired]
    said = [
        say("Δ: arm − baseline of the same study, with the verdict of that study. Agree: the same verdict; "
            "open where one is undecided. Holm over the arms both have.")
    ]  # fmt: skip
    if paired:
        said.append(
            say("{others}: the same units, so the difference of differences is paired (sign-flip p).",
                others=join(paired))
        )  # fmt: skip
    some = [
        row.gap.units
        for each in comparison.beside
        for row in each.rows
        if row.gap.on_some(row.here, row.there)
    ]
    if some:
        said.append(
            say(
                "Where one of the two has further units, the difference of differences is that on the units "
                "both have (at least {units}), and Δ that on all of its own.",
                units=min(some),
            )
        )
    if loose:
        said.append(
            say("{others}: other units, so the difference of differences is that of two means (Welch).",
                others=join(loose))
        )  # fmt: skip
    return said + list(dict.fromkeys(note for each in comparison.beside for note in each.notes()))
