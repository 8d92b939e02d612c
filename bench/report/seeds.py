"""What could not be decided, and how many seeds would decide it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.compare import seeds_for_equivalence
from bench.report.comparison import ALPHA, ArmResult, Comparison
from bench.report.lang import join, say

_LISTED = 12  # more arms than this and only the range is said
_MOST = 1000  # seeds beyond which a number is no plan
_FEW = 2  # pairs below which there is no spread


def undecided(comparison: Comparison) -> Iterator[str]:
    """Yield what the undecided arms would need: a plan for a next study, not a reading of this one.

    Two numbers an arm, each with 80 % power by the rules of the verdict and given the spread of the
    differences seen here: for the smallest difference that matters (the rope), and for equivalence where
    there is none. They are as uncertain as that spread, which few pairs estimate badly.
    """
    rope = comparison.evidence.rope
    arms = [arm for arm in comparison.changes if arm.verdict and arm.verdict.word == "undecided"]
    known = [arm for arm in arms if arm.paired and arm.paired.n >= _FEW and arm.paired.sd > 0]
    if known and rope > 0:
        if len(known) <= _LISTED:
            parts = [_part(arm.info.name, [arm], comparison) for arm in known]
        else:
            parts = [_part(say("{n} arms", n=len(known)), known, comparison)]
        yield _unit(comparison).format(rope=rope, arms=say("; ").join(parts))
    unknown = [arm.info.name for arm in arms if arm not in known]
    if unknown and rope > 0 and len(unknown) <= _LISTED:
        yield say(
            "How many seeds would decide {arms} cannot be told: there is no spread to plan with.",
            arms=join(unknown),
        )


def _part(name: str, arms: Sequence[ArmResult], comparison: Comparison) -> str:
    spreads = [arm.paired.sd for arm in arms if arm.paired]
    # Both numbers grow with the spread.
    none = [seeds_for_equivalence(sd, comparison.evidence.rope, ALPHA) for sd in (min(spreads), max(spreads))]
    found = sorted(arm.seeds_needed or _MOST + 1 for arm in arms)
    return say("{arm} {found} or {none}", arm=name, found=_range(found), none=_range(none))


def _range(numbers: Sequence[int | None]) -> str:
    shown = [f">{_MOST}" if n is None or n > _MOST else str(n) for n in numbers]
    return shown[0] if shown[0] == shown[-1] else say("{low} to {high}", low=shown[0], high=shown[-1])


def _unit(comparison: Comparison) -> str:
    if comparison.evidence.whole_searches:
        return say(
            "About how many searches would decide with 80 % power, if the true difference is {rope:g} or if "
            "it is 0: {arms}."
        )
    if (comparison.evidence.runs["fold"] >= 0).any():
        return say(
            "About how many units would decide with 80 % power, if the true difference is {rope:g} or if it "
            "is 0: {arms}."
        )
    return say(
        "About how many seeds would decide with 80 % power, if the true difference is {rope:g} or if it is "
        "0: {arms}."
    )
