"""Run what is missing: choose the engine, try again what the machine failed, say what is left."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.run.guard import only_driver, stop_on_signal
from bench.run.job import Event, Job, OnEvent, retryable
from bench.run.options import Options
from bench.run.progress import Display
from bench.store import Store


@dataclass(frozen=True)
class Outcome:
    """Keys of the jobs by how they stand on record after a run, in the order of the jobs."""

    done: tuple[str, ...]
    failed: tuple[str, ...]
    missing: tuple[str, ...]
    interrupted: bool


def execute(
    jobs: Sequence[Job],
    store: Store,
    *,
    options: Options | None = None,
    labels: Mapping[str, str] | None = None,
    metric: str | None = None,
    finished: int = 0,
    on_event: OnEvent | None = None,
) -> Outcome:
    """Run the jobs that are not done on record, and record each the moment it ends.

    Cells that were killed or ran out of time are tried again as :func:`retryable` allows. Ctrl-C and
    SIGTERM stop the run cleanly: the cells that were running leave no record, the same call goes on.
    With nothing to run no engine is started.

    Args:
        jobs: what to run; a key that is on record as done is left out.
        store: where records go.
        options: how to run.
        labels: the arm of each key; if given, progress is shown on standard error.
        metric: score whose validation value ranks the arms in the display.
        finished: cells on record already, counted in the display only.
        on_event: told of every start, epoch and end.

    Raises:
        InvalidRequest: an option that cannot be, or another driver runs this store.
    """
    how = options or Options()
    how.check()
    todo = _not_done(jobs, store)
    if not todo:
        return _outcome(jobs, store, interrupted=False)
    from bench.run import local, tune

    on_ray = functools.partial(tune.run, address=how.address)
    engine: Callable[..., None] = local.run if how.engine == "local" else on_ray
    settings = how.settings()
    listeners: list[OnEvent] = [on_event] if on_event else []
    with contextlib.ExitStack() as stack:
        stack.enter_context(only_driver(store.root))
        stopping = stack.enter_context(stop_on_signal())
        todo = _not_done(jobs, store)  # another driver may have finished since
        if labels is not None:
            keys = {job.key for job in todo}
            listeners.append(stack.enter_context(Display(keys, labels, finished=finished, metric=metric)))

        def tell(event: Event) -> None:
            for listener in listeners:
                listener(event)

        while todo and not stopping():
            engine(todo, store, settings, workers=how.slots, on_event=tell, should_stop=stopping)
            todo = [again for job in todo if (again := _again(job, store))]
        return _outcome(jobs, store, interrupted=stopping())


def _not_done(jobs: Sequence[Job], store: Store) -> list[Job]:
    done = store.done()
    return [
        replace(job, attempt=store.attempts(job.key))
        for job in {job.key: job for job in jobs}.values()
        if job.key not in done
    ]


def _again(job: Job, store: Store) -> Job | None:
    """Return the next attempt at a job that has just ended in a way that allows one."""
    attempts, record = store.attempts(job.key), store.get(job.key)
    if record is None or attempts <= job.attempt or not retryable(record.outcome, attempts):
        return None
    return replace(job, attempt=attempts)


def _outcome(jobs: Sequence[Job], store: Store, *, interrupted: bool) -> Outcome:
    stand: dict[str, list[str]] = {"done": [], "failed": [], "missing": []}
    for key in dict.fromkeys(job.key for job in jobs):
        record = store.get(key)
        stand["missing" if record is None else "done" if record.done else "failed"].append(key)
    return Outcome(tuple(stand["done"]), tuple(stand["failed"]), tuple(stand["missing"]), interrupted)
