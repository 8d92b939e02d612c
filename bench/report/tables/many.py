"""All arms against each other, and the sequential rule."""

from __future__ import annotations

import math
from string import ascii_lowercase

from bench.report.comparison import ALPHA, Comparison
from bench.report.lang import retell, say, template
from bench.report.metric import short
from bench.report.table import Cell, Column, Table, equals

_TOLD = {True: template("yes"), False: template("no")}


def ranks(comparison: Comparison) -> Table:
    """Return mean ranks and the groups that no pairwise test tells apart; empty for fewer than 3 arms."""
    found, names = comparison.ranks, comparison.ranked_arms
    columns = (
        Column("arm", say("Arm")),
        Column("rank", say("Mean rank"), "score", digits=2),
        Column("groups", say("Groups")),
        Column("mean", short(comparison.evidence.metric), "score", digits=comparison.digits.score),
    )
    caption = say("Ranks; data: {data}", data=comparison.evidence.data)
    if found is None:
        return Table("ranks", caption, columns, ())
    letters: dict[int, str] = {}
    for number, clique in enumerate(found.cliques):
        for arm in clique:
            letters[arm] = letters.get(arm, "") + _letter(number)
    learned = comparison.learned
    rows = tuple(
        (
            Cell(names[i]),
            Cell(float(found.mean[i]), learned[i].runs),
            Cell(letters.get(i, ""), learned[i].runs),
            Cell(float(learned[i].scores.mean()), learned[i].runs),
        )
        for i in found.order
    )
    notes = [
        say(
            "1 is the best; over the {units} units on which every arm has a score. Arms that share a letter "
            "are not told apart by the sign-flip test of their pair (Holm over all pairs, {alpha:g}).",
            units=found.units,
            alpha=ALPHA,
        )
    ]
    if math.isfinite(found.chi2):
        notes.append(
            say(
                "Friedman χ² = {chi2}, Iman-Davenport F = {f}, p {p} (ranks permuted within units); "
                "Nemenyi critical difference {critical}.",
                chi2=f"{found.chi2:.2f}",
                f=f"{found.f:.2f}" if math.isfinite(found.f) else "∞",
                p=equals(found.p),
                critical=f"{found.critical:.2f}",
            )
        )
    if found.note:
        notes.append(say("{note}.", note=retell(found.note)))
    return Table("ranks", caption, columns, rows, tuple(notes))


def pairwise(comparison: Comparison) -> Table:
    """Return every pair of arms on the units that all share; empty for fewer than 3 arms."""
    found, names = comparison.ranks, comparison.ranked_arms
    columns = (
        Column("first", say("Arm")),
        Column("second", say("Minus")),
        Column("units", say("Units"), "count"),
        Column("difference", "Δ", "signed", digits=comparison.digits.difference),
        Column("p", "p", "p"),
        Column("holm_p", say("Holm p"), "p"),
        Column("apart", say("Told apart"), "word"),
    )
    rows = []
    if found is not None:
        pairs, learned = found.pairs, comparison.learned
        for i, j, gap, p, adjusted in zip(
            pairs.first, pairs.second, pairs.difference, pairs.p, pairs.holm, strict=True
        ):
            both = (*learned[i].runs, *learned[j].runs)
            rows.append(
                (
                    Cell(names[i]),
                    Cell(names[j]),
                    Cell(pairs.units, both),
                    Cell(float(gap), both),
                    Cell(float(p), both),
                    Cell(float(adjusted), both),
                    Cell(_TOLD[bool(adjusted <= ALPHA)], both),
                )
            )
    notes = [
        say("Sign-flip p on the units on which every arm has a score; step-down Holm over all pairs. This "
            "family is larger than that of the verdicts, so it tells less.")
    ]  # fmt: skip
    caption = say("All pairs; data: {data}", data=comparison.evidence.data)
    return Table("pairwise", caption, columns, tuple(rows), tuple(notes))


def looks(comparison: Comparison) -> Table:
    """Return what the sequential rule says of each arm; empty where the study declares no looks."""
    columns = (
        Column("arm", say("Arm")),
        Column("pairs", say("Pairs"), "count"),
        Column("p", "p", "p"),
        Column("boundary", say("Boundary"), "p"),
        Column("found", say("Found"), "word"),
        Column("stop", say("Stop"), "word"),
    )
    runs = {arm.info.name: arm.paired_runs for arm in comparison.changes}
    rows = tuple(
        (
            Cell(arm),
            Cell(look.n, runs[arm]),
            Cell(look.p, runs[arm]),
            Cell(look.boundary, runs[arm]),
            Cell(_TOLD[look.reject], runs[arm]),
            Cell(_TOLD[look.stop], runs[arm]),
        )
        for arm, look in comparison.looks
    )
    notes = [
        say(
            "Sequential rule with looks at {looks} pairs: O'Brien-Fleming-like spending of {alpha:g} on "
            "sign-flip p, Holm over the arms. Found: p within the boundary. Stop: no more seeds are needed.",
            looks=say(", ").join(str(n) for n in comparison.evidence.looks),
            alpha=ALPHA,
        )
    ]
    return Table(
        "looks", say("Looks; data: {data}", data=comparison.evidence.data), columns, rows, tuple(notes)
    )


def _letter(number: int) -> str:
    """Return a, b, ... z, a1, b1, ...

    >>> _letter(0), _letter(27)
    ('a', 'b1')
    """
    turn, place = divmod(number, len(ascii_lowercase))
    return ascii_lowercase[place] + (str(turn) if turn else "")
