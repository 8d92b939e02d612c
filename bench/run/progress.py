"""One live line about a run: how far, how long still, which arm leads on validation."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

from bench.run.job import Event

_PLAIN_SECONDS = 10.0


class Display:
    """Shows a run on a terminal as one live line, elsewhere as a plain line now and then.

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
        self._keys, self._labels, self._metric = keys, labels, f"validation.{metric}"
        self._cached, self._clock = finished, time.monotonic()
        self._running: set[str] = set()
        self._ended: dict[str, str] = {}
        self._validation: dict[str, list[float]] = defaultdict(list)
        self._message = ""
        self._told = self._clock
        self._stream = stream or sys.stderr
        console = Console(file=self._stream)
        self._live = console.is_terminal and not console.is_dumb_terminal
        self._bar = Progress(
            TextColumn("cells", table_column=Column(no_wrap=True)),
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
        self._task = self._bar.add_task("", total=len(keys) + finished, completed=finished)

    def __enter__(self) -> Display:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

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
        self._show()

    def line(self) -> str:
        """Return the state of the run in one line.

        The time left takes the pace of the cells that ended in this run: workers are counted in, cells
        that were on record before are not.
        """
        failed = sum(outcome != "done" for outcome in self._ended.values())
        parts = [f"{len(self._running)} running"]
        if failed:
            parts.append(f"{failed} failed")
        if self._ended:
            left = (time.monotonic() - self._clock) / len(self._ended) * (len(self._keys) - len(self._ended))
            parts.append(f"about {_duration(left)} left")
        if self._validation:
            means = {arm: sum(values) / len(values) for arm, values in self._validation.items()}
            arm = max(means, key=lambda name: means[name])
            parts.append(f"best on validation: {arm} {means[arm]:.3f}")
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

    def _show(self) -> None:
        if self._live:
            count = self._cached + len(self._ended)
            self._bar.update(self._task, completed=count, description=self.line())
        elif time.monotonic() - self._told >= _PLAIN_SECONDS:
            self._told = time.monotonic()
            share = f"{self._cached + len(self._ended)}/{self._cached + len(self._keys)} cells"
            print(f"{share}, {self.line()}", file=self._stream, flush=True)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
