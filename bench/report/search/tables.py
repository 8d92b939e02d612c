"""The tables of a search: what tuning gave, what it cost, what won, and the fronts of several objectives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.report.comparison import Comparison
from bench.report.lang import count, say
from bench.report.metric import readable, short
from bench.report.search.budget import counted, drawn, given, share, totals, unscored
from bench.report.search.pareto import front
from bench.report.search.tuning import tuning
from bench.report.searched import PARAM, ArmSearch, Searched
from bench.report.table import Cell, Column, Table

_SUMMED = 3  # values from which on a median and a range say more than the values do


def search_tables(comparison: Comparison) -> list[Table]:
    """Return the tables of the search in reading order; none without one."""
    searched = comparison.evidence.search
    if searched is None:
        return []
    data = comparison.evidence.data
    made = [_tuning(comparison), _search(searched, data), _winners(searched, data)]
    return [*made, _pareto(searched, data)] if len(searched.objectives) > 1 else made


def trials_table(searched: Searched) -> pd.DataFrame:
    """Return every trial of every search, one a row, under the name that tables call it by."""
    parts = []
    for each in searched.searches:
        rows = each.trials
        known = {
            "search": each.key,
            "trial": [each.name(number) for number in rows["number"]],
            "arm": each.arm,
            "sampler": each.sampler,
            "repeat": each.repeat,
            "decides": each.deciding,
            "winner": rows["number"] == each.winner,
            "front": rows["number"].isin(front(each, searched)["number"]),
        }
        parts.append(pd.concat([pd.DataFrame(known, index=rows.index), rows], axis=1))
    table = pd.concat(parts, ignore_index=True)
    columns = [str(column) for column in table]
    params = sorted(column for column in columns if column.startswith(PARAM))
    return table[[*(column for column in columns if column not in params), *params]]


def _tuning(comparison: Comparison) -> Table:
    evidence, searched = comparison.evidence, comparison.evidence.search
    assert searched is not None
    score = short(evidence.metric)
    columns = (
        Column("arm", say("Arm")),
        Column("promised", say("Validation"), "score"),
        Column("fresh", say("Retrained"), "score"),
        Column("tuned", say("Test"), "score"),
        Column("optimism", say("Optimism"), "signed"),
        Column("selection", say("Selection"), "signed"),
        Column("shift", say("Shift"), "signed"),
        Column("declared", say("Test, declared"), "score"),
        Column("n", say("Pairs"), "share"),
        Column("difference", "Δ", "signed"),
        Column("interval", say("95 % CI of Δ"), "signed_interval"),
        Column("p", "p", "p"),
        Column("verdict_declared", say("Declared"), "word"),
        Column("verdict", say("Tuned"), "word"),
    )
    rows = []
    for arm in tuning(comparison):
        pair, both = arm.difference, (*arm.runs, *arm.declared_runs)
        known = pair if pair.n else None
        rows.append(
            (
                Cell(arm.arm),
                Cell(arm.promised, arm.trials),
                Cell(arm.fresh, arm.runs),
                Cell(float(arm.tuned.mean()), arm.runs),
                Cell(arm.optimism, (*arm.trials, *arm.runs)),
                Cell(arm.selection, (*arm.trials, *arm.runs)),
                Cell(arm.shift, arm.runs),
                Cell(float(arm.declared.mean()), arm.declared_runs),
                Cell((pair.n, len(evidence.units)) if arm.arm in searched.declared else None, both),
                Cell(known.mean if known else None, both),
                Cell(known.interval() if known else None, both),
                Cell(known.sign_flip.p if known else None, both),
                Cell(arm.before.word if arm.before else "", both),
                Cell(arm.after.word if arm.after else "", both),
            )
        )
    notes = [
        count(
            searched.repeats,
            "Validation: {metric} of the winner as the search saw it; retrained: the same score on fresh "
            "seeds and validation parts. Test: of the retrained winner. Optimism: validation − test = "
            "selection (validation − retrained) + shift (retrained − test).",
            "Validation: {metric} of the winner as the search saw it, mean over {n} searches; retrained: the "
            "same score on fresh seeds and validation parts. Test: of the retrained winner. Optimism: "
            "validation − test = selection (validation − retrained) + shift (retrained − test).",
            metric=readable(evidence.metric),
        ),
        say(
            "Δ: test of the winner minus test of the arm as declared, paired on units; t interval, sign-flip "
            "p, not adjusted: outside of the tested family."
        ),
    ]
    if searched.declared:
        notes.append(
            say("Declared, tuned: verdict on the arm against the baseline, both as declared and both tuned.")
        )
    caption = say(
        "Tuning: {metric} ({score}); data: {data}",
        metric=readable(evidence.metric),
        score=score,
        data=evidence.data,
    )
    return Table("tuning", caption, columns, tuple(rows), tuple(notes))


def _search(searched: Searched, data: str) -> Table:
    broken = any(totals([each])["broken"] for each in searched.searches)
    columns = (
        Column("arm", say("Arm")),
        Column("sampler", say("Sampler")),
        Column("searches", say("Searches"), "count"),
        Column("complete", say("Complete"), "count"),
        Column("broken", say("of them no score"), "count"),
        Column("pruned", say("Pruned"), "count"),
        Column("failed", say("Failed"), "count"),
        Column("kinds", say("Kinds of failure")),
        Column("repeated", say("Equal proposals"), "count"),
        Column("epochs", say("Epochs"), "count"),
        Column("share", say("of budget"), "percent"),
        Column("reused", say("Read from record"), "count"),
        Column("best", say("Validation, best"), "score"),
    )
    rows = []
    for arm in searched.arms:
        for sampler in searched.samplers:
            found = searched.of(arm, sampler)
            if not found:
                continue
            sums = totals(found)
            won = tuple(each.name(each.winner) for each in found if each.winner is not None)
            counts = {name: Cell(value, _all(found)) for name, value in sums.items()}
            rows.append(
                (
                    Cell(arm),
                    Cell(say("{sampler} (decides)", sampler=sampler) if found[0].deciding else sampler),
                    Cell(len(found)),
                    counts["complete"],
                    counts["broken"] if broken else Cell(None),
                    counts["pruned"],
                    counts["failed"],
                    Cell(counted(unscored(found)), _all(found)),
                    counts["repeated"],
                    counts["epochs"],
                    Cell(float(np.mean([share(each, searched) for each in found])), _all(found)),
                    counts["reused"],
                    Cell(float(np.mean([each.best for each in found])), won),
                )
            )
    notes = [
        say(
            "Budget of each search: {budget} = {epochs} epochs. Epochs: what its trials stand for, those "
            "read from the record included.",
            budget=given(searched),
            epochs=searched.budget,
        ),
        say(
            "Pruned: stopped early, never a winner. Failed: by no fault of the configuration. Equal "
            "proposals: configurations proposed before."
        ),
    ]
    if broken:
        notes.append(
            say(
                "No score: trials that failed as configured (diverged, invalid or out of the memory they "
                "had) and were told the worst value."
            )
        )
    notes += [
        say("{arm}: {note}.", arm=name, note=said)
        for name in searched.samplers
        if (said := drawn(searched, name))
    ]
    if searched.repeats > 1:
        notes.append(say("Counts are sums and best values means over {n} searches.", n=searched.repeats))
    return Table(
        "search", say("Search on validation; data: {data}", data=data), columns, tuple(rows), tuple(notes)
    )


def _winners(searched: Searched, data: str) -> Table:
    found = {arm: searched.of(arm) for arm in searched.arms if searched.of(arm)}
    keys = sorted({key for each in searched.deciding for key in each.space})
    columns = (Column("parameter", say("Parameter")), *(Column(f"arm_{arm}", arm) for arm in found))
    rows = []
    for key in keys:
        cells = [_values([e for e in each if key in e.space], key) for each in found.values()]
        rows.append((Cell(key), *cells))
    if searched.repeats == 1 and keys:
        number = [Cell(each[0].winner, _won(each)) for each in found.values()]
        rows.append(
            (
                Cell(say("(trial)")),
                *(Cell(str(c.value) if c.value is not None else "", c.runs) for c in number),
            )
        )
    said = [say("The winner of each arm")]
    if searched.repeats >= _SUMMED:
        said.append(say("median and range, or how often, over {n} searches", n=searched.repeats))
    elif searched.repeats > 1:
        said.append(say("what both searches chose, once where it is the same"))
    if any(each.own for each in searched.deciding):
        said.append(say("in brackets what the arm declares"))
    notes = (say("{facts}. A dash: the arm has no such parameter.", facts=say("; ").join(said)),)
    caption = say("Winning parameters; data: {data}", data=data)
    return Table("winners", caption, columns, tuple(rows), notes)


def _values(searches: Sequence[ArmSearch], key: str) -> Cell:
    values = [each.params[key] for each in searches if each.params]
    if not values:
        return Cell(None)
    said = _many(values) if len(values) > 1 else plain(values[0])
    own = searches[0].own.get(key)
    return Cell(said + (f" ({plain(own)})" if own is not None else ""), _won(searches))


def _many(values: Sequence[Any]) -> str:
    if len(values) < _SUMMED:
        return ", ".join(dict.fromkeys(map(plain, values)))
    if all(isinstance(v, (int, float, np.number)) and not isinstance(v, (bool, np.bool_)) for v in values):
        low, middle, high = (f"{float(q):.3g}" for q in np.quantile(values, [0, 0.5, 1]))
        return middle if low == high else f"{middle} [{low} … {high}]"
    counts = Counter(plain(value) for value in values)
    return ", ".join(
        f"{value} × {count}" for value, count in sorted(counts.items(), key=lambda p: (-p[1], p[0]))
    )


def plain(value: Any) -> str:
    """Return a parameter as people read it: four digits of a number, yes or no, else as it is."""
    if isinstance(value, (bool, np.bool_)):
        return say("yes") if value else say("no")
    if isinstance(value, (int, float, np.number)):
        return f"{float(value):.4g}"
    return str(value)


def _pareto(searched: Searched, data: str) -> Table:
    columns = (
        Column("arm", say("Arm")),
        Column("trial", say("Trial"), "count"),
        *(
            Column(
                f"objective_{i}",
                say("{metric} (more is better)", metric=readable(name))
                if way == "maximize"
                else say("{metric} (less is better)", metric=readable(name)),
                kind,
            )
            for i, (name, way, kind) in enumerate(
                zip(searched.objectives, searched.directions, map(_kind, searched.objectives), strict=True)
            )
        ),
        Column("winner", say("Retrained")),
    )
    rows = []
    for each in searched.deciding:
        if each.repeat > 0:
            continue
        for trial in front(each, searched).to_dict("records"):
            name = (each.name(trial["number"]),)
            rows.append(
                (
                    Cell(each.arm, name),
                    Cell(int(trial["number"]), name),
                    *(Cell(float(trial[objective]), name) for objective in searched.objectives),
                    Cell(say("yes") if trial["number"] == each.winner else "", name),
                )
            )
    notes = [say("Complete trials that no other trial of the arm beats on every objective, on validation.")]
    if searched.repeats > 1:
        notes.append(say("Of the first of {n} searches; trials.csv marks those of all.", n=searched.repeats))
    return Table("pareto", say("Pareto front; data: {data}", data=data), columns, tuple(rows), tuple(notes))


def _kind(objective: str) -> Any:
    return {"lead": "seconds", "cpu_seconds": "seconds", "parameters": "count"}.get(objective, "score")


def _all(searches: Sequence[ArmSearch]) -> tuple[str, ...]:
    return tuple(each.name(number) for each in searches for number in each.trials["number"])


def _won(searches: Sequence[ArmSearch]) -> tuple[str, ...]:
    return tuple(each.name(each.winner) for each in searches if each.winner is not None)
