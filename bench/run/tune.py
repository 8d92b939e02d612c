"""The engine on Ray Tune: a local session by default, a cluster by its address.

Tune only hands out bundles of jobs and carries results. Each worker is an actor that is reused, and
runs every cell in a fresh process of its own, so that neither state nor a crash passes from cell to
cell. What the store holds afterwards, not what Tune says, decides what has been run.
"""

from __future__ import annotations

import contextlib
import sys
import uuid
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bench.run.job import Event, Job, OnEvent, Settings, ShouldStop
from bench.run.session import session
from bench.store import Record, Store

if TYPE_CHECKING:
    from bench.run.actor import Place, Recorder

_ROUNDS = 3
_TOKEN = ".within-reach-"


def run(
    jobs: Sequence[Job],
    store: Store,
    settings: Settings,
    *,
    workers: int = 1,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
    address: str | None = None,
) -> None:
    """Run every job once through Ray Tune; the contract is that of :func:`bench.run.local.run`.

    A job whose worker died under it is recorded as ``killed``; jobs that had not begun are handed
    out again, a bounded number of times.

    Raises:
        InvalidRequest: see :func:`bench.run.session.session`.
    """
    tell: OnEvent = on_event or (lambda event: None)
    stopping: ShouldStop = should_stop or (lambda: False)
    with warnings.catch_warnings(), session(workers, address) as folder, _token(store) as token:
        warnings.simplefilter("ignore")
        from bench.run import actor

        place = actor.Place(str(store.root.resolve()), token, tuple(filter(None, sys.path)))
        for _ in range(_ROUNDS):
            left = _unrecorded(jobs, store)
            if not left or stopping():
                return
            recorder = actor.Recorder(store, left, tell, stopping)
            tuner = _tuner(bundles(left, workers), recorder, workers, folder, settings, place, bool(address))
            with contextlib.suppress(actor.Interrupted):
                tuner.fit()
            if recorder.broken:
                raise recorder.broken
            if not stopping():
                _bury([job for job in _unrecorded(left, store) if job.key in recorder.started], store, tell)


def bundles(jobs: Sequence[Job], workers: int) -> list[list[Job]]:
    """Deal jobs into bundles that shrink towards the end, so that workers finish together.

    Guided self-scheduling (Polychronopoulos and Kuck 1987): each bundle is a fixed share of what is
    left, here a quarter of a worker's share, down to single jobs. Large plans make larger bundles, as
    Tune writes the state of all its trials again and again.
    """
    largest = max(16, len(jobs) // 500)
    dealt: list[list[Job]] = []
    at = 0
    while at < len(jobs):
        size = min(max(1, (len(jobs) - at) // (4 * workers)), largest)
        dealt.append(list(jobs[at : at + size]))
        at += size
    return dealt


def _tuner(
    dealt: list[list[Job]],
    recorder: Recorder,
    workers: int,
    folder: str,
    settings: Settings,
    place: Place,
    cluster: bool,
) -> Any:
    """Return the tuner whose trials are the bundles."""
    import ray
    from ray import tune

    from bench.run import actor

    # Bundles travel through the object store: a trial's configuration is written to its state again
    # and again, and searched for things to sample.
    refs = [ray.put(bundle) for bundle in dealt]
    work = tune.with_parameters(actor.work, refs=refs, settings=settings, place=place)
    return tune.Tuner(
        tune.with_resources(work, {"cpu": 1}),
        param_space={"bundle": tune.grid_search(list(range(len(refs))))},
        tune_config=tune.TuneConfig(max_concurrent_trials=workers, reuse_actors=True),
        run_config=tune.RunConfig(
            storage_path=folder,
            name=uuid.uuid4().hex,
            verbose=0,
            callbacks=[recorder],
            failure_config=tune.FailureConfig(max_failures=2 if cluster else 0),
        ),
    )


def _unrecorded(jobs: Sequence[Job], store: Store) -> list[Job]:
    return [job for job in jobs if store.attempts(job.key) <= job.attempt]


def _bury(jobs: Sequence[Job], store: Store, tell: OnEvent) -> None:
    """Record jobs that began and whose worker is gone."""
    for job in jobs:
        record = Record(job.key, job.attempt, "killed", "the worker that ran the cell died", cell=job.cell)
        store.put(record)
        tell(Event("end", job, record.payload(), ""))


@contextlib.contextmanager
def _token(store: Store) -> Iterator[str]:
    """Put a file beside the records by which a worker sees that it reaches them; yield its name."""
    store.root.mkdir(parents=True, exist_ok=True)
    for old in store.root.glob(f"{_TOKEN}*"):
        old.unlink(missing_ok=True)
    token = store.root / f"{_TOKEN}{uuid.uuid4().hex}"
    token.touch()
    try:
        yield token.name
    finally:
        token.unlink(missing_ok=True)
