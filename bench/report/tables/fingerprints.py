"""Can the production batch be told from the codes, and does that go with the score?"""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.comparison import Comparison
from bench.report.fingerprints import MOST, PARTS, PROBES, relations
from bench.report.fingerprints import fingerprints as found_of
from bench.report.lang import say
from bench.report.metric import readable
from bench.report.table import Cell, Column, Table


def fingerprints(comparison: Comparison) -> Table:
    """Return how well codes name the recording, one row an arm and part."""
    found = found_of(comparison)
    by = {(each.arm, each.part, each.probe): each for each in found}
    pairs = list(dict.fromkeys((each.arm, each.part) for each in found))
    columns = [
        Column("arm", say("Arm")),
        Column("part", say("Recordings"), "word"),
        Column("n", "n", "count"),
    ]
    for probe, title in PROBES.items():
        columns.append(Column(probe, say(title), "signed", digits=2))
        columns.append(Column(f"{probe}_interval", say("95 % CI"), "signed_interval", digits=2))
    rows = []
    for arm, part in pairs if len({arm for arm, _ in pairs}) <= MOST else ():
        known = [by.get((arm, part, probe)) for probe in PROBES]
        first = next(each for each in known if each is not None)
        row = [Cell(arm), Cell(PARTS[part]), Cell(len(first.skill), first.runs)]
        for each in known:
            row.append(Cell(each.mean if each else None, each.runs if each else ()))
            row.append(Cell(each.interval if each else None, each.runs if each else ()))
        rows.append(tuple(row))
    caption = say("Batch fingerprints; data: {data}", data=comparison.evidence.data)
    return Table("fingerprints", caption, tuple(columns), tuple(rows), tuple(_notes()))


def fingerprints_and_score(comparison: Comparison) -> Table:
    """Return how each probe goes with the score, within units and over arms."""
    columns = (
        Column("probe", say("Probe"), "word"),
        Column("part", say("Recordings"), "word"),
        Column("cells", say("Runs"), "count"),
        Column("units", say("Units"), "count"),
        Column("r", "r", "signed", digits=2),
        Column("interval", say("95 % CI"), "signed_interval", digits=2),
        Column("p", "p", "p"),
    )
    rows = tuple(
        (
            Cell(PROBES[each.probe]),
            Cell(PARTS[each.part]),
            Cell(each.found.cells, each.runs),
            Cell(each.found.units, each.runs),
            Cell(each.found.r, each.runs),
            Cell((each.found.low, each.found.high), each.runs),
            Cell(each.found.p, each.runs),
        )
        for each in relations(comparison)
    )
    notes = [
        say(
            "r: correlation of the skill with {metric} over the arms within units (Bakdash & Marusich 2017), "
            "not adjusted. What the arms change moves both: it shows where to look, and proves no cause.",
            metric=readable(comparison.evidence.metric),
        )
    ]
    caption = say("Batch fingerprints and the score; data: {data}", data=comparison.evidence.data)
    return Table("fingerprints_and_score", caption, columns, rows, tuple(notes))


def _notes() -> Iterator[str]:
    yield say(
        "Of two recordings, from which one is a window labelled normal? Skill 2 a − 1 of naming it by the "
        "histogram of its codes, learnt on one half of each recording and read on the other: 0 is chance, 1 "
        "is always right. t intervals over units."
    )
    yield say(
        "Current by codes of the video: windows of the current named by what was learnt of the video, which "
        "is how pairs can be matched by their batch alone."
    )
