"""How the arms were tuned, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator

from bench.compare.importance import ENOUGH
from bench.report.comparison import Comparison
from bench.report.evidence import Evidence, Kind
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
    named = [f"{kind}s" for kind in kinds if evidence.of_kind(kind)]
    if evidence.search is None or not named:
        return []
    return [
        f"{' and '.join(named).capitalize()} are not tuned: they run in the baseline's tuned configuration."
    ]


def _rule(searched: Searched) -> Iterator[str]:
    seeds, decides = searched.seeds_per_trial, searched.samplers[0]
    fresh = "1 fresh seed" if searched.confirm_seeds == 1 else f"{searched.confirm_seeds} fresh seeds"
    early = (
        " (asynchronous successive halving over the epochs of the first seed, Li et al. 2020, and a race "
        "over paired seeds stop trials early)"
        if any(each.stopped for each in searched.deciding)
        else ""
    )
    at_random = drawn(searched, decides)
    yield (
        f"Every arm was tuned on validation with {searched.trials} trials × {seeds} "
        f"seed{'s' * (seeds != 1)} by {'random draws' if at_random else decides}{early}; the winner is the "
        f"complete trial with the best mean on validation, it was retrained to the end on {fresh}, and test "
        "was read once."
    )
    for sampler in searched.samplers:
        said = drawn(searched, sampler)
        if said:
            startup = max(each.startup for each in searched.searches if each.sampler == sampler)
            yield f"The sampler {sampler} learns only after {startup} trials and proposed none: {said}."
    full = [s for s in searched.samplers if not any(e.pruning for e in searched.searches if e.sampler == s)]
    if full and any(each.stopped for each in searched.searches):
        yield f"Trials of {', '.join(full)} are never stopped early."


def _repeatable(searched: Searched) -> Iterator[str]:
    if searched.repeatable:
        yield "The trials of a search ran one after another, so the same command gives the same proposals."
        return
    reasons = []
    if "cpu_seconds" in searched.objectives:
        reasons.append("an objective is a time that was measured")
    if unscored(searched.searches, "failed"):
        reasons.append("trials failed by no fault of their configuration")
    why = " and ".join(reasons) or "Trials of a search ran side by side or out of order"
    yield f"{why[0].upper()}{why[1:]}, so another run may propose other configurations."


def _units(evidence: Evidence, searched: Searched) -> Iterator[str]:
    if searched.repeats == 1:
        yield (
            "There is one search an arm and one test part: the intervals speak of new seeds of the winner "
            "and contain the luck of neither."
        )
        return
    yield "Every unit is a whole search: the intervals contain the luck of the search."
    if not (evidence.runs["fold"] >= 0).any():
        yield (
            "The repeats divide the same recordings at random, so their test parts overlap, and the t "
            "intervals treat them as independent: they are too narrow."
        )


def _importance(searched: Searched) -> Iterator[str]:
    few = list(dict.fromkeys(each.arm for each in too_few(searched)))
    if few:
        yield (
            f"Importance of parameters is shown only from searches with at least {ENOUGH} complete trials; "
            f"fewer: {', '.join(few)}."
        )


def _objectives(searched: Searched) -> Iterator[str]:
    if len(searched.objectives) > 1:
        yield (
            f"The search had {len(searched.objectives)} objectives and nothing was stopped early; the winner "
            "is the best on the first one, and the other trials of the front were not retrained."
        )
