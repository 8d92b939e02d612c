"""What each factor of a grid does, and which two act together."""

from __future__ import annotations

from collections.abc import Iterator

from bench.compare import Effect, Omnibus
from bench.report.comparison import Comparison
from bench.report.lang import retell, say, template
from bench.report.table import Cell, Column, Table, decimals

_WHAT = {
    "omnibus": template("any effect"),
    "effect": template("level − mean of the levels"),
    "contrast": template("level − first level"),
    "interaction": template("interaction"),
}
_MOST = 60  # effects of pairs of levels beyond which only the tests of whole factors are shown


def factors(comparison: Comparison) -> Table:
    """Return tests of the factors, then effects and interactions of levels; empty without a grid."""
    found = comparison.effects
    parts = [] if found is None else [*found.effects, *found.contrasts, *found.interactions]
    digits = decimals((each.high - each.low) / 2 for each in parts)
    columns = (
        Column("factor", say("Factor")),
        Column("what", say("What"), "word"),
        Column("level", say("Level")),
        Column("effect", say("Effect"), "signed", digits=digits),
        Column("interval", say("95 % CI"), "signed_interval", digits=digits),
        Column("f", "F", "score", digits=2),
        Column("df", say("Degrees of freedom"), "share", detail=True),
        Column("p", "p", "p"),
        Column("holm_p", say("Holm p"), "p"),
        Column("mixed_p", say("p, mixed model"), "p", detail=True),
    )
    caption = say("Factors of the grid; data: {data}", data=comparison.evidence.data)
    if found is None or not parts:
        return Table("factors", caption, columns, ())
    arms = [arm for arm in comparison.learned if set(found.levels) <= set(arm.info.levels)]
    runs = tuple(key for arm in arms for key in arm.runs)
    rows = [_tested(each, runs) for each in found.omnibus]
    shown = [("effect", found.effects), ("contrast", found.contrasts)]
    if len(found.interactions) <= _MOST:
        shown.append(("interaction", found.interactions))
    rows += [_estimated(what, each, runs) for what, several in shown for each in several]
    return Table("factors", caption, columns, tuple(rows), tuple(_notes(comparison)))


def _tested(each: Omnibus, runs: tuple[str, ...]) -> tuple[Cell, ...]:
    values = (each.f, (each.df, each.df_rest), each.p, each.holm, each.mixed_p)
    head = (Cell(" × ".join(each.factors)), Cell(_WHAT["omnibus"], runs), Cell(None), Cell(None), Cell(None))
    return *head, *(Cell(value, runs) for value in values)


def _estimated(what: str, each: Effect, runs: tuple[str, ...]) -> tuple[Cell, ...]:
    return (
        Cell(" × ".join(each.factors)),
        Cell(_WHAT[what], runs),
        Cell(" × ".join(map(str, each.levels)), runs),
        Cell(each.estimate, runs),
        Cell((each.low, each.high), runs),
        Cell(None),
        Cell(None),
        Cell(each.p, runs),
        Cell(None),
        Cell(None),
    )


def _notes(comparison: Comparison) -> Iterator[str]:
    found = comparison.effects
    assert found is not None
    yield say(
        "Main effects and interactions of pairs of factors over {cells} cells of {units} units, others "
        "averaged. Holm over the tests of whole factors; effects of single levels are not adjusted.",
        cells=found.cells,
        units=found.units,
    )
    if found.balanced:
        yield say(
            "F tests each effect against its own variation between units (repeated measures, degrees of "
            "freedom after Greenhouse & Geisser)."
        )
    else:
        yield say("Cells are missing: F is that of a mixed model with the unit as random effect (REML).")
    if any(arm.fails.low for arm in comparison.learned):
        yield say("Some units collapsed below 0.6: means then count collapses as much as effects.")
    if found.note:
        yield say("{note}.", note=retell(found.note))
