"""The runs behind a cell of the page: its title where there are few, a number to look up where many."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from bench.report.render import titled
from bench.report.table import Table

_TITLES = 1_000_000  # characters of titles from which on a page of 5 MB could not hold them
_KEY = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True)
class Hover:
    """The names of runs, and what a cell says of its own.

    Attributes:
        names: every run once, in the order of the tables; empty where cells spell them out.
    """

    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, tables: Sequence[Table]) -> Hover:
        """Return how the cells of these tables name their runs."""
        # The cells of a row mostly have the same runs.
        cells = Counter(cell.runs for table in tables for row in table.shown.rows for cell in row)
        if sum(times * sum(len(key) + 1 for key in runs) for runs, times in cells.items()) <= _TITLES:
            return cls()
        return cls(tuple(dict.fromkeys(chain.from_iterable(cells))))

    @property
    def told(self) -> str | list[str]:
        """The names as the page holds them: keys of 16 hexadecimal digits as bytes in base64, others spelled.

        A hundred thousand keys, spelled, are two megabytes.
        """
        if not all(map(_KEY.fullmatch, self.names)):
            return list(self.names)
        return base64.b64encode(bytes.fromhex("".join(self.names))).decode()

    def attribute(self, runs: tuple[str, ...]) -> str:
        """Return the attribute of a cell, with a blank before it; empty for a cell without runs."""
        if not (runs and self.names):
            return titled(runs)
        return f' data-runs="{" ".join(_ranges([self._places[key] for key in runs]))}"'

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}


def _ranges(places: Sequence[int]) -> Iterator[str]:
    """Yield runs of consecutive numbers as ``first-last``.

    >>> list(_ranges([4, 5, 6, 9]))
    ['4-6', '9']
    """
    start = 0
    for i in range(1, len(places) + 1):
        if i == len(places) or places[i] != places[i - 1] + 1:
            yield f"{places[start]}-{places[i - 1]}" if i - 1 > start else f"{places[start]}"
            start = i
