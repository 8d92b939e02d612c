"""The results in plain sentences: what was better, how surely, and what could not be decided."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bench.compare import t_interval
from bench.report.besides import beside_findings
from bench.report.comparison import SHUFFLED, ArmResult, Comparison, reachable
from bench.report.evidence import failed_runs
from bench.report.generality import generality_findings
from bench.report.lang import count, join, retell, say, template, together
from bench.report.metric import readable
from bench.report.results import ALPHA
from bench.report.search import search_findings, search_summary
from bench.report.seeds import undecided
from bench.report.table import text
from bench.report.tables import ruleless, unreadable
from bench.report.warned import WarningResult

_LISTED = 12  # more arms than this and only the decided ones get a sentence
_COUNTED = {
    "better": template("{n} better"),
    "worse": template("{n} worse"),
    "equivalent": template("{n} equivalent"),
    "undecided": template("{n} undecided"),
}


def findings(comparison: Comparison) -> list[str]:
    """Return what the study found, most important first; every sentence follows from the tables."""
    return [
        *_unfinished(comparison),
        *_source(comparison),
        *_count(comparison),
        *beside_findings(comparison),
        *search_findings(comparison),
        *(_arm(arm, comparison) for arm in _listed(comparison)),
        *_overlapping(comparison),
        *generality_findings(comparison),
        *_too_good(comparison),
        *_warnings(comparison),
        *_controls(comparison),
        *undecided(comparison),
        *_design(comparison),
        *_failures(comparison),
        *_unread(comparison),
        *_code(comparison),
    ]


def summary(comparison: Comparison) -> list[str]:
    """Return the findings a terminal shows below the table: all but those on single arms and the design."""
    return [
        *_unfinished(comparison),
        *_source(comparison),
        *_count(comparison),
        *beside_findings(comparison),
        *search_summary(comparison),
        *_overlapping(comparison),
        *_too_good(comparison),
        *_controls(comparison),
        *_failures(comparison),
        *_unread(comparison),
        *_code(comparison),
    ]


def _unfinished(comparison: Comparison) -> Iterator[str]:
    missing = comparison.evidence.missing
    if missing:
        yield count(
            missing,
            "Unfinished: 1 of {cells} has not run; the same command runs it.",
            "Unfinished: {n} of {cells} have not run; the same command runs them.",
            cells=count(comparison.evidence.planned, "{n} cell", "{n} cells"),
        )


def _source(comparison: Comparison) -> Iterator[str]:
    if comparison.evidence.simulated:
        yield say("The data are simulated: nothing here was measured on a plant.")


def _count(comparison: Comparison) -> Iterator[str]:
    base = comparison.baseline
    name = _the_baseline(base.info.name)
    if base.scores.empty:
        yield say("{baseline} has no finished run: nothing can be compared.", baseline=name)
        return
    units, digits = count(base.planned, "{n} unit", "{n} units"), comparison.digits.score
    facts = [say("mean of {done} of {units}", done=len(base.scores), units=units)]
    if math.isfinite(comparison.ceiling):
        facts.append(say("exact ceiling {score}", score=text("score", comparison.ceiling, digits)))
    if math.isfinite(base.skill):
        facts.append(say("skill {score}", score=text("score", base.skill, digits)))
    yield say(
        "{baseline} reaches {score} {metric} ({facts}).",
        baseline=name,
        score=text("score", float(base.scores.mean()), digits),
        metric=readable(comparison.evidence.metric),
        facts=together(facts),
    )
    if not comparison.changes:
        return
    given = [arm.verdict.word for arm in comparison.changes if arm.verdict]
    parts = [say(said, n=given.count(word)) for word, said in _COUNTED.items() if word in given]
    yield count(
        len(comparison.changes),
        "Of 1 change compared with it: {verdicts}.",
        "Of {n} changes compared with it: {verdicts}.",
        verdicts=together(parts),
    )


def _overlapping(comparison: Comparison) -> Iterator[str]:
    """Say how many verdicts fall where units that divide the same recordings are not taken as independent."""
    decided = [
        arm.details.corrected
        for arm in comparison.changes
        if arm.verdict and arm.verdict.word in ("better", "worse") and arm.details and arm.details.corrected
    ]
    if decided:
        yield count(
            len(decided),
            "The verdict better or worse speaks of other seeds and splits of these recordings; by "
            "the corrected resampled t, which allows for training sets that overlap, {fallen} of 1 would not "
            "hold at 0.05.",
            "The verdicts better and worse speak of other seeds and splits of these recordings; by the "
            "corrected resampled t, which allows for training sets that overlap, {fallen} of {n} would not "
            "hold at 0.05.",
            fallen=sum(not found.p <= ALPHA for found in decided),
        )


def _too_good(comparison: Comparison) -> Iterator[str]:
    """Say so where a score lies above what can be known from what the arm is said to see."""
    ceiling = comparison.ceiling
    above = [arm for arm in comparison.learned if t_interval(arm.scores)[0] > ceiling]
    if above:
        yield count(
            len(above),
            "{arms} scores above the exact ceiling ({ceiling}), which nothing honest can: look for a leak of "
            "the label.",
            "{arms} score above the exact ceiling ({ceiling}), which nothing honest can: look for a leak of "
            "the label.",
            arms=join([arm.info.name for arm in above]),
            ceiling=text("score", ceiling, comparison.digits.score),
        )


def _warnings(comparison: Comparison) -> Iterator[str]:
    """Tell of the baseline's alarms from the current alone, and of what the exact posterior would give."""
    found = comparison.warnings
    if found is None:
        return
    base = comparison.baseline.info.name
    own = {each.source: each for each in found.results if each.arm == base}
    if "current" in own:
        yield say(
            "On the current alone, {baseline} warns of {warned} of the episodes (as many random alarms: "
            "{chance}), a median of {seconds} s before the video shows those it catches, with {false} false "
            "alarms an hour.",
            baseline=say("the baseline") if base == "baseline" else base,
            chance=text("percent", own["current"].chance),
            **_worth(own["current"]),
        )
    if "ceiling" in own:
        yield say(
            "Through the same rules, the exact posterior of all the current so far, which knows more than "
            "anything that hears the current, warns of {warned}, a median of {seconds} s before, with "
            "{false} an hour.",
            **_worth(own["ceiling"]),
        )
    if found.ruleless:
        yield ruleless(comparison)


