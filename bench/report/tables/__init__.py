"""The tables of a report, each from the same comparison; one file a table or two."""

from bench.report.tables.all import marked, tables
from bench.report.tables.beside import beside, worlds
from bench.report.tables.controls import controls
from bench.report.tables.epochs import epochs
from bench.report.tables.factors import factors
from bench.report.tables.failures import cost, failures
from bench.report.tables.fingerprints import fingerprints, fingerprints_and_score
from bench.report.tables.many import looks, pairwise, ranks
from bench.report.tables.recordings import by_group, new_batches, unreadable
from bench.report.tables.references import references
from bench.report.tables.results import COLUMNS, results
from bench.report.tables.robustness import robustness, strengths
from bench.report.tables.warnings import ruleless, warnings

__all__ = [
    "COLUMNS",
    "beside",
    "by_group",
    "controls",
    "cost",
    "epochs",
    "factors",
    "failures",
    "fingerprints",
    "fingerprints_and_score",
    "looks",
    "marked",
    "new_batches",
    "pairwise",
    "ranks",
    "references",
    "results",
    "ruleless",
    "robustness",
    "strengths",
    "tables",
    "unreadable",
    "warnings",
    "worlds",
]
