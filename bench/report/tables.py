"""The tables of a report, each from the same comparison."""

from __future__ import annotations

from dataclasses import replace

from bench.report.comparison import CEILING, ArmResult, Comparison
from bench.report.evidence import DONE, failed_runs
from bench.report.metric import readable, short
from bench.report.search import ONE_TEST_PART, outside_of_the_search, search_tables
from bench.report.table import Cell, Column, Table

_COUNT_SEEDS = ("results", "tuning")


def tables(comparison: Comparison) -> list[Table]:
    """Return all tables that have a row, in reading order."""
    made = [results(comparison), controls(comparison), references(comparison), by_group(comparison)]
    made += [failures(comparison), cost(comparison)]
    made[1:1] = search_tables(comparison)
    return [marked(made[0], comparison), *(marked(table, comparison) for table in made[1:] if table.rows)]


def marked(table: Table, comparison: Comparison) -> Table:
    """Return the table with a caption that says what a unit is, after a search."""
    search = comparison.evidence.search
    if search is None or (search.repeats == 1 and table.key not in _COUNT_SEEDS):
        return table
    unit = "every unit is a whole search" if search.repeats > 1 else "one test part, n counts seeds"
    return replace(table, caption=f"{table.caption}; {unit}")


def results(comparison: Comparison) -> Table:
    """Return the table of a study: the baseline and every change against it."""
    evidence, score = comparison.evidence, short(comparison.evidence.metric)
    columns = (
        Column("arm", "Arm"),
        Column("change", "Change"),
        Column("n", "n", "share"),
        Column("mean", score, "score"),
        Column("sd", "SD", "score"),
        Column("auroc", "AUROC", "score"),
        Column("difference", "Δ", "signed"),
        Column("interval", "95 % CI of Δ", "signed_interval"),
        Column("p", "p", "p"),
        Column("holm_p", "Holm p", "p"),
        Column("wins", "Wins", "percent"),
        Column("verdict", "Verdict"),
        Column("low", "< 0.6", "share"),
        Column("failed", "Failed runs", "count"),
        Column("skill", "Skill", "score"),
        Column("cpu", "CPU s", "seconds"),
        Column("p_error", "Monte Carlo error of p", "score", detail=True),
        Column("t_p", "t test p", "p", detail=True),
        Column("d_z", "d_z", "signed", detail=True),
        Column("median", "Median", "score", detail=True),
        Column("detectable_gap", "Detectable gap", "score", detail=True),
        Column("note", "Note", detail=True),
    )
    rows = tuple(_result_row(arm, comparison) for arm in comparison.learned)
    family = len(comparison.changes)
    notes = [
        f"{score}: {readable(evidence.metric)}, mean and SD over units (n: complete pairs / planned units). "
        "Δ: arm − baseline on complete pairs; t interval, sign-flip p, step-down Holm over "
        f"{family} comparison{'s' * (family != 1)}; ROPE ±{evidence.rope:g}. "
        "Wins: share of pairs won, ties half.",
        "< 0.6: units scored below 0.6. Failed runs enter no mean. CPU s: mean of a finished run.",
    ]
    if evidence.simulated and any(arm.skill == arm.skill for arm in comparison.learned):
        notes.append(f"Skill: (BA − 0.5) / (exact ceiling − 0.5), unit by unit; exact ceiling: {CEILING}.")
    if evidence.search is not None and not evidence.whole_searches:
        notes.append(ONE_TEST_PART)
    said = [(arm.info.name, arm.verdict.note) for arm in comparison.changes if arm.verdict]
    notes += [f"{name}: {note}." for name, note in said if note]
    notes += [f"{arm.info.name}: {arm.info.note}" for arm in comparison.learned if arm.info.note]
    caption = f"{evidence.study}: {readable(evidence.metric)}; data: {evidence.data}"
    return Table("results", caption, columns, rows, tuple(notes))


def _result_row(arm: ArmResult, comparison: Comparison) -> tuple[Cell, ...]:
    own, both, pair = arm.runs, arm.paired_runs, arm.paired
    chance_like = comparison.chance is not None
    done = len(arm.scores)
    return (
        Cell(arm.info.name),
        Cell(arm.info.change),
        Cell((done, arm.planned), own),
        Cell(float(arm.scores.mean()), own),
        Cell(float(arm.scores.std(ddof=1)), own),
        Cell(arm.auroc, own),
        Cell(pair.mean if pair else None, both),
        Cell(pair.interval() if pair else None, both),
        Cell(pair.sign_flip.p if pair else None, both),
        Cell(arm.holm, both),
        Cell(pair.win_rate if pair else None, both),
        Cell(arm.verdict.word if arm.verdict else "baseline", both),
        Cell((arm.fails.low, arm.fails.scored) if chance_like and arm.fails.scored else None, own),
        Cell(arm.fails.failed),
        Cell(arm.skill, own),
        Cell(arm.cpu_seconds, own),
        Cell(pair.sign_flip.error if pair else None, both),
        Cell(pair.t_p if pair else None, both),
        Cell(pair.d_z if pair else None, both),
        Cell(float(arm.scores.median()), own),
        Cell(arm.gap, both),
        Cell(arm.verdict.note if arm.verdict else "", both),
    )


