"""The table of a study: the baseline and every change against it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from bench.report.comparison import CEILING, ArmResult, Comparison
from bench.report.evidence import Evidence, failed_runs
from bench.report.lang import count, join, retell, say, template
from bench.report.metric import readable, short
from bench.report.search import ONE_TEST_PART
from bench.report.table import Cell, Column, Table, Value

_LISTED = 12  # more arms with one note than this and only their number is said
_BASELINE = template("baseline")
_KEEPS = {True: template("yes"), False: template("no")}
_COLUMNS = (
    Column("arm", template("Arm")),
    Column("change", template("Change")),
    Column("n", "n", "share"),
    Column("mean", "{score}", "score"),
    Column("sd", template("SD"), "score"),
    Column("auroc", "AUROC", "score"),
    Column("difference", "Δ", "signed"),
    Column("interval", template("95 % CI of Δ"), "signed_interval"),
    Column("d_z", "d_z", "signed"),
    Column("p", "p", "p"),
    Column("holm_p", template("Holm p"), "p"),
    Column("wins", template("Wins"), "percent"),
    Column("verdict", template("Verdict"), "word"),
    Column("worst_case", template("Worst case of Δ"), "signed_interval"),
    Column("seeds_needed", template("Units to decide"), "count"),
    Column("low", "< 0.6", "share"),
    Column("failed", template("Failed runs"), "count"),
    Column("skill", template("Skill"), "score"),
    Column("cpu", template("CPU s"), "seconds"),
    Column("warned", template("Episodes warned"), "percent", detail=True),
    Column("caught", template("Episodes caught"), "percent", detail=True),
    Column("warning", template("Warning, s"), "score", detail=True),
    Column("earlier", template("Before the video's own, s"), "score", detail=True),
    Column("false_alarms", template("False alarms/h"), "score", detail=True),
    Column("p_error", template("Monte Carlo error of p"), "p", detail=True),
    Column("t_p", template("t test p"), "p", detail=True),
    Column("wilcoxon_p", template("Wilcoxon p"), "p", detail=True),
    Column("exploratory_p", template("Benjamini-Hochberg p"), "p", detail=True),
    Column("corrected_p", template("Corrected t p"), "p", detail=True),
    Column("corrected_interval", template("Corrected 95 % CI of Δ"), "signed_interval", detail=True),
    Column("flipped_interval", template("Sign-flip 95 % CI of Δ"), "signed_interval", detail=True),
    Column("median", template("Median"), "score", detail=True),
    Column("median_difference", template("Median Δ"), "signed", detail=True),
    Column("walsh", template("Hodges-Lehmann Δ"), "signed", detail=True),
    Column("walsh_interval", template("Signed-rank 95 % CI"), "signed_interval", detail=True),
    Column("d_z_interval", template("95 % CI of d_z"), "signed_interval", detail=True),
    Column("wins_interval", template("95 % CI of wins"), "percent_interval", detail=True),
    Column("low_interval", template("95 % CI of the share below 0.6"), "percent_interval", detail=True),
    Column("equivalence_p", template("Equivalence (TOST) p"), "p", detail=True),
    Column("rope_worse", template("P(worse)"), "percent", detail=True),
    Column("rope_equivalent", template("P(equivalent)"), "percent", detail=True),
    Column("rope_better", template("P(better)"), "percent", detail=True),
    Column("worst_keeps", template("Verdict stands in the worst case"), "word", detail=True),
    Column("detectable_gap", template("Detectable gap"), "score", detail=True),
    Column("note", template("Note"), detail=True),
)
COLUMNS = tuple(column.key for column in _COLUMNS)
"""What a study may name in ``report: {columns: [...]}``."""
_DIFFERENCES = (
    "difference", "interval", "worst_case", "corrected_interval", "flipped_interval", "median_difference",
    "walsh", "walsh_interval", "detectable_gap",
)  # fmt: skip
_EFFECTS = ("d_z", "d_z_interval")  # standardised: two decimals say it all
_PLACES = {**dict.fromkeys(_EFFECTS, 2), "warning": 0, "earlier": 0, "false_alarms": 2}
_WARNINGS = {
    "warned": "episodes_warned",
    "caught": "episodes_caught",
    "warning": "warning_seconds",
    "earlier": "earlier_than_video",
    "false_alarms": "false_alarms_per_hour",
}


def results(comparison: Comparison) -> Table:
    """Return the results, with the columns that the study asks for and all others as details."""
    evidence = comparison.evidence
    failed = failed_runs(evidence).groupby("arm", sort=False)["key"].agg(tuple)
    found = [_row(arm, comparison, failed.get(arm.info.name, ())) for arm in comparison.learned]
    rows = tuple(tuple(row[key] for key in COLUMNS) for row in found)
    caption = say(
        "{study}: {metric}; data: {data}",
        study=evidence.study,
        metric=readable(evidence.metric),
        data=evidence.data,
    )
    table = Table("results", caption, tuple(_columns(comparison)), rows, tuple(_notes(comparison)))
    return table.choose(evidence.columns)


def _columns(comparison: Comparison) -> Iterator[Column]:
    digits = comparison.digits
    for column in _COLUMNS:
        places = _PLACES.get(column.key, digits.score)
        places = digits.difference if column.key in _DIFFERENCES else places
        title = short(comparison.evidence.metric) if column.key == "mean" else say(column.title).strip()
        twice = column.key == "auroc" and column.title == short(comparison.evidence.metric)
        yield replace(column, title=title, digits=places, detail=column.detail or twice)


def _row(arm: ArmResult, comparison: Comparison, failed: tuple[str, ...]) -> dict[str, Cell]:
    """Return the cells of an arm by column; ``failed`` are its runs without a score."""
    own, both = arm.runs, arm.paired_runs
    chance_like = comparison.chance is not None and arm.fails.scored > 0
    mine: dict[str, Value] = {
        "n": (len(arm.scores), arm.planned),
        "mean": float(arm.scores.mean()),
        "sd": float(arm.scores.std(ddof=1)) if len(arm.scores) > 1 else None,
        "auroc": arm.auroc,
        "low": (arm.fails.low, arm.fails.scored) if chance_like else None,
        "skill": arm.skill,
        "cpu": arm.cpu_seconds,
        "median": float(arm.scores.median()),
        **{key: arm.warnings.get(measure) for key, measure in _WARNINGS.items()},
        "low_interval": arm.fails.interval() if chance_like else None,
    }
    found = {key: Cell(value, own) for key, value in mine.items()}
    found |= {key: Cell(value, both) for key, value in _against_baseline(arm).items()}
    return found | {
        "arm": Cell(arm.info.name),
        "change": Cell(retell(arm.info.change)),
        "failed": Cell(arm.fails.failed, failed),
        "mean": replace(found["mean"], strong=arm.best),
    }


def _against_baseline(arm: ArmResult) -> dict[str, Value]:
    pair, more = arm.paired, arm.details
    if pair is None or more is None:
        plain: dict[str, Value] = dict.fromkeys(_TESTED)
        return {**plain, "verdict": _BASELINE, "note": ""}
    corrected, worst = more.corrected, more.worst
    word = arm.verdict.word if arm.verdict else None
    return {
        "difference": pair.mean,
        "interval": pair.interval(),
        "d_z": pair.d_z,
        "p": pair.sign_flip.p,
        "holm_p": arm.holm,
        "wins": pair.win_rate,
        "verdict": word,
        "worst_case": (worst.low, worst.high) if worst else None,
        "seeds_needed": arm.seeds_needed,
        "p_error": pair.sign_flip.error,
        "t_p": pair.t_p,
        "wilcoxon_p": more.wilcoxon.p,
        "exploratory_p": more.exploratory,
        "corrected_p": corrected.p if corrected else None,
        "corrected_interval": (corrected.low, corrected.high) if corrected else None,
        "flipped_interval": more.flipped,
        "median_difference": pair.median,
        "walsh": more.walsh[0],
        "walsh_interval": more.walsh[1:],
        "d_z_interval": more.effect,
        "wins_interval": more.wins,
        "equivalence_p": more.tost,
        "rope_worse": more.rope.worse,
        "rope_equivalent": more.rope.equivalent,
        "rope_better": more.rope.better,
        "worst_keeps": _KEEPS[worst.keeps(word)] if worst and word else None,
        "detectable_gap": arm.gap,
        "note": retell(arm.verdict.note) if arm.verdict else "",
    }


_TESTED = (
    "difference", "interval", "d_z", "p", "holm_p", "wins", "verdict", "worst_case", "seeds_needed",
    "p_error", "t_p", "wilcoxon_p", "exploratory_p", "corrected_p", "corrected_interval",
    "flipped_interval", "median_difference", "walsh", "walsh_interval", "d_z_interval", "wins_interval",
    "equivalence_p", "rope_worse", "rope_equivalent", "rope_better", "worst_keeps", "detectable_gap", "note",
)  # fmt: skip


def _notes(comparison: Comparison) -> Iterator[str]:
    evidence, score = comparison.evidence, short(comparison.evidence.metric)
    yield count(
        len(comparison.changes),
        "{score}: {metric}, mean and SD over units (n: complete pairs / planned units). "
        "Δ: arm − baseline on complete pairs; t interval, sign-flip p, step-down Holm over 1 comparison; "
        "ROPE ±{rope:g}. Wins: share of pairs won, ties half.",
        "{score}: {metric}, mean and SD over units (n: complete pairs / planned units). "
        "Δ: arm − baseline on complete pairs; t interval, sign-flip p, step-down Holm over {n} comparisons; "
        "ROPE ±{rope:g}. Wins: share of pairs won, ties half.",
        score=score,
        metric=readable(evidence.metric),
        rope=evidence.rope,
    )
    yield say("< 0.6: units scored below 0.6. Failed runs enter no mean. CPU s: mean of a finished run.")
    yield from _bold(comparison)
    yield from _gaps(comparison)
    if any(arm.seeds_needed is not None for arm in comparison.changes):
        yield say(
            "Units to decide: paired units that would find a true difference of {rope:g} with 80 % power, "
            "given the spread seen here.",
            rope=evidence.rope,
        )
    if evidence.simulated and any(arm.skill == arm.skill for arm in comparison.learned):
        yield say(
            "Skill: (BA − 0.5) / (exact ceiling − 0.5), unit by unit; exact ceiling: {ceiling}.",
            ceiling=say(CEILING),
        )
    yield from _overlap(evidence)
    if evidence.search is not None and not evidence.whole_searches:
        yield say(ONE_TEST_PART)
    verdicts = [(arm.info.name, arm.verdict.note if arm.verdict else "") for arm in comparison.changes]
    for arms, note in folded(verdicts):
        yield say("{arm}: {note}.", arm=arms, note=retell(note))
    for arms, note in folded((arm.info.name, arm.info.note) for arm in comparison.learned):
        yield say("{arm}: {note}", arm=arms, note=retell(note))


def folded(told: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield each note once, with the arms it is on: their names, or how many where they are many.

    ``report.csv`` has the notes arm by arm.
    """
    by_note: dict[str, list[str]] = {}
    for arm, note in told:
        by_note.setdefault(note, []).append(arm)
    for note, arms in by_note.items():
        if note:
            yield join(arms) if len(arms) <= _LISTED else say("{n} arms", n=len(arms)), note


def _bold(comparison: Comparison) -> Iterator[str]:
    bold = sum(arm.best for arm in comparison.learned)
    able = sum(len(arm.scores) > 1 for arm in comparison.learned)
    if bold and bold == able:
        yield say("Bold: the best arms; the test tells none of them from the best (Holm over comparisons "
                  "with it).")  # fmt: skip
    elif bold:
        yield say("Bold: the best arm, and those that the test does not tell apart from it (Holm over "
                  "comparisons with it).")  # fmt: skip


def _gaps(comparison: Comparison) -> Iterator[str]:
    held = [arm.details.worst for arm in comparison.changes if arm.details and arm.details.worst]
    if held:
        yield say(
            "Worst case of Δ: the least and the most it could be had the missing pairs gone as badly or as "
            "well as a score can (bounds, no interval)."
        )


def _overlap(evidence: Evidence) -> Iterator[str]:
    if evidence.overlap and all(map(math.isfinite, evidence.overlap)):
        yield say(
            "Units divide the same recordings, so their training sets overlap: report.csv has the corrected "
            "resampled t (train {train:.0%}, test {test:.0%} of the recordings) beside the t interval.",
            train=evidence.overlap[0],
            test=evidence.overlap[1],
        )
