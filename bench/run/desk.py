"""The driver's side of an agenda whose cells run far away: what is out, who runs it, how it ended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from bench.run.job import DIED, STOPPED, Agenda, Event, Job, Settings, ShouldStop, stalled
from bench.run.letters import keep
from bench.store import Record, Store
from models.errors import InvalidRequest

# Tune writes the state of all its trials again and again, so it begins anew every so many cells.
_CELLS = 500
# How many workers may die before they begin a job.
_TRIES = 3


@dataclass
class _Cell:
    """A job that is out: who has been running it since when, and the epochs told."""

    job: Job
    worker: str = ""
    started: str = ""
    clock: float = 0.0
    curve: list[dict[str, Any]] = field(default_factory=list)


class Desk:
    """Hands out the jobs of an agenda, tells it what becomes of them, records those that stop short.

    What is raised meanwhile would end Tune's run in odd ways, so it is kept in ``broken`` for the
    driver to raise afterwards.
    """

    def __init__(
        self, agenda: Agenda, store: Store, settings: Settings, workers: int, should_stop: ShouldStop
    ) -> None:
        self._agenda, self._store, self._settings = agenda, store, settings
        self._workers, self._should_stop = workers, should_stop
        self._returned: list[Job] = []
        self._tries: Counter[tuple[str, int]] = Counter()
        self._left = 0
        self.out: dict[str, _Cell] = {}
        self.broken: Exception | None = None

    def open(self) -> bool:
        """Begin anew with Tune; return whether there is a reason to."""
        self._left = _CELLS
        return not self._should_stop() and bool(self._returned or not self._agenda.finished)

    @property
    def closed(self) -> bool:
        """Whether Tune must be left at once."""
        return self.broken is not None or self._should_stop()

    def next(self, trial: str) -> Job | None:
        """Return the job of a new trial; ``None`` if there is no place or no job for it now."""
        if self.closed or not self._left or len(self.out) >= self._workers:
            return None
        job = None
        with self._kept():
            job = self._returned.pop() if self._returned else self._agenda.next()
            if job:
                self.out[trial] = _Cell(job)
                self._left -= 1
            elif not (self.out or self._agenda.finished):
                raise stalled()
        return job

    def hear(self, trial: str, letters: list[dict[str, Any]]) -> bool:
        """Open what the worker of a trial reports; return whether the trial is over."""
        with self._kept():
            for letter in letters:
                if trial in self.out:  # what comes after a stop is dropped
                    self._open(trial, self.out[trial], letter)
        return trial not in self.out

    def gone(self, trial: str, reason: str) -> None:
        """Take note that Tune is done with a trial; if its job has not ended, its worker has died."""
        if self.closed or trial not in self.out:
            return
        cell = self.out[trial]
        with self._kept():
            if cell.worker:
                self._end(trial, self._found(cell.job) or self._record(cell, "killed", DIED))
            else:
                self._returned.append(self.out.pop(trial).job)
                self._count(cell.job, reason)

    def _count(self, job: Job, reason: str) -> None:
        name = (job.key, job.attempt)
        self._tries[name] += 1
        if self._tries[name] == _TRIES:
            raise InvalidRequest(
                f"a worker must be able to begin a cell, and {_TRIES} failed before ({reason}); "
                "check that the project can be imported there, or use engine 'local'"
            )

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.broken = self.broken or error

    def _open(self, trial: str, cell: _Cell, letter: Mapping[str, Any]) -> None:
        kind, payload = letter["kind"], letter["payload"]
        if kind == "start":
            cell.worker, cell.clock = letter["worker"], time.monotonic()
            cell.started = datetime.now(UTC).isoformat(timespec="seconds")
        elif kind == "epoch":
            cell.curve.append(payload)
        else:
            keep(letter, self._store)
            del self.out[trial]
        stop = self._agenda.hear(Event(cast(Any, kind), cell.job, payload, cell.worker))
        if stop and kind == "epoch":
            self._end(trial, self._record(cell, "pruned", STOPPED))

    def _end(self, trial: str, record: Record) -> None:
        cell = self.out.pop(trial)
        self._store.put(record)
        self._agenda.hear(Event("end", cell.job, record.payload(), cell.worker))

    def _found(self, job: Job) -> Record | None:
        """Return the record that a worker wrote before it died, its end untold."""
        return self._store.get(job.key) if self._store.attempts(job.key) > job.attempt else None

    def _record(self, cell: _Cell, outcome: str, message: str) -> Record:
        job, host = cell.job, cell.worker.rpartition(":")[0]
        return Record(
            job.key,
            job.attempt,
            outcome,
            message,
            cell=job.cell,
            curve=cell.curve,
            cost={"wall_seconds": time.monotonic() - cell.clock},
            provenance={**self._settings.provenance, "host": host, "started": cell.started},
        )

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles it into files that are never read back
