"""What a search did and found, in plain sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bench.compare.importance import ENOUGH
from bench.report.comparison import Comparison
from bench.report.search.budget import given, lacking, quicker, range_of, share, spending, totals, unfinished
from bench.report.search.landscape import too_few
from bench.report.search.tuning import Tuned, tuning
from bench.report.searched import Searched
from bench.report.table import text

_LISTED = 12  # more arms than this and only a range is said


def search_findings(comparison: Comparison) -> list[str]:
    """Return what the search found; empty without one."""
    searched = comparison.evidence.search
    if searched is None:
        return []
    arms = tuning(comparison)
    return [
        *_budgets(searched),
        *_optimism(arms),
        *_gains(arms),
        *_verdicts(arms),
        *_samplers(searched),
    ]


def search_summary(comparison: Comparison) -> list[str]:
    """Return the lines a terminal shows of the search; empty without one."""
    searched = comparison.evidence.search
    if searched is None:
        return []
    arms = tuning(comparison)
    gaps = [arm.optimism for arm in arms if math.isfinite(arm.optimism)]
    ends = " to ".join(dict.fromkeys(text("signed", gap) for gap in (min(gaps), max(gaps)))) if gaps else ""
    spent = range_of([share(each, searched) for each in searched.deciding])
    return [
        f"Tuned on validation: {given(searched)} an arm by {searched.samplers[0]}, {spent} of it spent"
        + (f"; optimism {ends}." if ends else "."),
        *_verdicts(arms),
    ]


def search_methods(comparison: Comparison) -> list[str]:
    """Return the sentences that say how the arms were tuned; empty without a search."""
    searched = comparison.evidence.search
    if searched is None:
        return []
    seeds = searched.seeds_per_trial
    fresh = "1 fresh seed" if searched.confirm_seeds == 1 else f"{searched.confirm_seeds} fresh seeds"
    early = (
        " (asynchronous successive halving over the epochs of the first seed, Li et al. 2020, and a race "
        "over paired seeds stop trials early)"
        if any(totals([each])["pruned"] for each in searched.deciding)
        else ""
    )
    parts = [
        f"Every arm was tuned on validation with {searched.trials} trials × {seeds} "
        f"seed{'s' * (seeds != 1)} by {searched.samplers[0]}{early}; the winner is the complete trial with "
        f"the best mean on validation, it was retrained to the end on {fresh}, and test was read once.",
        "The trials of a search ran one after another, so the same command gives the same proposals."
        if searched.repeatable
        else "Trials of a search ran side by side, so another run may propose other configurations.",
        "Every unit is a whole search: the intervals contain the luck of the search."
        if searched.repeats > 1
        else "There is one search an arm and one test part: the intervals speak of new seeds of the winner "
        "and contain the luck of neither.",
    ]
    few = list(dict.fromkeys(each.arm for each in too_few(searched)))
    if few:
        parts.append(
            f"Importance of parameters is shown only from searches with at least {ENOUGH} complete trials; "
            f"fewer: {', '.join(few)}."
        )
    if len(searched.objectives) > 1:
        parts.append(
            f"The search had {len(searched.objectives)} objectives and nothing was stopped early; the winner "
            "is the best on the first one, and the other trials of the front were not retrained."
        )
    return parts


def _budgets(searched: Searched) -> Iterator[str]:
    bad = [f"{each.name(0).rsplit('/', 1)[0]} ended {count} trials" for each, count in unfinished(searched)]
    bad += [f"{what} was not searched" for what in lacking(searched)]
    if bad:
        more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
        yield f"Budgets are NOT equal ({given(searched)} planned): {'; '.join(bad[:3])}{more}."
        return
    each = "search" if searched.repeats > 1 or len(searched.samplers) > 1 else "arm"
    yield (
        f"Budgets are equal: {given(searched)} for every {each}; of these {searched.budget} epochs were "
        f"spent: {spending(searched)}."
    )


def _optimism(arms: list[Tuned]) -> Iterator[str]:
    known = [arm for arm in arms if math.isfinite(arm.optimism)]
    if not known:
        return
    said = ", ".join(f"{arm.arm} {text('signed', arm.optimism)}" for arm in known)
    if len(known) > _LISTED:
        said = " to ".join(text("signed", f(arm.optimism for arm in known)) for f in (min, max))
    yield f"Optimism (best on validation − test of the retrained winner): {said}."


def _gains(arms: list[Tuned]) -> Iterator[str]:
    kept = [arm.arm for arm in arms if arm.kept]
    if kept:
        yield f"The search found nothing better than what is declared for {', '.join(kept)}."
    known = [arm for arm in arms if arm.difference.n and not arm.kept]
    if known and len(known) <= _LISTED:
        said = []
        for arm in known:
            interval = text("signed_interval", arm.difference.interval())
            more = f" {interval}" if math.isfinite(arm.difference.interval()[0]) else ""
            said.append(f"{arm.arm} {text('signed', arm.difference.mean)}{more}")
        yield f"Tuned minus as declared on test, with 95 % CI: {', '.join(said)}."


def _verdicts(arms: list[Tuned]) -> Iterator[str]:
    both = [(arm.arm, arm.before.word, arm.after.word) for arm in arms if arm.before and arm.after]
    changed = [
        f"{arm}: {before} as declared → {after} tuned" for arm, before, after in both if before != after
    ]
    if changed:
        yield f"Tuning changed {len(changed)} of {len(both)} verdicts ({'; '.join(changed)})."
    elif both:
        which = "The verdict is" if len(both) == 1 else f"All {len(both)} verdicts are"
        yield f"{which} the same tuned as declared."


def _samplers(searched: Searched) -> Iterator[str]:
    for sampler in searched.samplers:
        if sampler == "random":
            continue
        median, reached, of = quicker(searched, sampler)
        if of == 0:
            continue
        needed = (
            f"needed {text('percent', median)} of random's epochs to reach random's best (median)"
            if math.isfinite(median)
            else "mostly did not reach random's best"
        )
        yield f"On validation, {sampler} {needed}; {reached} of {of} searches reached it."
