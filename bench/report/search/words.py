"""What a search did and found, in plain sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from bench.report.comparison import Comparison
from bench.report.search.budget import (
    counted,
    drawn,
    given,
    lacking,
    quicker,
    range_of,
    share,
    spending,
    unfinished,
    unscored,
)
from bench.report.search.tuning import Tuned, tuning
from bench.report.searched import Searched
from bench.report.table import text

ONE_TEST_PART = "One test part: n counts seeds of the retrained winners, not searches or other test parts."
_LISTED = 12  # more arms than this and only a range is said


def search_findings(comparison: Comparison) -> list[str]:
    """Return what the search found; empty without one."""
    searched = comparison.evidence.search
    if searched is None:
        return []
    arms = tuning(comparison)
    return [
        *_budgets(searched),
        *_failed(searched),
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
    total, chosen, shifted = (
        _ends([getattr(arm, name) for arm in arms]) for name in ("optimism", "selection", "shift")
    )
    split = f" (selection {chosen}, shift {shifted})" if chosen and shifted else ""
    spent = range_of([share(each, searched) for each in searched.deciding])
    at_random = drawn(searched, searched.samplers[0])
    return [
        f"Tuned on validation: {given(searched)} an arm by {searched.samplers[0]}, {spent} of it spent"
        + (f"; {at_random}" if at_random else "")
        + (f"; optimism {total}{split}." if total else "."),
        *_failed(searched),
        *_verdicts(arms),
        "Every unit is a whole search: n counts searches." if searched.repeats > 1 else ONE_TEST_PART,
    ]


def _budgets(searched: Searched) -> Iterator[str]:
    bad = [f"{each.name(0).rsplit('/', 1)[0]} ended {count} trials" for each, count in unfinished(searched)]
    bad += [f"{what} was not searched" for what in lacking(searched)]
    for each in searched.searches:
        lost = unscored([each], "failed")
        if lost:
            count = sum(lost.values())
            name = each.name(0).rsplit("/", 1)[0]
            bad.append(f"{name} lost {count} trial{'s' * (count != 1)} ({counted(lost)})")
    if bad:
        more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
        yield f"Budgets are NOT equal ({given(searched)} planned): {'; '.join(bad[:3])}{more}."
        return
    of = "search" if searched.repeats > 1 or len(searched.samplers) > 1 else "arm"
    yield (
        f"Budgets are equal: {given(searched)} for every {of}; of these {searched.budget} epochs were "
        f"spent: {spending(searched)}."
    )


def _failed(searched: Searched) -> Iterator[str]:
    kinds = unscored(searched.searches)
    if kinds:
        total = sum(len(each.trials) for each in searched.searches)
        yield (
            f"Without a score: {sum(kinds.values())} of {total} trials of the search ({counted(kinds)}); "
            "none of them can win, and the table of the search says whose they are."
        )


def _optimism(arms: list[Tuned]) -> Iterator[str]:
    chosen = _by_arm({arm.arm: arm.selection for arm in arms})
    if chosen:
        yield f"Selection (best on validation − validation of the retrained winner): {chosen}."
    shifted = _by_arm({arm.arm: arm.shift for arm in arms})
    if shifted:
        yield f"Shift (validation − test of the retrained winner): {shifted}."
    both = _by_arm({arm.arm: arm.optimism for arm in arms})
    if both:
        yield f"Optimism, both together (best on validation − test of the retrained winner): {both}."


def _by_arm(values: Mapping[str, float]) -> str:
    known = {arm: value for arm, value in values.items() if math.isfinite(value)}
    if len(known) > _LISTED:
        return _ends(list(known.values()))
    return ", ".join(f"{arm} {text('signed', value)}" for arm, value in known.items())


def _ends(values: Sequence[float]) -> str:
    known = [value for value in values if math.isfinite(value)]
    return " to ".join(dict.fromkeys(text("signed", f(known)) for f in (min, max))) if known else ""


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
        facts = [f"{sampler} {needed}", f"{reached} of {of} searches reached it"]
        at_random = drawn(searched, sampler)
        if at_random:
            facts.append(f"{at_random}, so this says nothing of what {sampler} proposes")
        facts += _stopped(searched, sampler, "random")
        yield f"On validation, {'; '.join(facts)}."


def _stopped(searched: Searched, sampler: str, control: str) -> Iterator[str]:
    """Yield that one of two samplers alone stopped trials early, which saves epochs by itself."""
    early = [
        name
        for name in (sampler, control)
        if any(each.stopped for each in searched.searches if each.sampler == name)
    ]
    if len(early) == 1:
        yield f"only trials of {early[0]} were stopped early, which saves epochs whoever proposes"
