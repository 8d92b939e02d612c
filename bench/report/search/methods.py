"""How the arms were tuned, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator

from bench.compare.importance import ENOUGH
from bench.report.comparison import Comparison
from bench.report.evidence import Evidence, Kind
from bench.report.lang import count, say
from bench.report.search.budget import drawn, unscored
from bench.report.search.landscape import too_few
from bench.report.searched import Searched


def search_methods(comparison: Comparison) -> list[str]:
    """Return the sentences that say how the arms were tuned; empty without a search."""
    evidence, searched = comparison.evidence, comparison.evidence.search
    if searched is None:
        return []
    return [
        *_rule(searched),
        *_repeatable(searched),
        *_units(evidence, searched),
        *outside_of_the_search(evidence, "control", "reference"),
        *_importance(searched),
        *_objectives(searched),
    ]


def outside_of_the_search(evidence: Evidence, *kinds: Kind) -> list[str]:
    """Return what configuration arms of these kinds run in; empty without a search or without them."""
    if evidence.search is None:
        return []
    found = {kind for kind in kinds if evidence.of_kind(kind)}
    if found == {"control", "reference"}:
        return [say("Controls and references are not tuned: they run in the baseline's tuned configuration.")]
    if found == {"control"}:
        return [say("Controls are not tuned: they run in the baseline's tuned configuration.")]
    if found == {"reference"}:
        return [say("References are not tuned: they run in the baseline's tuned configuration.")]
    return []


def _rule(searched: Searched) -> Iterator[str]:
    decides = searched.samplers[0]
    early = (
        say(
            " (asynchronous successive halving over the epochs of the first seed, Li et al. 2020, and a race "
            "over paired seeds stop trials early)"
        )
        if any(each.stopped for each in searched.deciding)
        else ""
    )
    yield say(
        "Every arm was tuned on validation with {trials} trials × {seeds} by {sampler}{early}; the winner is "
        "the complete trial with the best mean on validation, it was retrained to the end on {fresh}, and "
        "test was read once.",
        trials=searched.trials,
        seeds=count(searched.seeds_per_trial, "{n} seed", "{n} seeds"),
        sampler=say("random draws") if drawn(searched, decides) else decides,
        early=early,
        fresh=count(searched.confirm_seeds, "{n} fresh seed", "{n} fresh seeds"),
    )
    for sampler in searched.samplers:
        said = drawn(searched, sampler)
        if said:
            yield say(
                "The sampler {sampler} learns only after {startup} trials and proposed none: {drawn}.",
                sampler=sampler,
                startup=max(each.startup for each in searched.searches if each.sampler == sampler),
                drawn=said,
            )
    full = [s for s in searched.samplers if not any(e.pruning for e in searched.searches if e.sampler == s)]
    if full and any(each.stopped for each in searched.searches):
        yield say("Trials of {samplers} are never stopped early.", samplers=say(", ").join(full))


def _repeatable(searched: Searched) -> Iterator[str]:
    if searched.repeatable:
        yield say(
            "The trials of a search ran one after another, so the same command gives the same proposals."
        )
        return
    timed = "cpu_seconds" in searched.objectives
    lost = bool(unscored(searched.searches, "failed"))
    if timed and lost:
        yield say(
            "An objective is a time that was measured and trials failed by no fault of their configuration, "
            "so another run may propose other configurations."
        )
    elif timed:
        yield say(
            "An objective is a time that was measured, so another run may propose other configurations."
        )
    elif lost:
        yield say(
            "Trials failed by no fault of their configuration, so another run may propose other "
            "configurations."
        )
    else:
        yield say(
            "Trials of a search ran side by side or out of order, so another run may propose other "
            "configurations."
        )


def _units(evidence: Evidence, searched: Searched) -> Iterator[str]:
    if searched.repeats == 1:
        yield say(
            "There is one search an arm and one test part: the intervals speak of new seeds of the winner "
            "and contain the luck of neither."
        )
        return
    yield say("Every unit is a whole search: the intervals contain the luck of the search.")
    if not (evidence.runs["fold"] >= 0).any():
        yield say(
            "The repeats divide the same recordings at random, so their test parts overlap, and the t "
            "intervals treat them as independent: they are too narrow."
        )


def _importance(searched: Searched) -> Iterator[str]:
    few = list(dict.fromkeys(each.arm for each in too_few(searched)))
    if few:
        yield say(
            "Importance of parameters is shown only from searches with at least {enough} complete trials; "
            "fewer: {arms}.",
            enough=ENOUGH,
            arms=say(", ").join(few),
        )


def _objectives(searched: Searched) -> Iterator[str]:
    if len(searched.objectives) > 1:
        yield say(
            "The search had {n} objectives and nothing was stopped early; the winner is the best on the "
            "first one, and the other trials of the front were not retrained.",
            n=len(searched.objectives),
        )