def _worth(each: WarningResult) -> dict[str, str]:
    value = {name: found.value for name, found in each.values.items()}
    return {
        "warned": text("percent", value["episodes_warned"]),
        "seconds": text("score", value["warning_seconds"], 0),
        "false": text("score", value["false_alarms_per_hour"], 2),
    }


def _the_baseline(name: str) -> str:
    return say("The baseline") if name == "baseline" else say("The baseline {name}", name=name)


def _listed(comparison: Comparison) -> list[ArmResult]:
    if comparison.baseline.scores.empty:
        return []
    few = len(comparison.changes) <= _LISTED
    return [a for a in comparison.changes if few or (a.verdict and a.verdict.word in ("better", "worse"))]


def _arm(arm: ArmResult, comparison: Comparison) -> str:
    pair, word = arm.paired, arm.verdict
    assert pair is not None and word is not None
    name, digits = arm.info.name, comparison.digits.difference
    if pair.n == 0:
        return say("{arm} is undecided: no complete pair.", arm=name)
    facts = [f"Δ {text('signed', pair.mean, digits)}"]
    if math.isfinite(pair.interval()[0]):
        facts.append(say("95 % CI {interval}", interval=text("signed_interval", pair.interval(), digits)))
    facts += [say("Holm p {p}", p=_p(arm.holm)), count(pair.n, "{n} pair", "{n} pairs")]
    found = {
        "better": say("{arm} is better than the baseline", arm=name),
        "worse": say("{arm} is worse than the baseline", arm=name),
        "equivalent": say(
            "{arm} is equivalent to the baseline within ±{rope:g}", arm=name, rope=comparison.evidence.rope
        ),
        "undecided": say("{arm} is undecided", arm=name),
    }[word.word]
    said = [say("{finding} ({facts})", finding=found, facts=together(facts))]
    if comparison.chance is not None and arm.fails.low > 0:
        units = count(arm.fails.scored, "{n} unit", "{n} units")
        said.append(say("{low} of {units} fell below 0.6", low=arm.fails.low, units=units))
    if word.note:
        said.append(retell(word.note))
    return say("{sentence}.", sentence=say("; ").join(said))