def controls(comparison: Comparison) -> Table:
    """Return the controls, which must stay at chance."""
    score = short(comparison.evidence.metric)
    columns = (
        Column("control", "Control"),
        Column("change", "Change"),
        Column("n", "n", "share"),
        Column("mean", score, "score"),
        Column("interval", "95 % CI", "interval"),
        Column("chance", "Contains chance"),
        Column("auroc", "AUROC", "score"),
        Column("failed", "Failed runs", "count"),
    )
    words = {True: "yes", False: "NO", None: "cannot tell"}
    rows = tuple(
        (
            Cell(c.info.name),
            Cell(c.info.change),
            Cell((len(c.scores), c.planned), c.runs),
            Cell(float(c.scores.mean()), c.runs),
            Cell(c.interval, c.runs),
            Cell(words[c.contains_chance], c.runs),
            Cell(c.auroc, c.runs),
            Cell(c.fails.failed),
        )
        for c in comparison.controls
    )
    notes = ["Runs of one unit (permutations) are averaged first; t interval over units. Chance is 0.5."]
    notes += outside_of_the_search(comparison.evidence, "control")
    return Table("controls", f"Controls; data: {comparison.evidence.data}", columns, rows, tuple(notes))


def references(comparison: Comparison) -> Table:
    """Return references and ceilings, and the baseline minus each."""
    columns = (
        Column("reference", "Reference"),
        Column("what", "What it is"),
        Column("score", "Score"),
        Column("n", "n", "share"),
        Column("mean", "Mean", "score"),
        Column("sd", "SD", "score"),
        Column("difference", "Baseline − it", "signed"),
        Column("interval", "95 % CI", "signed_interval"),
    )
    rows = tuple(
        (
            Cell(r.name),
            Cell(r.what),
            Cell(readable(r.column)),
            Cell((len(r.scores), r.planned), r.runs),
            Cell(float(r.scores.mean()), r.runs),
            Cell(float(r.scores.std(ddof=1)), r.runs),
            Cell(r.difference.mean, r.paired_runs),
            Cell(r.difference.interval(), r.paired_runs),
        )
        for r in comparison.references
    )
    name, metric = comparison.baseline.info.name, readable(comparison.evidence.metric)
    notes = [f"Differences: {metric} of {name} minus the score named, on shared units."]
    notes += outside_of_the_search(comparison.evidence, "reference")
    caption = f"References and ceilings; data: {comparison.evidence.data}"
    return Table("references", caption, columns, rows, tuple(notes))


def by_group(comparison: Comparison) -> Table:
    """Return AUROC differences with recordings resampled whole."""
    columns = (
        Column("arm", "Arm"),
        Column("against", "Minus"),
        Column("units", "Units", "count"),
        Column("groups", "Recordings", "count"),
        Column("difference", "AUROC difference", "signed"),
        Column("interval", "95 % CI by recording", "signed_interval"),
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
    new = "searches" if comparison.evidence.whole_searches else "seeds"
    notes = [
        "Paired bootstrap, 2000 draws: a draw resamples the recordings of a fold once for all its units. "
        f"It speaks of new recordings, the t interval over units of new {new}."
    ]
    if comparison.unread:
        notes.append(unreadable(comparison))
    caption = f"AUROC by recording; data: {comparison.evidence.data}"
    return Table("by_group", caption, columns, rows, tuple(notes))


def unreadable(comparison: Comparison) -> str:
    """Return the sentence that says how many runs the comparison by recording lacks."""
    count = len(comparison.unread)
    runs, them = ("1 run", "it is") if count == 1 else (f"{count} runs", "they are")
    return f"The predictions of {runs} could not be read; {them} left out of the comparison by recording."


def failures(comparison: Comparison) -> Table:
    """Return the runs without a score: kind, count and message."""
    columns = (
        Column("arm", "Arm"),
        Column("kind", "Kind"),
        Column("count", "Runs", "count"),
        Column("message", "Message"),
    )
    found = failed_runs(comparison.evidence).groupby(["arm", "kind", "message"], sort=False)["key"]
    rows = tuple(
        (Cell(str(arm)), Cell(str(kind)), Cell(len(keys), tuple(keys)), Cell(str(message)))
        for (arm, kind, message), keys in found
    )
    return Table("failures", f"Failed runs; data: {comparison.evidence.data}", columns, rows)


def cost(comparison: Comparison) -> Table:
    """Return what each arm has cost, failed runs included."""
    runs = comparison.evidence.runs
    columns = (
        Column("arm", "Arm"),
        Column("runs", "Runs", "count"),
        Column("done", "Done", "count"),
        Column("cpu", "CPU s, total", "seconds"),
        Column("wall", "Wall s, total", "seconds"),
    )

    def row(name: str, of: object) -> tuple[Cell, ...]:
        rows = runs if of is None else runs[runs["arm"] == of]
        keys = tuple(rows["key"])
        spent = [
            float(rows[column].sum(min_count=1)) if column in rows else None
            for column in ("cost.cpu_seconds", "cost.wall_seconds")
        ]
        done = int((rows["outcome"] == DONE).sum())
        return Cell(name), Cell(len(rows), keys), Cell(done, keys), *(Cell(value, keys) for value in spent)

    present = [arm.name for arm in comparison.evidence.arms if (runs["arm"] == arm.name).any()]
    rows = [row(name, name) for name in present]
    if len(rows) > 1:
        rows.append(row("all", None))
    return Table("cost", f"Cost; data: {comparison.evidence.data}", columns, tuple(rows))
