"""Run what is missing: choose the engine, try again what the machine failed, say what is left."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.provenance import provenance
from bench.run.guard import only_driver, stop_on_signal
from bench.run.job import PRELOAD, TARGET, Event, Job, OnEvent, Settings, retryable
from bench.run.progress import Display
from bench.store import Store
from models.errors import InvalidRequest, unknown

ENGINES = ("ray", "local")


@dataclass(frozen=True)
class Options:
    """How a run is carried out; none of it changes a score.

    Attributes:
        engine: ``ray`` (Ray Tune) or ``local`` (plain processes).
        workers: cells that run side by side, one thread each; as many as there are cores if ``None``.
        address: Ray cluster to join; a session on this machine if ``None``.
        device: handed to the target, where cells train; not handed over if ``None``.
        timeout: wall seconds a cell may take.
        memory: MiB of private resident memory a cell may use.
        target: function that runs a cell, as ``module:name``.
        preload: modules imported before cells are forked.
    """

    engine: str = "ray"
    workers: int | None = None
    address: str | None = None
    device: str | None = None
    timeout: float | None = None
    memory: float | None = None
    target: str = TARGET
    preload: tuple[str, ...] = PRELOAD


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
    _check(how)
    todo = _not_done(jobs, store)
    if not todo:
        return _outcome(jobs, store, interrupted=False)
    engine = _engine(how)
    settings = Settings(
        how.target,
        {"device": how.device} if how.device else {},
        how.timeout,
        how.memory,
        provenance(how.device or "cpu") | {"engine": how.engine},
        how.preload,
    )
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
            engine(todo, store, settings, workers=_workers(how), on_event=tell, should_stop=stopping)
            todo = [again for job in todo if (again := _again(job, store))]
        return _outcome(jobs, store, interrupted=stopping())


def _check(options: Options) -> None:
    if options.engine not in ENGINES:
        raise unknown("engine", options.engine, ENGINES)
    if options.address and options.engine != "ray":
        raise InvalidRequest(f"an address needs engine 'ray', got {options.engine!r}; leave one of them out")
    for name in ("workers", "timeout", "memory"):
        value = getattr(options, name)
        if value is not None and not value > 0:
            raise InvalidRequest(f"{name} must be above 0, got {value!r}; leave it out for the default")
    module, _, function = options.target.partition(":")
    if not (module and function and _importable(module)):
        raise InvalidRequest(
            f"a target must name a function as module:function, got {options.target!r} (default: {TARGET})"
        )


def _importable(module: str) -> bool:
    """Say whether a module can be found; only the packages it lies in are imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False


def _engine(options: Options) -> Callable[..., None]:
    if options.engine == "local":
        from bench.run import local

        return local.run
    from bench.run import tune

    def run(*args: Any, **keywords: Any) -> None:
        tune.run(*args, **keywords, address=options.address)

    return run


def _workers(options: Options) -> int:
    return options.workers or len(os.sched_getaffinity(0))


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
