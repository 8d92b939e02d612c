"""The engine without Ray: a number of cells at a time, each in its own process."""

from __future__ import annotations

from collections.abc import Iterable
from multiprocessing.connection import Connection, wait

from bench.run.child import Child, refused
from bench.run.job import Agenda, Event, Job, OnEvent, Plan, Settings, ShouldStop, Sink, stalled
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
    pursue(Plan(jobs, on_event), store, settings, workers=workers, should_stop=should_stop)


def pursue(
    agenda: Agenda,
    store: Sink,
    settings: Settings,
    *,
    workers: int = 1,
    should_stop: ShouldStop | None = None,
) -> None:
    """Run the jobs of an agenda until it is finished; otherwise as :func:`run`.

    A cell that the agenda stops is killed, and recorded as ``pruned`` with the epochs told so far.
    """
    stopping: ShouldStop = should_stop or (lambda: False)
    idle = [str(n) for n in reversed(range(workers))]
    live: dict[Connection, Child] = {}

    def finish(job: Job, record: Record, worker: str) -> None:
        store.put(record)
        agenda.hear(Event("end", job, record.payload(), worker))

    def start(job: Job, worker: str) -> None:
        agenda.hear(Event("start", job, {}, worker))
        try:
            child = Child(job, settings, worker)
        except (OSError, EOFError) as error:
            idle.append(worker)
            finish(job, refused(job, error), worker)
        else:
            live[child.connection] = child

    def leave(child: Child, record: Record) -> None:
        del live[child.connection]
        child.kill()
        idle.append(child.worker)
        finish(child.job, record, child.worker)

    try:
        while not stopping():
            while idle and (job := agenda.next()):
                start(job, idle.pop())
            if not live:
                if agenda.finished:
                    return
                raise stalled()
            ready = wait(list(live), timeout=_TICK_SECONDS)
            for connection, child in list(live.items()):
                told = child.receive() if connection in ready else child.overdue()
                if isinstance(told, Record):
                    if told.outcome == "killed" and stopping():
                        return  # what stops the driver reached the cell first
                    leave(child, told)
                elif told is not None and agenda.hear(Event("epoch", child.job, told, child.worker)):
                    leave(child, child.stopped())
    finally:
        for child in live.values():
            child.kill()
