"""How arms degrade when what is read at test is disturbed."""

from __future__ import annotations

from bench.report.comparison import Comparison
from bench.report.lang import retell, say, template
from bench.report.metric import readable, short
from bench.report.robust import readings
from bench.report.robust import robustness as robust
from bench.report.table import Cell, Column, Table, decimals

_BASELINE = template("baseline")


def robustness(comparison: Comparison) -> Table:
    """Return what each arm loses to each disturbance, the strengths averaged, against the baseline."""
    found = robust(comparison)
    digits = decimals((each.lost.interval()[1] - each.lost.interval()[0]) / 2 for each in found)
    columns = (
        Column("disturbance", say("Disturbance")),
        Column("arm", say("Arm")),
        Column("score", say("Score")),
        Column("n", "n", "count"),
        Column("clean", say("Clean"), "score", digits=digits),
        Column("lost", say("Disturbed − clean"), "signed", digits=digits),
        Column("interval", say("95 % CI"), "signed_interval", digits=digits),
        Column("against", say("− baseline's change"), "signed", digits=digits),
        Column("against_interval", say("95 % CI of that"), "signed_interval", digits=digits),
        Column("holm_p", say("Holm p"), "p"),
        Column("verdict", say("Verdict"), "word"),
    )
    rows = tuple(
        (
            Cell(each.name),
            Cell(each.arm),
            Cell(readable(each.column)),
            Cell(each.lost.n, each.runs),
            Cell(each.clean, each.runs),
            Cell(each.lost.mean, each.runs),
            Cell(each.lost.interval(), each.runs),
            Cell(each.against.mean if each.against else None, each.runs),
            Cell(each.against.interval() if each.against else None, each.runs),
            Cell(each.holm, each.runs),
            Cell(_word(comparison, each.arm, each.verdict.word if each.verdict else None), each.runs),
        )
        for each in found
    )
    notes = [
        say(
            "The test part of every run is read clean and disturbed; scaling, method and heads are those "
            "learnt from clean windows. Mean of all strengths, paired within runs; t intervals over units."
        ),
        say(
            "− baseline's change: above 0 the arm loses less than the baseline does; verdicts by the rule of "
            "the results (ROPE ±{rope:g}), Holm over all arms and disturbances. References get no verdict.",
            rope=comparison.evidence.rope,
        ),
    ]
    caption = say("Robustness; data: {data}", data=comparison.evidence.data)
    return Table("robustness", caption, columns, rows, tuple(notes))


def strengths(comparison: Comparison) -> Table:
    """Return the score of each arm under each disturbance at each strength."""
    found = readings(comparison)
    digits = decimals((each.lost.interval()[1] - each.lost.interval()[0]) / 2 for each in found)
    columns = (
        Column("disturbance", say("Disturbance")),
        Column("strength", say("Strength"), "score", digits=2),
        Column("worst", say("Strength 1 is"), "text"),
        Column("arm", say("Arm")),
        Column("score", say("Score")),
        Column("n", "n", "count"),
        Column("mean", short(comparison.evidence.metric), "score", digits=digits),
        Column("lost", say("Disturbed − clean"), "signed", digits=digits),
        Column("interval", say("95 % CI"), "signed_interval", digits=digits),
    )
    rows = tuple(
        (
            Cell(each.disturbed.name),
            Cell(each.disturbed.strength),
            Cell(retell(each.disturbed.worst)),
            Cell(each.arm),
            Cell(readable(each.column)),
            Cell(each.lost.n, each.runs),
            Cell(float(each.scores.mean()), each.runs),
            Cell(each.lost.mean, each.runs),
            Cell(each.lost.interval(), each.runs),
        )
        for each in found
    )
    notes = [
        say(
            "Strength 0 is the clean test part, 1 the worst that the parameters of the disturbance describe. "
            "The same recordings are disturbed in the same way in every unit."
        )
    ]
    caption = say("Strengths of disturbances; data: {data}", data=comparison.evidence.data)
    return Table("strengths", caption, columns, rows, tuple(notes))


def _word(comparison: Comparison, arm: str, word: str | None) -> str | None:
    return _BASELINE if arm == comparison.evidence.baseline else word
