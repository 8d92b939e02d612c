"""What a report says about the searches that tuned its arms."""

from bench.report.search.figures import search_figures
from bench.report.search.tables import search_tables, trials_table
from bench.report.search.words import search_findings, search_methods, search_summary

__all__ = [
    "search_figures",
    "search_findings",
    "search_methods",
    "search_summary",
    "search_tables",
    "trials_table",
]
