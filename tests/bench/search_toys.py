"""A search without training: cells whose curves follow from the parameters, and an engine in a loop."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from bench.run.job import Event, Job
from bench.search.agenda import SearchAgenda
from bench.search.course import Course
from bench.search.log import Header, Trial, TrialLog
from bench.search.spec import SearchSettings
from bench.search.task import Task, Watcher
from bench.store import Record, Store
from models import registry

METRIC = "current.balanced_accuracy"
SPACE = {
    "lr": FloatDistribution(1e-4, 1e-1, log=True),
    "codes": IntDistribution(8, 512, log=True),
    "steps": IntDistribution(1, 9),
    "loss": CategoricalDistribution(("infonce", "cwcl", "triplet")),
}


class Killed(BaseException):
    """The driver is gone."""


def contents(arm: str, seeds: int, check: Callable[[dict], None] | None = None):
    def build(params: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        if check:
            check(params)
        config = {"name": arm, "lead": params.get("lead", 240.0), **params}
        return tuple({"arm": config, "seeds": seed, "read": "validation"} for seed in range(seeds))

    return build


def task(
    arm="cwcl", *, sampler="tpe", trials=8, seeds=2, epochs=4, space=None, objectives=(METRIC,), first=None,
    check=None, seed=0, **settings,
) -> Task:  # fmt: skip
    space = dict(sorted((space or SPACE).items()))
    spec = registry.resolve("sampler", {"name": sampler} if isinstance(sampler, str) else sampler)
    directions = tuple(
        "minimize" if name in ("parameters", "cpu_seconds") else "maximize" for name in objectives
    )
    shown = {key: distribution_to_json(value) for key, value in space.items()}
    name = f"{arm}-{spec['name']}-{seed}"
    header = Header(name, "toy", "no data", arm, spec["name"], 0, tuple(objectives), directions, shown)
    return Task(
        header, space, first, spec, SearchSettings(trials=trials, seeds_per_trial=seeds, **settings),
        trials, seed, epochs, METRIC, contents(arm, seeds, check), "nowhere",
    )  # fmt: skip


def smooth(cell: dict[str, Any], epochs: int = 4) -> tuple[list[float | None], float | str]:
    """A curve that rises to a height that the parameters decide, a little different for each seed."""
    arm = cell["arm"]
    height = 0.9 - 0.4 * abs(arm["steps"] - 6) / 9 - 0.1 * (arm["loss"] == "triplet")
    height += 0.013 * (cell["seeds"] % 2) - abs(arm["lr"] - 0.01) + arm["codes"] / 1e6
    return [height * (1 - 0.5 ** (epoch + 1)) for epoch in range(epochs)], height


@dataclass
class Engine:
    """Runs the cells of an agenda in one thread: in order, or with several workers in any order.

    ``curve`` gives the values of a cell epoch by epoch, and its final one or how it fails;
    ``dies_at`` is the number of the step before which the driver is killed.
    """

    root: Path
    curve: Callable[[dict[str, Any]], tuple[list[float | None], float | str]] = smooth
    workers: int = 1
    rng: random.Random | None = None
    dies_at: int = -1
    steps: int = 0
    most: int = 0
    ran: list[str] = field(default_factory=list)

    def run(self, agenda: SearchAgenda) -> None:
        live: list[Iterator[None]] = []
        store = Store(self.root)
        while True:
            while len(live) < self.workers and (job := agenda.next()):
                assert job.attempt == store.attempts(job.key)
                self.ran.append(job.key)
                live.append(self._cell(job, agenda, store))
            self.most = max(self.most, len(live))
            if not live:
                assert agenda.finished
                return
            cell = live[self.rng.randrange(len(live)) if self.rng else 0]
            if next(cell, "over") == "over":
                live.remove(cell)

    def _cell(self, job: Job, agenda: SearchAgenda, store: Store) -> Iterator[None]:
        values, end = self.curve(job.cell)
        told: list[dict[str, Any]] = []
        self._may_die()
        assert not agenda.hear(Event("start", job, {}, "0"))
        outcome = end if isinstance(end, str) else "done"
        for epoch, value in enumerate(values, 1):
            yield
            self._may_die()
            told.append(
                {"epoch": epoch, "loss": 1.0} | ({f"validation.{METRIC}": value} if value is not None else {})
            )
            if agenda.hear(Event("epoch", job, told[-1], "0")):
                outcome = "pruned"
                break
        yield
        self._may_die()
        scores = {f"validation.{METRIC}": end} if outcome == "done" else {}
        cost = {"parameters": 100 * job.cell["arm"].get("codes", 1), "cpu_seconds": 1.0 + len(told)}
        message = "" if outcome == "done" else f"it was {outcome}"
        record = Record(job.key, job.attempt, outcome, message, job.cell, scores, curve=told, cost=cost)
        store.put(record)
        yield
        self._may_die()
        assert not agenda.hear(Event("end", job, record.payload(), "0"))

    def _may_die(self) -> None:
        self.steps += 1
        if self.steps == self.dies_at:
            raise Killed


class Diary:
    """A watcher that writes everything down."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, int]] = []
        self.open: set[tuple[str, int]] = set()

    def begun(self, header: Header, trial: Trial) -> None:
        assert (header.key, trial.number) not in self.open
        self.open.add((header.key, trial.number))
        self.lines.append(("begun", header.key, trial.number))

    def stepped(self, header: Header, trial: Trial, step: int, value: float) -> None:
        assert (header.key, trial.number) in self.open
        self.lines.append((f"step {step}", header.key, trial.number))

    def ended(self, header: Header, trial: Trial) -> None:
        self.open.remove((header.key, trial.number))
        self.lines.append((trial.state, header.key, trial.number))

    def stopped(self, header: Header, trial: Trial) -> None:
        self.open.remove((header.key, trial.number))
        self.lines.append(("stopped", header.key, trial.number))


def agenda(
    root: Path, *tasks: Task, ahead: int = 1, watchers: Sequence[Watcher] = (), retry: bool = False
) -> SearchAgenda:
    """Build the agenda anew from what is on file, as a restarted driver does."""
    logs = [TrialLog(root, each.header.key) for each in tasks]
    courses = [
        Course(each, log, Store(root), watchers, retry=retry) for each, log in zip(tasks, logs, strict=True)
    ]
    return SearchAgenda(courses, Store(root), ahead)


def search(root: Path, *tasks: Task, ahead: int = 1, retry: bool = False, **engine: Any) -> list[list[Trial]]:
    """Run searches to their end and return the trials of each, as they are on file."""
    Engine(root, **engine).run(agenda(root, *tasks, ahead=ahead, retry=retry))
    return trials(root, *tasks)


def trials(root: Path, *tasks: Task) -> list[list[Trial]]:
    return [TrialLog(root, each.header.key).trials() for each in tasks]
