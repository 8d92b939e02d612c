"""Two studies, or one study on two data sets, side by side; three and more together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from bench.compare import Paired, holm, improvement, iqm, iqm_difference, paired_difference, welch
from bench.report.evidence import ArmInfo, Evidence
from bench.report.lang import count, join, say, template
from bench.report.metric import readable
from bench.report.results import ALPHA, ArmResult, Comparison
from bench.report.side import Agree, Beside, BesideRow, Gap, Side, World, Worlds
from bench.report.table import equals, text

SAME = ("data fingerprint", "split")
"""What two studies must have in common for units of one name to be the same units."""
_LISTED = 12  # more arms than this and only a count is said
_ON_ALL = template(
    "{arm} gains {here} here and {there} in {other}: {gap} apart (95 % CI {interval}, Holm p {p})."
)
_ON_SOME = template(
    "{arm} gains {here} here and {there} in {other}; on the {units} units that both have, {gap} apart "
    "(95 % CI {interval}, Holm p {p})."
)
Compare = Callable[[Evidence], Comparison]


def besides(here: Comparison, compare: Compare, seed: int) -> tuple[Beside, ...]:
    """Lay every other study of the evidence beside this one.

    Args:
        here: the comparison of this study.
        compare: makes a comparison of another.
        seed: of what is sampled.
    """
    return tuple(
        _beside(here, compare(_plain(other)), np.random.default_rng([seed, 4, i]))
        for i, other in enumerate(here.evidence.others)
    )


def worlds(here: Comparison, seed: int) -> Worlds | None:
    """Return the arms that all data sets share, over all of them; None for fewer than three.

    Studies on the same data are one world. Scores are those of the metric of this study.
    """
    evidence = here.evidence
    distinct = {each.data: each for each in reversed((evidence, *evidence.others))}
    found = [each for each in (evidence, *evidence.others) if distinct[each.data] is each]
    if len(found) < 3:
        return None
    names = [arm.info.name for arm in here.learned[1:]]
    partners = [_matched(here.learned, other.of_kind("baseline", "change", "grid")) for other in found]
    shared = [name for name in names if all(name in known for known in partners)]
    tables = []
    for each, known in zip(found, partners, strict=True):
        arms = [each.baseline, *(known[name].name for name in shared)]
        tables.append(each.scores(evidence.metric)[arms].to_numpy())
    generator = np.random.default_rng([seed, 5])
    means = iqm(tables, generator)
    made: list[World] = []
    for i, name in enumerate([evidence.baseline, *shared]):
        ahead = improvement(tables, i, 0, generator) if i else None
        more = iqm_difference(tables, i, 0, generator) if i else None
        runs = tuple(
            key
            for each, known in zip(found, partners, strict=True)
            for key in each.runs_of(known[name].name if i else each.baseline, each.units)
        )
        made.append(World(name, ahead, means[i], more, runs))
    return Worlds(tuple(each.data for each in found), tuple(made))


def beside_findings(comparison: Comparison) -> list[str]:
    """Return what laying side by side shows, in plain sentences; empty without anything beside."""
    return [sentence for each in comparison.beside for sentence in _findings(each, comparison)]


def _findings(beside: Beside, comparison: Comparison) -> Iterator[str]:
    if not beside.rows:
        yield say("No arm of {other} is also one of this study: there is nothing to compare.",
                  other=beside.name)  # fmt: skip
        return
    given = [row.agree for row in beside.rows]
    parts = [
        said
        for word, said in (
            ("yes", count(given.count("yes"), "{n} verdict is the same", "{n} verdicts are the same")),
            ("no", count(given.count("no"), "{n} is another", "{n} are others")),
            ("open", count(given.count("open"), "{n} is open", "{n} are open")),
        )
        if word in given
    ]
    yield count(
        len(given),
        "Beside {other}, 1 arm is in both: {parts}.",
        "Beside {other}, {n} arms are in both: {parts}.",
        other=beside.name,
        parts=say(", ").join(parts),
    )
    digits = comparison.digits.difference
    apart = [row for row in beside.rows if row.gap.holm <= ALPHA]
    for row in apart[:_LISTED]:
        gap = row.gap
        yield say(
            _ON_SOME if gap.on_some(row.here, row.there) else _ON_ALL,
            arm=row.arm,
            here=text("signed", row.here.paired.mean, digits),
            there=text("signed", row.there.paired.mean, digits),
            other=beside.name,
            units=gap.units,
            gap=text("signed", gap.mean, digits),
            interval=text("signed_interval", (gap.low, gap.high), digits),
            p=equals(gap.holm),
        )
    if not apart:
        yield say("No arm gains measurably more in one of the two than in the other.")
    lacking = [*beside.only_here, *beside.only_there]
    if lacking and len(lacking) <= _LISTED:
        yield count(len(lacking), "Only one of the two has {arms}.", "Only one of the two has {arms}.",
                    arms=join(lacking))  # fmt: skip


def _beside(here: Comparison, there: Comparison, generator: np.random.Generator) -> Beside:
    mine, other = here.evidence, there.evidence
    known = _matched(here.changes, [arm.info for arm in there.changes])
    theirs = {arm.info.name: arm for arm in there.changes}
    pairs = [(arm, theirs[known[arm.info.name].name]) for arm in here.changes if arm.info.name in known]
    paired = all(mine.provenance.get(name) == other.provenance.get(name, ()) for name in SAME)
    paired = paired and mine.metric == other.metric and bool(set(mine.units) & set(other.units))
    gaps = [_gap(_points(a, here), _points(b, there), paired, generator) for a, b in pairs]
    adjusted = holm([gap.p for gap in gaps])
    rows = tuple(
        BesideRow(
            a.info.name,
            b.info.name,
            _side(a),
            _side(b),
            replace(gap, holm=float(p)),
            _agree(_side(a), _side(b)),
        )
        for (a, b), gap, p in zip(pairs, gaps, adjusted, strict=True)
    )
    used = {arm.name for arm in known.values()}
    return Beside(
        _name(mine, other),
        other.study,
        other.data,
        rows,
        tuple(arm.info.name for arm in here.changes if arm.info.name not in known),
        tuple(arm.info.name for arm in there.changes if arm.info.name not in used),
        paired,
        partial(_notes, mine, other, [(a.info, b.info) for a, b in pairs]),
    )


def _points(arm: ArmResult, comparison: Comparison) -> pd.Series:
    """Return the difference from the baseline by unit."""
    found: pd.Series = arm.scores - comparison.baseline.scores.reindex(arm.scores.index)
    return found.dropna()


def _gap(here: pd.Series, there: pd.Series, paired: bool, generator: np.random.Generator) -> Gap:
    shared = here.index.intersection(there.index, sort=False)
    if paired and len(shared) >= 2:
        found = paired_difference(here[shared], there[shared], generator)
        return Gap(found.mean, *found.interval(), found.sign_flip.p, math.nan, found.n, True)
    loose = welch(here, there)
    return Gap(loose.difference, loose.low, loose.high, loose.p, math.nan, loose.first + loose.second, False)


def _side(arm: ArmResult) -> Side:
    assert arm.paired is not None and arm.verdict is not None
    pair: Paired = arm.paired
    return Side(pair, arm.verdict.word, arm.paired_runs)


def _agree(here: Side, there: Side) -> Agree:
    if "undecided" in (here.verdict, there.verdict):
        return "open"
    return "yes" if here.verdict == there.verdict else "no"


def _matched(mine: Sequence[ArmResult], theirs: Sequence[ArmInfo]) -> Mapping[str, ArmInfo]:
    """Return arm of this study -> the other's arm of that name, else the one configured alike."""
    names = {arm.name: arm for arm in theirs}
    alike = {arm.identity: arm for arm in theirs if arm.identity}
    found: dict[str, ArmInfo] = {}
    for arm in (each.info for each in mine):
        if arm.name in names:
            found[arm.name] = names[arm.name]
    taken = {arm.name for arm in found.values()}
    for arm in (each.info for each in mine):
        other = alike.get(arm.identity)
        if arm.name not in found and other is not None and other.name not in taken:
            found[arm.name] = other
            taken.add(other.name)
    return found


