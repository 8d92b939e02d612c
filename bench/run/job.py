"""What an engine is given and what it tells: jobs, settings, events, and the kinds of failure."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from bench.store import Record
from models.errors import InvalidRequest

TARGET = "bench.cell.run:run"
PRELOAD = ("bench.cell.run", "sklearn.metrics", "sklearn.linear_model")
"""What cells would else import anew each, for about a second: the last two are imported only where used."""
RETRIED = frozenset({"killed", "timeout"})
"""Failures that may be the machine's fault and are tried again by themselves."""
ATTEMPTS = 2
"""How many attempts a cell that fails so gets in all."""
DIED = "the worker that ran the cell died"
"""Message of a cell whose end nobody has seen."""
STOPPED = "stopped before its end, as asked"
"""Message of a pruned cell."""


@dataclass(frozen=True)
class Job:
    """One cell to run: its key, the number of the attempt, the resolved cell and where its data is."""

    key: str
    attempt: int
    cell: dict[str, Any]
    data: str


@dataclass(frozen=True)
class Event:
    """What just happened to a job.

    ``payload`` is empty for ``start``, the dictionary of the epoch for ``epoch``, and the record
    without its predictions for ``end``. ``worker`` names who runs the job.
    """

    kind: Literal["start", "epoch", "end"]
    job: Job
    payload: Mapping[str, Any]
    worker: str


@dataclass(frozen=True)
class Settings:
    """How one cell is run, whoever runs it.

    ``target`` names the function ``module:name``, called as ``(cell, data, **keywords)``: it yields
    one dictionary an epoch and last one that holds ``scores``. ``timeout`` is in wall seconds,
    ``memory_mb`` bounds the private resident memory in MiB, ``preload`` are the modules imported once
    by the server that cells are forked from.
    """

    target: str = TARGET
    keywords: Mapping[str, Any] = field(default_factory=dict)
    timeout: float | None = None
    memory_mb: float | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    preload: tuple[str, ...] = PRELOAD


class Sink(Protocol):
    """Where records go: a store, or something that carries them to one."""

    def put(self, record: Record) -> Any:
        """Keep a record."""


class Agenda(Protocol):
    """Jobs that follow from how earlier ones went: what a search hands to an engine.

    An engine calls it from one thread only. For every job it tells of the start, of each epoch and of
    the end; ``hear`` may ask after an epoch to stop the job, which then ends with the outcome
    ``pruned`` and a record that holds the epochs until then.
    """

    @property
    def finished(self) -> bool:
        """Whether no job will ever follow."""

    def next(self) -> Job | None:
        """Return a job to begin now; ``None`` if none can begin before a running one has ended."""

    def hear(self, event: Event) -> bool:
        """Take note of an event; return whether the job it is about must stop now."""


OnEvent = Callable[[Event], None]
ShouldStop = Callable[[], bool]


class Plan:
    """The agenda of jobs that are known beforehand: nothing that happens changes what follows."""

    def __init__(self, jobs: Iterable[Job], on_event: OnEvent | None = None) -> None:
        self._waiting, self._on_event = iter(jobs), on_event
        self.finished = False

    def next(self) -> Job | None:
        """Return the next job."""
        job = next(self._waiting, None)
        self.finished = job is None
        return job

    def hear(self, event: Event) -> bool:
        """Pass the event on."""
        if self._on_event:
            self._on_event(event)
        return False


def stalled() -> RuntimeError:
    """Return the error for an agenda that waits for nothing, which would wait for ever."""
    return RuntimeError("the agenda is not finished, yet has no job while none is running")


def retryable(outcome: str, attempts: int) -> bool:
    """Return whether a cell with this latest outcome, after so many attempts, is tried again by itself."""
    return outcome in RETRIED and attempts < ATTEMPTS


def classify(error: BaseException) -> str:
    """Return the kind of failure an exception stands for.

    >>> classify(FloatingPointError("loss is nan")), classify(KeyError("x"))
    ('diverged', 'error')
    """
    if isinstance(error, InvalidRequest):
        return "invalid"
    if isinstance(error, FloatingPointError):
        return "diverged"
    # PyTorch reports both the host's and the device's exhausted memory as a RuntimeError.
    torch_memory = type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
    if isinstance(error, MemoryError) or torch_memory:
        return "oom"
    return "error"


def classify_exit(code: int | None) -> tuple[str, str]:
    """Return kind and message for a process that ended without a result.

    A negative code is a signal; 255 is what is seen of a cell whose server was killed under it.
    """
    if code == 255:
        return "killed", "the process was ended together with its server"
    if code is None or code >= 0:
        return "error", f"the process ended with exit code {code} before it gave its scores"
    name = signal.Signals(-code).name
    kind = "killed" if -code in (signal.SIGKILL, signal.SIGTERM) else "error"
    return kind, f"the process was ended by {name}"
