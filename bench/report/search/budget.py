"""What the searches were given, what they spent and what they lost, and whether it was the same for all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from bench.compare.anytime import Anytime, best_so_far
from bench.report.lang import count, retell, say, together
from bench.report.searched import PARAM, ArmSearch, Searched, spent
from bench.report.table import text


def curve(search: ArmSearch, searched: Searched) -> Anytime:
    """Return the best-so-far curve of a search; what was told the worst value does not count as a value."""
    rows = search.trials
    value = rows["value"].where(rows["number"].isin(search.scored["number"]))
    return best_so_far(value, rows["epochs"], searched.maximize)


def share(search: ArmSearch, searched: Searched) -> float:
    """Return the share of its budget that a search has spent."""
    return float(search.trials["epochs"].sum()) / searched.budget


def given(searched: Searched) -> str:
    """Return the budget of one search in words."""
    return say(
        "{trials} trials × {seeds} × {epochs:g} epochs",
        trials=searched.trials,
        seeds=count(searched.seeds_per_trial, "{n} seed", "{n} seeds"),
        epochs=searched.epochs / searched.seeds_per_trial,
    )


def unfinished(searched: Searched) -> list[tuple[ArmSearch, int]]:
    """Return the searches that lack trials, and how many have ended."""
    return [(each, len(each.trials)) for each in searched.searches if len(each.trials) != searched.trials]


def lacking(searched: Searched) -> list[str]:
    """Return the arms that a sampler or a repeat was not run on, in words."""
    had = {(each.arm, each.sampler, each.repeat) for each in searched.searches}
    return [
        say("{arm} by {sampler}, repeat {repeat}", arm=arm, sampler=sampler, repeat=repeat)
        if searched.repeats > 1
        else say("{arm} by {sampler}", arm=arm, sampler=sampler)
        for arm in searched.arms
        for sampler in searched.samplers
        for repeat in range(searched.repeats)
        if (arm, sampler, repeat) not in had
    ]


def unscored(searches: Sequence[ArmSearch], *states: str) -> dict[str, int]:
    """Return how many trials have no measured value, by kind of failure, the most frequent first.

    Args:
        searches: where to look.
        states: only trials that ended so; ``failed`` are those that failed by no fault of their own.
    """
    counts: Counter[str] = Counter()
    for each in searches:
        rows = each.trials[each.trials["state"].isin(states or ("complete", "failed"))]
        bad = rows[(rows["state"] == "failed") | (rows["failure"] != "")]
        counts.update(str(kind) or "unknown" for kind in bad["failure"])
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def counted(kinds: Mapping[str, int]) -> str:
    """Return kinds of failure in words."""
    return say(", ").join(say("{n} {kind}", n=number, kind=retell(kind)) for kind, number in kinds.items())


def drawn(searched: Searched, sampler: str) -> str:
    """Return in words that a sampler never came to propose anything; empty if it did, or never does."""
    found = [each for each in searched.searches if each.sampler == sampler]
    if not found or not all(each.drawn for each in found):
        return ""
    most = max(len(each.trials) for each in found)
    if all(_begins_as_declared(each) for each in found):
        return say("all {n} trials were drawn at random (but the first, as declared)", n=most)
    return say("all {n} trials were drawn at random", n=most)


def _begins_as_declared(search: ArmSearch) -> bool:
    first = search.trials[search.trials["number"] == 0]
    return bool(len(first) and search.own) and all(
        first.iloc[0][PARAM + key] == value for key, value in search.own.items()
    )


def range_of(values: Sequence[float]) -> str:
    """Return shares as ``31 %`` or ``31 % to 42 %``."""
    low, high = (text("percent", value) for value in (min(values), max(values)))
    return low if low == high else say("{low} to {high}", low=low, high=high)


def spending(searched: Searched) -> str:
    """Return what share of the budget each sampler spent, in words."""
    parts = []
    for sampler in searched.samplers:
        shares = [share(each, searched) for each in searched.searches if each.sampler == sampler]
        parts.append(f"{sampler} {range_of(shares)}")
    return together(parts)


def quicker(searched: Searched, sampler: str, control: str = "random") -> tuple[float, int, int]:
    """Return how soon a sampler reaches the best of the control's search on the same arm and repeat.

    Returns:
        The median share of the control's epochs (infinite where most never reach it), how many searches
        reached it and how many there were.
    """
    other = {(e.arm, e.repeat): curve(e, searched) for e in searched.searches if e.sampler == control}
    shares = []
    for each in searched.searches:
        target = other.get((each.arm, each.repeat))
        if each.sampler == sampler and target is not None and len(target.best):
            shares.append(curve(each, searched).reaches(float(target.best[-1])) / target.spent)
    if not shares:
        return math.nan, 0, 0
    return float(np.median(shares)), int(np.isfinite(shares).sum()), len(shares)


def totals(searches: Sequence[ArmSearch]) -> dict[str, int]:
    """Return what several searches spent together, and how many trials failed by their own fault."""
    parts = [spent(each) for each in searches]
    found = {name: sum(int(part[name]) for part in parts) for name in parts[0]}
    broken = [(e.trials["state"] == "complete") & (e.trials["failure"] != "") for e in searches]
    return {**found, "broken": sum(int(rows.sum()) for rows in broken)}
