"""Which searches belong together: those of one report, or those that only their arms tell apart."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.search.log import Header, Trial, best

REPORT = "/report/"
"""Where the dashboard serves the pages of reports."""


@dataclass(frozen=True)
class Report:
    """The report of a search, as far as a note shows it.

    Attributes:
        page: its page.
        table: its results.
        figures: its figures that a note shows.
        keys: of the searches that it tells of.
    """

    page: Path
    table: str
    figures: tuple[Path, ...]
    keys: frozenset[str]


@dataclass(frozen=True)
class Search:
    """One search as a note tells of it, with its id in the dashboard."""

    study: int
    header: Header
    trials: Sequence[Trial]
    pictures: Mapping[str, str] = field(default_factory=dict)

    @property
    def best(self) -> Trial | None:
        """Its best trial so far."""
        return best(self.trials)


def find_report(root: Path, header: Header) -> Report | None:
    """Return the newest report that tells of a search, if there is one."""
    tables = (root / header.study).glob("*-search/trials.csv")
    for path in sorted(tables, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        keys = _keys(path)
        page = path.with_name("report.md")
        if header.key in keys and page.exists():
            found = re.search(r"^## Results\n(.*?)(?=^!\[|^## )", page.read_text(), re.MULTILINE | re.DOTALL)
            figures = tuple(sorted((path.parent / "figures").glob("differences*.png")))
            return Report(page.with_suffix(".html"), found[1].strip() if found else "", figures, keys)
    return None


def _keys(path: Path) -> frozenset[str]:
    with open(path, newline="") as file:
        return frozenset(row.get("search") or "" for row in csv.DictReader(file))


def beside(search: Search, found: Sequence[Search], report: Report | None) -> list[Search]:
    """Return the searches that a note sets beside one, this one among them.

    They are those of its report. Without a report they are those whose headers differ in nothing but
    arm, sampler and repeat; arms may have parameters of their own, but search shared ones in the same
    range.
    """
    if report is not None:
        return [each for each in found if each.header.key in report.keys]
    return [each for each in found if _alike(search.header, each.header)]


def _alike(one: Header, other: Header) -> bool:
    common = ("study", "data", "objectives", "directions", "question")
    if any(getattr(one, name) != getattr(other, name) for name in common):
        return False
    if one.arm == other.arm:
        return one.space == other.space
    return all(one.space[key] == other.space[key] for key in one.space.keys() & other.space.keys())
