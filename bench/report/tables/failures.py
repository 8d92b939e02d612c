"""What failed, and what everything has cost."""

from __future__ import annotations

import pandas as pd

from bench.report.comparison import Comparison
from bench.report.evidence import DONE, failed_runs
from bench.report.lang import say, template
from bench.report.table import Cell, Column, Table

_ALL = template("all")


def failures(comparison: Comparison) -> Table:
    """Return the runs without a score: kind, count and message."""
    columns = (
        Column("arm", say("Arm")),
        Column("kind", say("Kind"), "word"),
        Column("count", say("Runs"), "count"),
        Column("message", say("Message")),
    )
    found = failed_runs(comparison.evidence).groupby(["arm", "kind", "message"], sort=False)["key"]
    rows = tuple(
        (Cell(str(arm)), Cell(str(kind)), Cell(len(keys), tuple(keys)), Cell(str(message)))
        for (arm, kind, message), keys in found
    )
    caption = say("Failed runs; data: {data}", data=comparison.evidence.data)
    return Table("failures", caption, columns, rows)


def cost(comparison: Comparison) -> Table:
    """Return what each arm has cost, failed runs included."""
    runs = comparison.evidence.runs
    columns = (
        Column("arm", say("Arm")),
        Column("runs", say("Runs"), "count"),
        Column("done", say("Done"), "count"),
        Column("cpu", say("CPU s, total"), "seconds"),
        Column("wall", say("Wall s, total"), "seconds"),
    )
    groups = dict(list(runs.groupby("arm", sort=False)))
    names = [arm.name for arm in comparison.evidence.arms if arm.name in groups]
    rows = [_spent(name, groups[name]) for name in names]
    if len(rows) > 1:
        rows.append(_spent(say(_ALL), runs))
    return Table("cost", say("Cost; data: {data}", data=comparison.evidence.data), columns, tuple(rows))


def _spent(name: str, rows: pd.DataFrame) -> tuple[Cell, ...]:
    keys = tuple(rows["key"])
    spent = [
        float(rows[column].sum(min_count=1)) if column in rows else None
        for column in ("cost.cpu_seconds", "cost.wall_seconds")
    ]
    done = int((rows["outcome"] == DONE).sum())
    return Cell(name), Cell(len(rows), keys), Cell(done, keys), *(Cell(value, keys) for value in spent)
