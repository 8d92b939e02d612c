"""What the study says beyond its verdicts: under disturbances, by choice of the epoch, of fingerprints."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bench.report.comparison import Comparison
from bench.report.epochs import LUCKY, OWN, choices, courses
from bench.report.fingerprints import relations
from bench.report.lang import join, say, template
from bench.report.metric import readable
from bench.report.robust import Robustness, robustness
from bench.report.table import text

TOLD = ("recordings", "protocol")
"""Factors of the studies that ask what a fingerprint has to do with the score."""
_LOWER = template("The better pairs can be matched by the batch they are from, the lower the score")
_HIGHER = template("The better pairs can be matched by the batch they are from, the higher the score")
_OPEN = template("Whether the score falls where pairs can be matched by the batch they are from is open")


def generality_findings(comparison: Comparison) -> Iterator[str]:
    """Yield a sentence or two a section, where there is one."""
    yield from _robust(comparison)
    yield from _epochs(comparison)
    yield from _fingerprints(comparison)


def _robust(comparison: Comparison) -> Iterator[str]:
    found = robustness(comparison)
    base = [each for each in found if each.arm == comparison.evidence.baseline and each.lost.n > 1]
    if base:
        order = sorted(base, key=lambda each: each.lost.mean)
        yield say(
            "Disturbed at test, the baseline loses most to {worst} and least to {least}, over all strengths.",
            worst=_loss(order[0], comparison),
            least=_loss(order[-1], comparison),
        )
    for arm in dict.fromkeys(each.arm for each in found if each.verdict):
        words = {word: [e.name for e in found if e.arm == arm and e.verdict and e.verdict.word == word]
                 for word in ("better", "worse")}  # fmt: skip
        if words["better"]:
            yield say("{arm} loses less than the baseline to {names}.", arm=arm, names=join(words["better"]))
        if words["worse"]:
            yield say("{arm} loses more than the baseline to {names}.", arm=arm, names=join(words["worse"]))


def _loss(each: Robustness, comparison: Comparison) -> str:
    digits = comparison.digits.difference
    return say(
        "{name} ({metric} {change}, 95 % CI {interval})",
        name=each.name,
        metric=readable(each.column),
        change=text("signed", each.lost.mean, digits),
        interval=text("signed_interval", each.lost.interval(), digits),
    )


def _epochs(comparison: Comparison) -> Iterator[str]:
    digits = comparison.digits.difference
    for course in courses(comparison)[:1]:
        by = {each.what: each for each in choices(course)}
        own, lucky = by[OWN], by[LUCKY]
        interval = own.claims.interval() if own.claims else (math.nan, math.nan)
        yield say(
            "Choosing the epoch of each run of {arm} by its own test part would claim {own} more than "
            "choosing it on validation (95 % CI {interval}); the best epoch of the best run alone, {lucky} "
            "more.",
            arm=course.arm,
            own=text("score", own.excess, digits),
            interval=text("signed_interval", interval, digits),
            lucky=text("score", lucky.excess, digits),
        )


def _fingerprints(comparison: Comparison) -> Iterator[str]:
    if not any(name in comparison.baseline.info.levels for name in TOLD):
        return
    for each in relations(comparison):
        found = each.found
        if (each.part, each.probe) != ("learnt", "shared") or not math.isfinite(found.low):
            continue
        facts = {
            "r": text("signed", found.r, 2),
            "interval": text("signed_interval", (found.low, found.high), 2),
        }
        if found.high < 0:
            yield say("{probe}: r {r} within units, 95 % CI {interval}.", probe=say(_LOWER), **facts)
        elif found.low > 0:
            yield say("{probe}: r {r} within units, 95 % CI {interval}.", probe=say(_HIGHER), **facts)
        else:
            yield say("{probe}: r {r} within units, 95 % CI {interval}.", probe=say(_OPEN), **facts)
