"""Saying again, in the language in use, what another part of the project has said in English.

Statistics, arms and the record know of no language: their notes are finished English sentences. The
templates they are made of stand here, and a sentence is recognised by the one it matches.
"""

from __future__ import annotations

import re
from functools import cache

from bench.report.lang.speech import language, say, template

_NOTES = (
    # bench.compare.verdict
    template("better"),
    template("worse"),
    template("equivalent"),
    template("undecided"),
    template("no complete pair"),
    template("one pair: neither interval nor test exists"),
    template("identical on all {n} pairs: does the change reach the model?"),
    template("all {n} differences are equal: no interval exists"),
    template("{n} pairs cannot reach p ≤ {alpha} among 1 comparison: {needed} pairs can"),
    template("{n} pairs cannot reach p ≤ {alpha} among {family} comparisons: {needed} pairs can"),
    template("Holm p is small but the t interval contains 0: a few pairs make the difference"),
    # bench.compare.ranks, two_level, factorial
    template("fewer than three arms: the paired difference of the two says it all"),
    template("fewer than two units with a score of every arm: ranks cannot be compared"),
    template("every unit scores all arms alike: there is nothing to rank"),
    template("no unit has predictions of both arms with both classes"),
    template("a test part has too few recordings to resample"),
    template("the arms do not differ on any recording: no interval exists"),
    template("one unit: the spread of training is not in the interval"),
    template("no factor has two levels with scores"),
    template("fewer than two units: nothing tells an effect from chance"),
    template("levels of two factors never occur apart: their effects cannot be told from each other"),
    template("some combinations never occur: interactions cannot be estimated for all factors"),
    template("as many effects as scores: nothing is left to estimate the spread from"),
    template("the scores follow the effects without any spread: no interval exists"),
    # bench.arms
    template("as declared"),
    template("encoders and codebook as initialised"),
    template("pre-trained on current and video of different windows"),
    template("the codes of the current re-named at random"),
    template("current encoder trained on the labels, at the same budget"),
    template("logistic regression on the mean current features"),
    template("the published current-only transformer trained on the labels, at the same budget"),
    template("video encoder trained on the labels, at the same budget"),
    template("every window called abnormal"),
    template("label frequency by the clock on the wall: what a model that knows the time scores"),
    # bench.gather
    template("looks at labels of the video in pre-training ({slots})"),
    template("transductive: sees the test windows in pre-training, without labels"),
    template("transductive: its head is centred on the test windows, without labels"),
    template("the label leaks into its {place}"),
    template("1 epoch of {windows} windows"),
    template("{epochs} epochs of {windows} windows"),
    template("by {unit}: the published folds, {rest} of the rest for validation"),
    template("by {unit}: the published folds, no validation part"),
    template("by {unit}: a share of {test} held out, {rest} of the rest for validation"),
    template("by {unit}: a share of {test} held out, no validation part"),
    # bench.disturb
    template("opacity {value}"),
    template("{value} of full scale added"),
    template("{value} of the samples of a phase"),
    template("{value} of the time"),
    template("± {value} samples"),
    # kinds of failure
    template("invalid"),
    template("diverged"),
    template("oom"),
    template("timeout"),
    template("killed"),
    template("error"),
    template("no score"),
    # names of provenance
    template("data fingerprint"),
    template("protocol"),
    template("split"),
    template("budget"),
    template("commit"),
    template("dirty"),
    template("device"),
    template("threads"),
)


def retell(sentence: str) -> str:
    """Return a finished English sentence in the language in use; as it is where it is not known.

    >>> from bench.report.lang import speaking
    >>> with speaking("zh"):
    ...     retell("no complete pair")
    '没有完整的配对'
    """
    if language() == "en":
        return sentence
    return say("; ").join(_retold(part) for part in sentence.split("; "))


def _retold(sentence: str) -> str:
    for pattern, known in _patterns():
        found = pattern.fullmatch(sentence)
        if found:
            return say(known, **found.groupdict())
    return sentence


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(_pattern(known)), known) for known in _NOTES)


def _pattern(known: str) -> str:
    parts = re.split(r"\{(\w+)\}", known)
    return "".join(f"(?P<{part}>.+?)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
