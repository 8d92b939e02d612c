"""The results in plain sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bench.compare import t_interval
from bench.report.comparison import ALPHA, CEILING, SHUFFLED, ArmResult, Comparison, reachable
from bench.report.evidence import failed_runs
from bench.report.metric import readable
from bench.report.search import search_findings, search_methods, search_summary
from bench.report.table import text
from bench.report.tables import unreadable

_WORDS = ("better", "worse", "equivalent", "undecided")
_LISTED = 12  # more arms than this and only the decided ones get a sentence


def findings(comparison: Comparison) -> list[str]:
    """Return what the study found, most important first; every sentence follows from the tables."""
    return [
        *_unfinished(comparison),
        *_source(comparison),
        *_count(comparison),
        *search_findings(comparison),
        *(_arm(arm, comparison) for arm in _listed(comparison)),
        *_too_good(comparison),
        *_controls(comparison),
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
        *search_summary(comparison),
        *_too_good(comparison),
        *_controls(comparison),
        *_failures(comparison),
        *_unread(comparison),
        *_code(comparison),
    ]


def methods(comparison: Comparison) -> str:
    """Return the paragraph that says how the numbers were made."""
    evidence = comparison.evidence
    parts = [
        f"The score is {readable(evidence.metric)}, read once on the test split.",
        "Arms are compared with the baseline on the units (data, split, seed) they share; runs of one arm on "
        "one unit are averaged first, and a unit counts only where both arms have a score.",
        "Δ is the mean paired difference with its 95 % t interval; p is the two-sided sign-flip permutation "
        "test on that mean, enumerated up to 20 pairs and sampled beyond; step-down Holm adjusts over all "
        "changes and grid arms, those without a result included.",
        f"An arm is equivalent where the 90 % interval lies within ±{evidence.rope:g} (fixed before the "
        f"run), else better or worse where Holm p ≤ {ALPHA:g} and the 95 % interval excludes 0, else "
        "undecided.",
        "Controls and references are outside of the family. Failed runs are listed and enter no mean.",
    ]
    if (evidence.runs["fold"] >= 0).any() and evidence.runs["seed"].nunique() > 1:
        parts.append(
            "Seeds share their folds, so pairs are not fully independent and the t interval speaks of new "
            "seeds on these folds: read the interval by recording beside it."
        )
    if math.isfinite(comparison.ceiling):
        parts.append(f"The exact ceiling is the {CEILING}.")
    parts += search_methods(comparison)
    return " ".join(parts)


def _unfinished(comparison: Comparison) -> Iterator[str]:
    missing, cells = comparison.evidence.missing, _many(comparison.evidence.planned, "cell")
    if missing:
        have, them = ("has", "it") if missing == 1 else ("have", "them")
        yield f"Unfinished: {missing} of {cells} {have} not run; the same command runs {them}."


def _source(comparison: Comparison) -> Iterator[str]:
    if comparison.evidence.simulated:
        yield "The data are simulated: nothing here was measured on a plant."


def _count(comparison: Comparison) -> Iterator[str]:
    base = comparison.baseline
    if base.scores.empty:
        yield f"{_the_baseline(base.info.name)} has no finished run: nothing can be compared."
        return
    facts = [f"mean of {len(base.scores)} of {_many(base.planned, 'unit')}"]
    known = {"exact ceiling": comparison.ceiling, "skill": base.skill}
    facts += [f"{name} {text('score', value)}" for name, value in known.items() if math.isfinite(value)]
    yield (
        f"{_the_baseline(base.info.name)} reaches {text('score', float(base.scores.mean()))} "
        f"{readable(comparison.evidence.metric)} ({', '.join(facts)})."
    )
    if not comparison.changes:
        return
    given = [arm.verdict.word for arm in comparison.changes if arm.verdict]
    parts = [f"{given.count(word)} {word}" for word in _WORDS if word in given]
    yield f"Of {_many(len(comparison.changes), 'change')} compared with it: {', '.join(parts)}."


def _too_good(comparison: Comparison) -> Iterator[str]:
    """Say so where a score lies above what can be known from what the arm is said to see."""
    ceiling = comparison.ceiling
    above = [arm for arm in comparison.learned if t_interval(arm.scores)[0] > ceiling]
    if above:
        score = "scores" if len(above) == 1 else "score"
        yield (
            f"{_join([arm.info.name for arm in above])} {score} above the exact ceiling "
            f"({text('score', ceiling)}), which nothing honest can: look for a leak of the label."
        )


def _the_baseline(name: str) -> str:
    return "The baseline" if name == "baseline" else f"The baseline {name}"


def _listed(comparison: Comparison) -> list[ArmResult]:
    if comparison.baseline.scores.empty:
        return []
    few = len(comparison.changes) <= _LISTED
    return [a for a in comparison.changes if few or (a.verdict and a.verdict.word in ("better", "worse"))]


def _arm(arm: ArmResult, comparison: Comparison) -> str:
    pair, word = arm.paired, arm.verdict
    assert pair is not None and word is not None
    if pair.n == 0:
        return f"{arm.info.name} is undecided: no complete pair."
    facts = [f"Δ {text('signed', pair.mean)}"]
    if math.isfinite(pair.interval()[0]):
        facts.append(f"95 % CI {text('signed_interval', pair.interval())}")
    facts += [f"Holm p {_p(arm.holm)}", f"{_many(pair.n, 'pair')}"]
    phrase = {
        "better": "is better than the baseline",
        "worse": "is worse than the baseline",
        "equivalent": f"is equivalent to the baseline within ±{comparison.evidence.rope:g}",
        "undecided": "is undecided",
    }[word.word]
    fell = comparison.chance is not None and arm.fails.low > 0
    low = f"; {arm.fails.low} of {_many(arm.fails.scored, 'unit')} fell below 0.6" if fell else ""
    note = f"; {word.note}" if word.note else ""
    return f"{arm.info.name} {phrase} ({', '.join(facts)}){low}{note}."


def _controls(comparison: Comparison) -> Iterator[str]:
    off = [c.info.name for c in comparison.controls if c.contains_chance is False]
    unknown = [c.info.name for c in comparison.controls if c.contains_chance is None]
    fine = [c.info.name for c in comparison.controls if c.contains_chance]
    if off:
        intervals, do = ("interval", "does") if len(off) == 1 else ("intervals", "do")
        yield f"Warning: the {intervals} of {_join(off)} {do} not contain chance (0.5); find out why first."
    if unknown:
        stay = "stays" if len(unknown) == 1 else "stay"
        yield f"Whether {_join(unknown)} {stay} at chance cannot be told from these runs."
    if len(fine) == 1:
        yield f"The 95 % interval of {fine[0]} contains chance (0.5), as it must."
    elif fine:
        yield f"The 95 % intervals of {_join(fine)} contain chance (0.5), as they must."
    short = [g.arm for g in comparison.by_group if g.against == SHUFFLED and not g.interval.low > 0]
    if short:
        yield f"By recording, {_join(short)} cannot be told from {SHUFFLED}."


def _design(comparison: Comparison) -> Iterator[str]:
    found = [arm for arm in comparison.changes if arm.paired is not None and arm.paired.n > 0]
    if found and all(not reachable(arm.paired, len(comparison.changes)) for arm in found if arm.paired):
        yield "This design has too few pairs to call any arm better or worse; more seeds would."
    gaps = sorted(arm.gap for arm in comparison.changes if math.isfinite(arm.gap))
    if gaps:
        family = len(comparison.changes)
        span = " to ".join(dict.fromkeys(text("score", gap) for gap in (gaps[0], gaps[-1])))
        yield (
            f"With the spread seen here, the design finds a true difference of {span} with 80 % power "
            f"(paired t test at 0.05 / {family}); smaller ones may stay undecided."
        )


def _failures(comparison: Comparison) -> Iterator[str]:
    bad = failed_runs(comparison.evidence)
    total = len(comparison.evidence.runs)
    if bad.empty:
        if total and not comparison.evidence.missing:
            of = "" if comparison.evidence.search is None else " of the confirmation"
            yield f"The only run{of} finished." if total == 1 else f"All {total} runs{of} finished."
        return
    kinds = ", ".join(f"{count} {kind}" for kind, count in bad["kind"].value_counts(sort=False).items())
    listed = "it is listed and enters" if len(bad) == 1 else "they are listed and enter"
    yield f"Without a score: {len(bad)} of {_many(total, 'run')} ({kinds}); {listed} no mean."


def _unread(comparison: Comparison) -> Iterator[str]:
    if comparison.unread:
        yield unreadable(comparison)


def _code(comparison: Comparison) -> Iterator[str]:
    commits = comparison.evidence.provenance.get("commit", ())
    dirty = comparison.evidence.provenance.get("dirty", ())
    if len(commits) > 1:
        yield f"The runs come from {len(commits)} commits ({', '.join(commits)}); compare with care."
    if "yes" in dirty:
        yield f"{'Some' if len(dirty) > 1 else 'The'} runs come from uncommitted code."


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}{'s' * (count != 1)}"


def _p(value: float) -> str:
    shown = text("p", value)
    return shown if shown.startswith("<") else f"= {shown}"


def _join(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
