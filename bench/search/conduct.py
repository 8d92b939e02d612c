"""From a study to its confirmed winners: search what is missing, then retrain the winners."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from bench.data.dataset import Dataset, prepare
from bench.data.split import LeakError, split
from bench.grid import cache_folder
from bench.run import Job, Options, Outcome, execute, pursue, retryable
from bench.search.agenda import SearchAgenda
from bench.search.confirm import Winner, confirm_cells, ended
from bench.search.course import Course
from bench.search.log import TrialLog
from bench.search.mirror import Mirror, OnBest
from bench.search.plan import FIRST_SEED, SearchPlan
from bench.search.task import Task
from bench.store import Store
from bench.study import Cell


@dataclass(frozen=True)
class Searching:
    """How a search went: whether it was interrupted, and what the mirror has to say."""

    interrupted: bool
    messages: tuple[str, ...]


def ahead(tasks: Sequence[Task], workers: int) -> int:
    """Return how many trials of one search run side by side: one, unless workers would idle."""
    return max(1, math.ceil(workers / len(tasks)))


def search(
    tasks: Sequence[Task],
    root: Path,
    options: Options,
    on_best: OnBest | None = None,
    *,
    retry: bool = False,
) -> Searching:
    """Run the trials that are missing of every search; their memory is rebuilt from the record.

    Args:
        tasks: the searches.
        root: folder of the record.
        options: how to run.
        on_best: told of each trial that is the best of its search so far, to show it.
        retry: open again the trials that failed by the machine or its limits.
    """
    store = Store(root)
    mirror = Mirror(root, on_best)
    damage = mirror.reconcile()
    made: list[SearchAgenda] = []

    def agenda() -> SearchAgenda:
        courses = [
            Course(task, TrialLog(root, task.header.key), store, [mirror], retry=retry) for task in tasks
        ]
        made.append(SearchAgenda(courses, store, ahead(tasks, options.workers or 1)))
        return made[0]

    interrupted = pursue(agenda, store, options=options, standing=lambda: made[0].standing())
    if interrupted:
        made[0].stop()
    said = (damage, mirror.complaint())
    return Searching(interrupted, tuple(sentence for sentence in said if sentence))


def check_data(plan: SearchPlan, data: Path) -> None:
    """Divide the data for every seed of the search and of its confirmation before anything is trained.

    Raises:
        InvalidRequest: a lead that the windows cannot have, or a part that would hold one class only.
        LeakError: the test part differs between seeds of a repeat.
    """
    study, settings = plan.study, plan.spec.settings
    dataset = Dataset.open(data)
    for lead in sorted(_leads(plan)):
        windows = dataset.windows(study.windows, lead)
        for repeat in range(settings.repeats):
            own, fold = plan.held_out(repeat)
            searched = [FIRST_SEED + repeat * 1000 + n for n in range(settings.seeds_per_trial)]
            parts = [
                split(study.split, dataset.tracks, windows, seed=own, fold=fold, validation=seed)
                for seed in (*searched, *range(settings.confirm_seeds))
            ]
            if any(not np.array_equal(each.test, parts[0].test) for each in parts):
                raise LeakError(f"the test part of repeat {repeat} differs between seeds")


def _leads(plan: SearchPlan) -> set[float]:
    found = {arm.config["lead"] for arm in plan.arms}
    for space, fixed in plan.spaces.values():
        distribution = space.get("lead")
        if isinstance(distribution, CategoricalDistribution):
            found |= {float(each) for each in distribution.choices if isinstance(each, int | float)}
        elif isinstance(distribution, FloatDistribution | IntDistribution):
            found |= {float(distribution.low), float(distribution.high)}
        if "lead" in fixed:
            found.add(float(fixed["lead"]))
    return found


def confirm(
    plan: SearchPlan, found: Sequence[Winner], root: Path, options: Options, *, retry: bool = False
) -> Outcome:
    """Retrain every winner, and every arm as declared, on fresh seeds; this alone reads the test part."""
    store = Store(root)
    cells = confirm_cells(plan, found)
    leads = sorted({cell.content["arm"]["lead"] for cell in cells})
    data = prepare(plan.study.source, plan.study.windows, leads, cache_folder(), raw=plan.study.raw)
    jobs = [
        Job(cell.key, store.attempts(cell.key), cell.content, str(data))
        for cell in _todo(cells, store, retry)
    ]
    return execute(
        jobs,
        store,
        options=options,
        labels={cell.key: cell.arm for cell in cells},
        metric=plan.study.settings.metric,
        finished=len({cell.key for cell in cells}) - len(jobs),
    )


def _todo(cells: Sequence[Cell], store: Store, retry: bool) -> list[Cell]:
    """Leave out what is done, and what failed for good unless it is to be retried."""
    done = store.done()
    todo = []
    for key, cell in {cell.key: cell for cell in cells}.items():
        record = None if key in done or retry else store.get(key)
        if key not in done and (record is None or retryable(record.outcome, store.attempts(key))):
            todo.append(cell)
    return todo


def unfinished(tasks: Sequence[Task], root: Path) -> int:
    """Return how many trials of these searches have not ended."""
    return sum(task.trials - len(ended(task, root)) for task in tasks)


def failed(tasks: Sequence[Task], root: Path) -> dict[str, int]:
    """Return how many trials failed by no fault of their configuration, by arm and kind."""
    found: Counter[str] = Counter()
    for task in tasks:
        for trial in ended(task, root):
            if trial.state == "failed":
                found[f"{task.header.arm} ({trial.failure})"] += 1
    return dict(found)
