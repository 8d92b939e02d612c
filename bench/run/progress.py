"""One live line about a run or a search: how far, how long still, which arm leads on validation."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

from bench.run.job import Event

_PLAIN_SECONDS = 10.0


class _Line:
    """A bar and some words on a terminal as one live line, elsewhere as a plain line now and then."""

    def __init__(self, noun: str, total: int, ended: int, stream: TextIO | None) -> None:
        self._noun, self._stream = noun, stream or sys.stderr
        self._clock = self._told = time.monotonic()
        console = Console(file=self._stream)
        self._live = console.is_terminal and not console.is_dumb_terminal
        self._bar = Progress(
            TextColumn(noun, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=16, table_column=Column(min_width=16)),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TimeElapsedColumn(table_column=Column(no_wrap=True)),
            # Only the words give way on a narrow terminal, never the counts.
            TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
            console=console,
            expand=True,
            transient=True,
            disable=not self._live,
        )
        self._task = self._bar.add_task("", total=total, completed=ended)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def _show(self, ended: int, total: int, words: Callable[[], str]) -> None:
        if self._live:
            self._bar.update(self._task, completed=ended, total=total, description=words())
        elif time.monotonic() - self._told >= _PLAIN_SECONDS:
            self._told = time.monotonic()
            print(f"{ended}/{total} {self._noun}, {words()}", file=self._stream, flush=True)

    def _left(self, ended: int, total: int) -> list[str]:
        """Return the time left in words, at the pace of what ended in this run; nothing if none did."""
        if not ended:
            return []
        return [f"about {_duration((time.monotonic() - self._clock) / ended * (total - ended))} left"]


class Display(_Line):
    """Shows a run of known cells.

    Args:
        keys: the cells that will run; those on record already are not among them.
        labels: the arm of each key.
        metric: name of a score; the arm with the best mean of its *validation* value leads. The test
            score is never shown while cells still run.
        stream: where to write; standard error if not given.
    """

    def __init__(
        self,
        keys: set[str],
        labels: Mapping[str, str],
        *,
        finished: int = 0,
        metric: str | None = None,
        stream: TextIO | None = None,
    ) -> None:
        super().__init__("cells", len(keys) + finished, finished, stream)
        self._keys, self._labels, self._metric = keys, labels, f"validation.{metric}"
        self._cached = finished
        self._running: set[str] = set()
        self._ended: dict[str, str] = {}
        self._validation: dict[str, list[float]] = defaultdict(list)
        self._message = ""

    def __call__(self, event: Event) -> None:
        """Take an event of the run into account."""
        key, payload = event.job.key, event.payload
        if event.kind == "start":
            self._running.add(key)
        elif event.kind == "epoch":
            if "epoch" in payload:
                self._message = f"{self._labels.get(key, key)} epoch {payload['epoch']}"
        else:
            self._end(key, payload)
        self._show(self._cached + len(self._ended), self._cached + len(self._keys), self.line)

    def line(self) -> str:
        """Return the state of the run in one line.

        The time left takes the pace of the cells that ended in this run: workers are counted in, cells
        that were on record before are not.
        """
        failed = sum(outcome != "done" for outcome in self._ended.values())
        parts = [f"{len(self._running)} running"]
        if failed:
            parts.append(f"{failed} failed")
        parts += self._left(len(self._ended), len(self._keys))
        if self._validation:
            means = {arm: sum(values) / len(values) for arm, values in self._validation.items()}
            parts.append(_best(*max(means.items(), key=lambda pair: pair[1])))
        return ", ".join([*parts, *([self._message] if self._message else [])])

    def _end(self, key: str, payload: Mapping[str, Any]) -> None:
        self._running.discard(key)
        self._ended[key] = payload["outcome"]
        arm = self._labels.get(key, key)
        value = payload["scores"].get(self._metric)
        if payload["outcome"] != "done":
            first = (payload["message"].splitlines() or [""])[0]
            self._message = f"{arm} {payload['outcome']}: {first}"
        elif value is not None:
            self._validation[arm].append(value)


@dataclass(frozen=True)
class Standing:
    """How a search stands.

    Attributes:
        total: trials it has in all.
        ended: those that have ended, well or not, in this run or before.
        running: trials under way.
        pruned: those of the ended that were stopped early.
        failed: those of the ended that failed.
        best: an arm and its best value on validation, if there is one yet.
        message: what happened last, in some words; empty if nothing is worth a word.
    """

    total: int
    ended: int
    running: int = 0
    pruned: int = 0
    failed: int = 0
    best: tuple[str, float] | None = None
    message: str = ""


class SearchDisplay(_Line):
    """Shows a search, whose agenda knows how it stands.

    Args:
        standing: says how the search stands; asked after every event.
        stream: where to write; standard error if not given.
    """

    def __init__(self, standing: Callable[[], Standing], *, stream: TextIO | None = None) -> None:
        self._standing, now = standing, standing()
        self._before = now.ended
        super().__init__("trials", now.total, now.ended, stream)

    def __call__(self, event: Event) -> None:
        """Show how the search stands after an event."""
        now = self._standing()
        self._show(now.ended, now.total, lambda: self.line(now))

    def line(self, now: Standing) -> str:
        """Return the state of the search in one line."""
        counts = {"running": now.running, "pruned": now.pruned, "failed": now.failed}
        parts = [f"{count} {name}" for name, count in counts.items() if count or name == "running"]
        parts += self._left(now.ended - self._before, now.total - self._before)
        if now.best:
            parts.append(_best(*now.best))
        return ", ".join([*parts, *([now.message] if now.message else [])])


def _best(arm: str, value: float) -> str:
    return f"best on validation: {arm} {value:.3f}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