def _controls(comparison: Comparison) -> Iterator[str]:
    off = [c.info.name for c in comparison.controls if c.contains_chance is False]
    unknown = [c.info.name for c in comparison.controls if c.contains_chance is None]
    fine = [c.info.name for c in comparison.controls if c.contains_chance]
    if off:
        yield count(
            len(off),
            "Warning: the interval of {arms} does not contain chance (0.5); find out why first.",
            "Warning: the intervals of {arms} do not contain chance (0.5); find out why first.",
            arms=join(off),
        )
    if unknown:
        yield count(
            len(unknown),
            "Whether {arms} stays at chance cannot be told from these runs.",
            "Whether {arms} stay at chance cannot be told from these runs.",
            arms=join(unknown),
        )
    if fine:
        yield count(
            len(fine),
            "The 95 % interval of {arms} contains chance (0.5), as it must.",
            "The 95 % intervals of {arms} contain chance (0.5), as they must.",
            arms=join(fine),
        )
    short = [g.arm for g in comparison.by_group if g.against == SHUFFLED and not g.interval.low > 0]
    if short:
        yield say("By recording, {arms} cannot be told from {control}.", arms=join(short), control=SHUFFLED)


def _design(comparison: Comparison) -> Iterator[str]:
    found = [arm for arm in comparison.changes if arm.paired is not None and arm.paired.n > 0]
    if found and all(not reachable(arm.paired, len(comparison.changes)) for arm in found if arm.paired):
        yield say("This design has too few pairs to call any arm better or worse; more seeds would.")
    gaps = sorted(arm.gap for arm in comparison.changes if math.isfinite(arm.gap))
    if gaps:
        low, high = (text("score", gap, comparison.digits.difference) for gap in (gaps[0], gaps[-1]))
        yield count(
            len(comparison.changes),
            "With the spread seen here, the design finds a true difference of {gaps} with 80 % power (by the "
            "rules of the verdict, 1 comparison); smaller ones may stay undecided.",
            "With the spread seen here, the design finds a true difference of {gaps} with 80 % power (by the "
            "rules of the verdict, {n} comparisons); smaller ones may stay undecided.",
            gaps=low if low == high else say("{low} to {high}", low=low, high=high),
        )


def _failures(comparison: Comparison) -> Iterator[str]:
    bad = failed_runs(comparison.evidence)
    total = len(comparison.evidence.runs)
    if bad.empty:
        if total and not comparison.evidence.missing:
            yield (
                count(total, "The only run finished.", "All {n} runs finished.")
                if comparison.evidence.search is None
                else count(
                    total,
                    "The only run of the confirmation finished.",
                    "All {n} runs of the confirmation finished.",
                )
            )
        return
    kinds = [
        say("{n} {kind}", n=number, kind=retell(str(kind)))
        for kind, number in bad["kind"].value_counts(sort=False).items()
    ]
    yield count(
        len(bad),
        "Without a score: 1 of {runs} ({kinds}); it is listed and enters no mean.",
        "Without a score: {n} of {runs} ({kinds}); they are listed and enter no mean.",
        runs=count(total, "{n} run", "{n} runs"),
        kinds=together(kinds),
    )


def _unread(comparison: Comparison) -> Iterator[str]:
    if comparison.unread:
        yield unreadable(comparison)


def _code(comparison: Comparison) -> Iterator[str]:
    commits = comparison.evidence.provenance.get("commit", ())
    dirty = comparison.evidence.provenance.get("dirty", ())
    if len(commits) > 1:
        yield say(
            "The runs come from {n} commits ({commits}); compare with care.",
            n=len(commits),
            commits=say(", ").join(commits),
        )
    if "yes" in dirty:
        yield (
            say("Some runs come from uncommitted code.")
            if len(dirty) > 1
            else say("The runs come from uncommitted code.")
        )


def _p(value: float) -> str:
    shown = text("p", value)
    return shown if shown.startswith("<") else f"= {shown}"
