"""The engine without Ray: a number of cells at a time, each in its own process."""

from __future__ import annotations

from collections.abc import Iterable
from multiprocessing.connection import Connection, wait

from bench.run.child import Child, refused
from bench.run.job import Event, Job, OnEvent, Settings, ShouldStop, Sink
from bench.store import Record

_TICK_SECONDS = 0.05


def run(
    jobs: Iterable[Job],
    store: Sink,
    settings: Settings,
    *,
    workers: int = 1,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
) -> None:
    """Run every job once and put its record into the store the moment it ends.

    Jobs are taken one at a time, when a worker is free. Failures of cells are records, never
    exceptions. When ``should_stop`` says so the running cells are killed and leave no record.
    """
    tell: OnEvent = on_event or (lambda event: None)
    stopping: ShouldStop = should_stop or (lambda: False)
    waiting = iter(jobs)
    idle = [str(n) for n in reversed(range(workers))]
    live: dict[Connection, Child] = {}

    def finish(job: Job, record: Record, worker: str) -> None:
        store.put(record)
        tell(Event("end", job, record.payload(), worker))

    def start(job: Job, worker: str) -> None:
        tell(Event("start", job, {}, worker))
        try:
            child = Child(job, settings, worker)
        except (OSError, EOFError) as error:
            idle.append(worker)
            finish(job, refused(job, error), worker)
        else:
            live[child.connection] = child

    try:
        while not stopping():
            while idle and (job := next(waiting, None)):
                start(job, idle.pop())
            if not live:
                return
            ready = wait(list(live), timeout=_TICK_SECONDS)
            for connection, child in list(live.items()):
                told = child.receive() if connection in ready else child.overdue()
                if isinstance(told, Record):
                    if told.outcome == "killed" and stopping():
                        return  # what stops the driver reached the cell first
                    del live[connection]
                    child.kill()
                    idle.append(child.worker)
                    finish(child.job, told, child.worker)
                elif told is not None:
                    tell(Event("epoch", child.job, told, child.worker))
    finally:
        for child in live.values():
            child.kill()
