"""The one word a comparison ends in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from bench.compare.family import fewest_pairs
from bench.compare.paired import Paired

Word = Literal["better", "worse", "equivalent", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """A word, and where it needs one a note in plain language (empty otherwise)."""

    word: Word
    note: str = ""


def verdict(paired: Paired, adjusted_p: float, rope: float, family: int = 1, alpha: float = 0.05) -> Verdict:
    """Return better, worse, equivalent or undecided for paired differences (arm - baseline).

    Applied in this order:

    1. *equivalent*: the 90 % t interval lies inside ±``rope`` (two one-sided tests at 5 %,
       Schuirmann 1987), also where the difference is surely not 0: it is too small to matter. Where
       all of at least 2 differences are the same number inside ±``rope``, 0 above all, no interval
       exists and the arms are equivalent, too.
    2. *better* / *worse*: ``adjusted_p`` (sign-flip, Holm) is at most ``alpha`` and the
       (1 - ``alpha``) t interval, where one exists, excludes 0 on that side. Since the first
       condition alone keeps the family-wise error at ``alpha``, so do both.
    3. *undecided*: all else, with a note where the design could never have decided.

    Equivalence is tested for each arm alone at 5 % and is not adjusted for the family. Not to be
    used with a rope chosen after a look at the differences.

    Args:
        paired: the comparison.
        adjusted_p: Holm-adjusted sign-flip p; NaN where there is none.
        rope: half-width of the region of practical equivalence, in the unit of the score, >= 0.
        family: number of comparisons in the Holm family, for the note.
        alpha: family-wise level of better and worse.
    """
    if paired.n == 0:
        return Verdict("undecided", "no complete pair")
    if paired.n == 1:
        return Verdict("undecided", "one pair: neither interval nor test exists")
    if paired.sd == 0 and paired.mean == 0:
        return Verdict("equivalent", f"identical on all {paired.n} pairs: does the change reach the model?")
    equal = f"all {paired.n} differences are equal: no interval exists" if paired.sd == 0 else ""
    if equal and abs(paired.mean) <= rope:
        return Verdict("equivalent", equal)
    narrow = paired.interval(0.9)
    if -rope <= narrow[0] and narrow[1] <= rope:
        return Verdict("equivalent")
    low, high = paired.interval(1 - alpha)
    if adjusted_p <= alpha and paired.mean > 0 and (math.isnan(low) or low > 0):
        return Verdict("better", equal)
    if adjusted_p <= alpha and paired.mean < 0 and (math.isnan(high) or high < 0):
        return Verdict("worse", equal)
    if paired.sign_flip.smallest * family > alpha:
        return Verdict(
            "undecided",
            f"{paired.n} pairs cannot reach p ≤ {alpha:g} among {family} comparison{'s' * (family != 1)}: "
            f"{fewest_pairs(family, alpha)} pairs can",
        )
    if adjusted_p <= alpha:
        return Verdict(
            "undecided", "Holm p is small but the t interval contains 0: a few pairs make the difference"
        )
    return Verdict("undecided", equal)
