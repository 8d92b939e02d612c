"""What a search did and found, in plain sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from bench.report.comparison import Comparison
from bench.report.lang import count, say, template, together
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
from bench.report.searched import ArmSearch, Searched
from bench.report.table import text

ONE_TEST_PART = template(
    "One test part: n counts seeds of the retrained winners, not searches or other test parts."
)
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
    split = (
        say(" (selection {chosen}, shift {shifted})", chosen=chosen, shifted=shifted)
        if chosen and shifted
        else ""
    )
    at_random = drawn(searched, searched.samplers[0])
    tuned = say(
        "Tuned on validation: {budget} an arm by {sampler}, {share} of it spent",
        budget=given(searched),
        sampler=searched.samplers[0],
        share=range_of([share(each, searched) for each in searched.deciding]),
    )
    said = [tuned, *([at_random] if at_random else [])]
    if total:
        said.append(say("optimism {total}{split}", total=total, split=split))
    return [
        say("{sentence}.", sentence=say("; ").join(said)),
        *_failed(searched),
        *_verdicts(arms),
        say("Every unit is a whole search: n counts searches.")
        if searched.repeats > 1
        else say(ONE_TEST_PART),
    ]


def _budgets(searched: Searched) -> Iterator[str]:
    bad = [
        say("{search} ended {n} trials", search=_named(each), n=ended) for each, ended in unfinished(searched)
    ]
    bad += [say("{what} was not searched", what=what) for what in lacking(searched)]
    for each in searched.searches:
        lost = unscored([each], "failed")
        if lost:
            bad.append(
                count(
                    sum(lost.values()),
                    "{search} lost {n} trial ({kinds})",
                    "{search} lost {n} trials ({kinds})",
                    search=_named(each),
                    kinds=counted(lost),
                )
            )
    if bad:
        more = say(" and {n} more", n=len(bad) - 3) if len(bad) > 3 else ""
        yield say(
            "Budgets are NOT equal ({budget} planned): {what}{more}.",
            budget=given(searched),
            what=say("; ").join(bad[:3]),
            more=more,
        )
        return
    several = searched.repeats > 1 or len(searched.samplers) > 1
    whose = (
        template(
            "Budgets are equal: {budget} for every search; of these {epochs} epochs were spent: {spent}."
        )
        if several
        else template(
            "Budgets are equal: {budget} for every arm; of these {epochs} epochs were spent: {spent}."
        )
    )
    yield say(whose, budget=given(searched), epochs=searched.budget, spent=spending(searched))


def _named(search: ArmSearch) -> str:
    return search.name(0).rsplit("/", 1)[0]


def _failed(searched: Searched) -> Iterator[str]:
    kinds = unscored(searched.searches)
    if kinds:
        yield say(
            "Without a score: {n} of {total} trials of the search ({kinds}); none of them can win, and the "
            "table of the search says whose they are.",
            n=sum(kinds.values()),
            total=sum(len(each.trials) for each in searched.searches),
            kinds=counted(kinds),
        )


def _optimism(arms: list[Tuned]) -> Iterator[str]:
    chosen = _by_arm({arm.arm: arm.selection for arm in arms})
    if chosen:
        yield say(
            "Selection (best on validation − validation of the retrained winner): {values}.", values=chosen
        )
    shifted = _by_arm({arm.arm: arm.shift for arm in arms})
    if shifted:
        yield say("Shift (validation − test of the retrained winner): {values}.", values=shifted)
    both = _by_arm({arm.arm: arm.optimism for arm in arms})
    if both:
        yield say(
            "Optimism, both together (best on validation − test of the retrained winner): {values}.",
            values=both,
        )


def _by_arm(values: Mapping[str, float]) -> str:
    known = {arm: value for arm, value in values.items() if math.isfinite(value)}
    if len(known) > _LISTED:
        return _ends(list(known.values()))
    return together([f"{arm} {text('signed', value)}" for arm, value in known.items()])


def _ends(values: Sequence[float]) -> str:
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return ""
    low, high = text("signed", min(known)), text("signed", max(known))
    return low if low == high else say("{low} to {high}", low=low, high=high)


def _gains(arms: list[Tuned]) -> Iterator[str]:
    kept = [arm.arm for arm in arms if arm.kept]
    if kept:
        yield say(
            "The search found nothing better than what is declared for {arms}.", arms=say(", ").join(kept)
        )
    known = [arm for arm in arms if arm.difference.n and not arm.kept]
    if known and len(known) <= _LISTED:
        said = []
        for arm in known:
            interval = text("signed_interval", arm.difference.interval())
            more = f" {interval}" if math.isfinite(arm.difference.interval()[0]) else ""
            said.append(f"{arm.arm} {text('signed', arm.difference.mean)}{more}")
        yield say("Tuned minus as declared on test, with 95 % CI: {arms}.", arms=together(said))


def _verdicts(arms: list[Tuned]) -> Iterator[str]:
    both = [(arm.arm, arm.before.word, arm.after.word) for arm in arms if arm.before and arm.after]
    changed = [
        say("{arm}: {before} as declared → {after} tuned", arm=arm, before=say(before), after=say(after))
        for arm, before, after in both
        if before != after
    ]
    if changed:
        yield say(
            "Tuning changed {n} of {total} verdicts ({which}).",
            n=len(changed),
            total=len(both),
            which=say("; ").join(changed),
        )
    elif both:
        yield count(
            len(both),
            "The verdict is the same tuned as declared.",
            "All {n} verdicts are the same tuned as declared.",
        )


def _samplers(searched: Searched) -> Iterator[str]:
    for sampler in searched.samplers:
        if sampler == "random":
            continue
        median, reached, of = quicker(searched, sampler)
        if of == 0:
            continue
        facts = [
            say(
                "{sampler} needed {share} of random's epochs to reach random's best (median)",
                sampler=sampler,
                share=text("percent", median),
            )
            if math.isfinite(median)
            else say("{sampler} mostly did not reach random's best", sampler=sampler),
            say("{n} of {total} searches reached it", n=reached, total=of),
        ]
        at_random = drawn(searched, sampler)
        if at_random:
            facts.append(
                say(
                    "{drawn}, so this says nothing of what {sampler} proposes",
                    drawn=at_random,
                    sampler=sampler,
                )
            )
        facts += _stopped(searched, sampler, "random")
        yield say("On validation, {facts}.", facts=say("; ").join(facts))


def _stopped(searched: Searched, sampler: str, control: str) -> Iterator[str]:
    """Yield that one of two samplers alone stopped trials early, which saves epochs by itself."""
    early = [
        name
        for name in (sampler, control)
        if any(each.stopped for each in searched.searches if each.sampler == name)
    ]
    if len(early) == 1:
        yield say(
            "only trials of {sampler} were stopped early, which saves epochs whoever proposes",
            sampler=early[0],
        )