def _name(mine: Evidence, other: Evidence) -> str:
    if mine.study == other.study:
        return other.data
    return other.study if mine.data == other.data else f"{other.study}, {other.data}"


def _notes(mine: Evidence, other: Evidence, pairs: Sequence[tuple[ArmInfo, ArmInfo]]) -> list[str]:
    return [*_scales(mine, other), *_names(pairs)]


def _scales(mine: Evidence, other: Evidence) -> Iterator[str]:
    if mine.metric != other.metric:
        yield say(
            "The two are judged by different scores, {here} and {there}: differences are not on one scale.",
            here=readable(mine.metric),
            there=readable(other.metric),
        )
    base = [next(arm for arm in each.arms if arm.kind == "baseline") for each in (mine, other)]
    if base[0].identity and base[1].identity and base[0].identity != base[1].identity:
        yield say("The baselines of the two are configured differently, so each arm gains over another one.")


def _names(pairs: Sequence[tuple[ArmInfo, ArmInfo]]) -> Iterator[str]:
    for a, b in pairs:
        if a.name != b.name:
            yield say("{arm} is called {other} there: the configurations are the same.", arm=a.name,
                      other=b.name)  # fmt: skip
        elif a.change != b.change:
            yield say("{arm}: {here} here, {there} there.", arm=a.name, here=a.change or "–",
                      there=b.change or "–")  # fmt: skip


def _plain(other: Evidence) -> Evidence:
    """Return the other study without what its own report would add."""
    return replace(other, predictions=lambda key: None, others=(), search=None)
