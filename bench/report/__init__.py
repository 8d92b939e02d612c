"""The report of a study: one comparison of its records, rendered as tables, figures and a page."""

from bench.report.comparison import Comparison, compare
from bench.report.evidence import ArmInfo, Evidence
from bench.report.table import Cell, Column, Table
from bench.report.write import terminal, write

__all__ = ["ArmInfo", "Cell", "Column", "Comparison", "Evidence", "Table", "compare", "terminal", "write"]
