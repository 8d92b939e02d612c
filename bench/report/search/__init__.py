"""What a report says about the searches that tuned its arms."""

from bench.report.search.figures import search_figures
from bench.report.search.methods import outside_of_the_search, search_methods
from bench.report.search.tables import search_tables, trials_table
from bench.report.search.words import ONE_TEST_PART, search_findings, search_summary

__all__ = [
    "ONE_TEST_PART",
    "outside_of_the_search",
    "search_figures",
    "search_findings",
    "search_methods",
    "search_summary",
    "search_tables",
    "trials_table",
]
