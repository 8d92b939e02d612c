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

from bench.run.desk import Desk
from bench.run.job import DIED, Agenda, Event, Job, OnEvent, Settings, ShouldStop
from bench.run.session import session
from bench.store import Record, Store

if TYPE_CHECKING:
    from bench.run.actor import Place

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
    with _ready(workers, address, store) as (folder, place):
        import ray
        from ray import tune

        from bench.run import actor

        for _ in range(_ROUNDS):
            left = _unrecorded(jobs, store)
            if not left or stopping():
                return
            recorder = actor.Recorder(store, left, tell, stopping)
            # Bundles travel through the object store: a trial's configuration is written to its state
            # again and again, and searched for things to sample.
            refs = [ray.put(bundle) for bundle in bundles(left, workers)]
            work = tune.with_parameters(actor.work, refs=refs, settings=settings, place=place)
            space = {"bundle": tune.grid_search(list(range(len(refs))))}
            _fit(work, recorder, folder, 2 if address else 0, space, max_concurrent_trials=workers)
            if not stopping():
                _bury([job for job in _unrecorded(left, store) if job.key in recorder.started], store, tell)


def pursue(
    agenda: Agenda,
    store: Store,
    settings: Settings,
    *,
    workers: int = 1,
    should_stop: ShouldStop | None = None,
    address: str | None = None,
) -> None:
    """Run the jobs of an agenda through Ray Tune; the contract is that of :func:`bench.run.local.pursue`.

    A job whose worker died under it is recorded as ``killed``; one whose worker died before it began
    is handed out again.

    Raises:
        InvalidRequest: workers die before they begin; or see :func:`bench.run.session.session`.
    """
    stopping: ShouldStop = should_stop or (lambda: False)
    with _ready(workers, address, store) as (folder, place):
        from ray import tune

        from bench.run import actor, steer

        desk = Desk(agenda, store, settings, workers, stopping)
        play = tune.with_parameters(actor.play, settings=settings, place=place)
        while desk.open():
            _fit(
                play,
                steer.Watch(desk),
                folder,
                0,
                {},
                search_alg=steer.Proposer(desk),
                scheduler=steer.Judge(desk),
                num_samples=-1,
                max_concurrent_trials=workers,
            )


@contextlib.contextmanager
def _ready(workers: int, address: str | None, store: Store) -> Iterator[tuple[str, Place]]:
    """Start or join Ray; yield a folder for the time being, and the place workers are told of."""
    with warnings.catch_warnings(), session(workers, address) as folder, _token(store) as token:
        warnings.simplefilter("ignore")
        from bench.run import actor

        yield folder, actor.Place(str(store.root.resolve()), token, tuple(filter(None, sys.path)))


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


def _fit(work: Any, callback: Any, folder: str, retries: int, space: Any, **config: Any) -> None:
    """Run trials of a function until there are no more, or until the callback leaves."""
    from ray import tune

    from bench.run import actor

    tuner = tune.Tuner(
        tune.with_resources(work, {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(reuse_actors=True, **config),
        run_config=tune.RunConfig(
            storage_path=folder,
            name=uuid.uuid4().hex,
            verbose=0,
            callbacks=[callback],
            failure_config=tune.FailureConfig(max_failures=retries),
        ),
    )
    with contextlib.suppress(actor.Interrupted):
        tuner.fit()
    if callback.broken:
        raise callback.broken


def _unrecorded(jobs: Sequence[Job], store: Store) -> list[Job]:
    return [job for job in jobs if store.attempts(job.key) <= job.attempt]


def _bury(jobs: Sequence[Job], store: Store, tell: OnEvent) -> None:
    """Record jobs that began and whose worker is gone."""
    for job in jobs:
        record = Record(job.key, job.attempt, "killed", DIED, cell=job.cell)
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
