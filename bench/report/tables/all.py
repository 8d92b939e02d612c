"""All tables in reading order."""

from __future__ import annotations

from dataclasses import replace

from bench.report.comparison import Comparison
from bench.report.lang import say
from bench.report.search import search_tables
from bench.report.table import Table
from bench.report.tables.beside import beside, worlds
from bench.report.tables.controls import controls
from bench.report.tables.epochs import epochs
from bench.report.tables.factors import factors
from bench.report.tables.failures import cost, failures
from bench.report.tables.fingerprints import fingerprints, fingerprints_and_score
from bench.report.tables.many import looks, pairwise, ranks
from bench.report.tables.recordings import by_group, new_batches
from bench.report.tables.references import references
from bench.report.tables.results import results
from bench.report.tables.robustness import robustness, strengths
from bench.report.tables.warnings import warnings

_COUNT_SEEDS = ("results", "tuning")


def tables(comparison: Comparison) -> list[Table]:
    """Return all tables that have a row, in reading order; the results are always there."""
    made = [
        beside(comparison),
        worlds(comparison),
        *search_tables(comparison),
        ranks(comparison),
        pairwise(comparison),
        factors(comparison),
        epochs(comparison),
        robustness(comparison),
        strengths(comparison),
        fingerprints(comparison),
        fingerprints_and_score(comparison),
        looks(comparison),
        warnings(comparison),
        controls(comparison),
        references(comparison),
        by_group(comparison),
        new_batches(comparison),
        failures(comparison),
        cost(comparison),
    ]
    found = [results(comparison), *(table for table in made if table.rows)]
    return [marked(table, comparison) for table in found]


def marked(table: Table, comparison: Comparison) -> Table:
    """Return the table with a caption that says what a unit is, after a search."""
    search = comparison.evidence.search
    if search is None or (search.repeats == 1 and table.key not in _COUNT_SEEDS):
        return table
    unit = say("every unit is a whole search") if search.repeats > 1 else say("one test part, n counts seeds")
    return replace(table, caption=f"{table.caption}{say('; ')}{unit}")
