"""From evidence to a report: what is compared, written and printed, without PyTorch."""

from __future__ import annotations

import gc
from pathlib import Path

import matplotlib.figure  # noqa: F401  (these two take longer than all else, and are wanted ahead)
import seaborn  # noqa: F401

from bench.report.comparison import compare
from bench.report.evidence import Evidence
from bench.report.lang import said_name, speaking
from bench.report.pdf import find_browser, print_page
from bench.report.write import terminal, write


def publish(evidence: Evidence, folder: Path, language: str = "en", *, pdf: bool = False) -> tuple[Path, str]:
    """Write a report; return what a reader opens, and the results as text.

    Both are plain, so that who asks for them from another process need import nothing of a report.

    Raises:
        InvalidRequest: a PDF is asked for and there is no browser to print it; nothing is written then.
    """
    gc.freeze()  # what is imported stays: a large report would look through it again and again
    browser = find_browser() if pdf else None
    comparison = compare(evidence)
    write(comparison, folder, language)
    with speaking(language):
        table, page = terminal(comparison), folder / said_name("report.html")
    return print_page(browser, page) if browser else page, table
