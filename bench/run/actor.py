"""The two ends of a run through Ray Tune: the functions in a worker, the callback in the driver.

Events travel from one to the other in the results a worker reports. Imports Ray, so only
:mod:`bench.run.tune` imports it, after it has set the environment.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import ray
from ray import tune

from bench.run import local
from bench.run.job import Event, Job, OnEvent, Settings, ShouldStop
from bench.run.letters import keep, seal
from bench.store import Record, Store

# Epochs are told in groups at most this often; a report costs some milliseconds.
_TELL_SECONDS = 0.25
# A worker that is being ended loses its cell first, and its own life well within this time.
_LAST_SECONDS = 1.0


class Interrupted(BaseException):
    """Leaves ``Tuner.fit`` at once; not an ``Exception``, for which Tune would wait for its trials."""


@dataclass(frozen=True)
class Place:
    """Where the driver keeps the store, and looks for modules.

    A worker that sees the file ``token`` in ``root`` can write there itself. The file is there as long
    as the driver is, or until another driver takes over.
    """

    root: str
    token: str
    path: tuple[str, ...]

    def within_reach(self) -> bool:
        """Say whether this process sees the store of the driver."""
        return (Path(self.root) / self.token).is_file()

    def enter(self) -> Store | None:
        """Make the modules of the driver known to this process; return the store if it is within reach."""
        sys.path.extend(folder for folder in self.path if folder not in sys.path)
        return Store(self.root) if self.within_reach() else None


def work(config: Mapping[str, Any], refs: list[Any], settings: Settings, place: Place) -> None:
    """Run one bundle of jobs, each in its own process, and report every event to the driver."""
    store = place.enter()
    jobs: list[Job] = ray.get(refs[config["bundle"]])
    post = _Post(store, place, _TELL_SECONDS)
    local.run(_wanted(jobs, store, place), post, settings, on_event=post.event)
    post.flush()


def play(config: Mapping[str, Any], settings: Settings, place: Place) -> None:
    """Run one job and report every event at once; the answer of the driver ends the thread and the cell."""
    store = place.enter()
    job = Job(**json.loads(config["job"]))
    post = _Post(store, place, 0.0)
    local.run([job], post, settings, on_event=post.event)


def _wanted(jobs: list[Job], store: Store | None, place: Place) -> Iterator[Job]:
    """Leave out what is recorded: a bundle may be on its second worker, or outlive its driver."""
    for job in jobs:
        if store and not place.within_reach():
            return
        if store is None or store.attempts(job.key) <= job.attempt:
            yield job


class _Post:
    """Writes records to the store if it is within reach, and reports them and all events."""

    def __init__(self, store: Store | None, place: Place, patience: float) -> None:
        self._store, self._place, self._patience = store, place, patience
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        self._letters: list[dict[str, Any]] = []
        self._told = time.monotonic()
        self._arrays: Mapping[str, Any] | None = None

    def put(self, record: Record) -> None:
        if record.outcome == "killed":
            time.sleep(_LAST_SECONDS)
        self._arrays = None if self._store else record.predictions
        if self._store and self._place.within_reach():
            try:
                self._store.put(record)
            except OSError:  # seen but not writable from here: the driver writes
                self._arrays = record.predictions

    def event(self, event: Event) -> None:
        letter = seal(event, self._worker, self._arrays)
        self._letters.append(letter)
        unwritten = "npz" in letter
        if event.kind == "start" or unwritten or time.monotonic() - self._told >= self._patience:
            self.flush()

    def flush(self) -> None:
        # Always reports, also nothing: the last result of a trial stays in Tune's state file.
        tune.report({"letters": json.dumps(self._letters)})
        self._letters, self._told = [], time.monotonic()


class Recorder(tune.Callback):
    """Hears of every event: puts records that the worker could not write, tells ``on_event``.

    A callback that raises would end the whole run, so what goes wrong is kept in ``broken`` and the
    driver raises it afterwards.
    """

    def __init__(self, store: Store, jobs: list[Job], on_event: OnEvent, should_stop: ShouldStop) -> None:
        self._store, self._jobs = store, {job.key: job for job in jobs}
        self._on_event, self._should_stop = on_event, should_stop
        self.started: set[str] = set()
        self.broken: Exception | None = None

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Leave if asked to."""
        if self._should_stop() or self.broken:
            raise Interrupted

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Open the letters in a result."""
        try:
            for letter in json.loads(result.get("letters", "[]")):
                self._open(letter)
        except Exception as error:
            self.broken = self.broken or error

    def _open(self, letter: Mapping[str, Any]) -> None:
        job = self._jobs[letter["key"]]
        if letter["kind"] == "start":
            self.started.add(job.key)
        keep(letter, self._store)
        kind = cast(Any, letter["kind"])
        self._on_event(Event(kind, job, letter["payload"], letter["worker"]))

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles callbacks into a file that is never read back
