"""The course of one search: asks for configurations, judges them as they run, and keeps how they went."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from bench import identity
from bench.identity import canonical
from bench.run.job import retryable
from bench.search.ask import propose
from bench.search.log import MACHINE, State, Trial, TrialLog, best
from bench.search.objectives import FAULTS, objective, score, worst_value
from bench.search.pruning import Halving, p_behind
from bench.search.samplers import Sampler
from bench.search.task import Task, Watcher
from bench.store import Record, Store
from models import registry
from models.errors import InvalidRequest


@dataclass(eq=False)
class Ongoing:
    """A trial that runs: what has been heard of it so far.

    Attributes:
        trial: the proposal.
        contents: its cells.
        resumed: whether it was interrupted or opened again: what is on record may be its own.
        done: records of the cells that are done.
        steps: as in the trial.
        heard: epochs heard of the cell that is next to be done.
        epochs: epochs of the cells before it.
        reused: those of them that were read from the record.
        stopped: why the trial must stop; empty while it goes on.
        ended: whether it is over.
    """

    trial: Trial
    contents: tuple[dict[str, Any], ...]
    resumed: bool
    done: list[Record] = field(default_factory=list)
    steps: dict[str, float] = field(default_factory=dict)
    heard: int = 0
    epochs: int = 0
    reused: int = 0
    stopped: str = ""
    ended: bool = False

    @property
    def cell(self) -> str:
        """Key of the cell that is next to be done."""
        return self.trial.cells[len(self.done)]


class Course:
    """One search, rebuilt from its log: the same command goes on where the last one stopped.

    Args:
        task: what it has to do.
        log: its memory.
        store: the record of cells.
        watchers: who is told of every trial.
        retry: whether to open again the trials that the machine or its limits ended: with their
            parameters, as if such failures, from whatever search, were not on record.

    Raises:
        InvalidRequest: the sampler cannot work on the space.
    """

    def __init__(
        self,
        task: Task,
        log: TrialLog,
        store: Store,
        watchers: Sequence[Watcher] = (),
        *,
        retry: bool = False,
    ) -> None:
        self.task = task
        self.ongoing: dict[int, Ongoing] = {}
        self._log, self._store, self._watchers = log, store, watchers
        self._sampler: Sampler = registry.build("sampler", task.sampler)
        self._sampler.check(task.space)
        settings = task.settings
        self._pruning = self._sampler.pruning and len(task.header.objectives) == 1
        self._halving = Halving(settings.grace, settings.reduction, task.epochs)
        self._failures = _failures(store) if retry else {}
        on_file = log.trials()
        self.trials = {
            trial.number: self._again(trial, len(on_file) - 1) if retry else trial for trial in on_file
        }
        self._interrupted = deque(
            each for each in self.trials.values() if each.state == "proposed" and each.number < task.trials
        )
        self._open = deque(number for number in range(task.trials) if number not in self.trials)
        for trial in self.trials.values():
            for epoch, value in trial.steps.items():
                self._halving.hear(trial.number, int(epoch), value)

    @property
    def exhausted(self) -> bool:
        """Whether every trial has begun."""
        return not (self._open or self._interrupted)

    @property
    def finished(self) -> bool:
        """Whether every trial has ended."""
        return self.exhausted and not self.ongoing

    @property
    def begun(self) -> int:
        """Number of trials that have begun."""
        return len(self.trials) - len(self._interrupted)

    @property
    def ended(self) -> list[Trial]:
        """The trials that have ended, of those it is given."""
        return [t for t in self.trials.values() if t.state != "proposed" and t.number < self.task.trials]

    @property
    def best(self) -> Trial | None:
        """The complete trial with the best value of the first objective; the first one of equals."""
        return best(self.trials.values())

    def begin(self) -> None:
        """Begin a trial: one that was interrupted or is opened again if there is one, else a new one."""
        resumed = bool(self._interrupted)
        trial = self._interrupted.popleft() if resumed else self._proposed(self._open.popleft())
        self._log.propose(trial)  # changes nothing if it is on file already
        contents, refusal = self._contents(trial.params)
        run = self.ongoing[trial.number] = Ongoing(trial, contents, resumed)
        for watcher in self._watchers:
            watcher.begun(self.task.header, trial)
        if refusal:
            self._blame(run, "invalid", refusal)

    def hear(self, run: Ongoing, epoch: Mapping[str, Any]) -> bool:
        """Take note of the next epoch of the running cell; return whether the trial must stop."""
        run.heard += 1
        value, number = epoch.get(f"validation.{self.task.metric}"), int(epoch["epoch"])
        if run.done or value is None or number >= self.task.epochs:
            return False
        self._step(run, number, float(value))
        goes_on = self._halving.hear(run.trial.number, number, float(value))
        if self._pruning and not goes_on:
            share, rivals = self.task.settings.reduction, len(self._halving.values[number])
            run.stopped = f"not in the best 1/{share} of {rivals} trials at epoch {number}"
        return bool(run.stopped)

    def settle(self, run: Ongoing, record: Record, *, ran: bool) -> bool:
        """Take a record as the result of a trial's cell; return whether it is one.

        It is none where the cell has to be run again: a pruned curve that ends before this trial may be
        stopped, a failure of the machine's that is tried again, is from before this trial, or does not
        count since the trial was opened again.

        Args:
            run: the trial.
            record: of the cell that is next to be done.
            ran: whether the cell has just been run for this trial.
        """
        own = record.attempt + 1 - run.trial.attempts[len(run.done)]
        since = record.attempt + 1 - (run.trial.forgiven[len(run.done)] if run.trial.forgiven else 0)
        tries = min(own, since)
        certain = record.outcome in FAULTS or record.outcome in ("done", "pruned")
        again = not certain and not run.stopped and (tries <= 0 or retryable(record.outcome, tries))
        if again or (since <= 0 and record.outcome in MACHINE):
            run.heard = 0
            return False
        for epoch in record.curve[run.heard :]:
            if run.stopped or self.hear(run, epoch):
                break
        if record.outcome == "pruned" and not run.stopped:
            run.heard = 0
            return False
        run.epochs += run.heard
        if not ran and (own <= 0 or not run.resumed):
            run.reused += run.heard
        run.heard = 0
        if run.stopped:
            self._end(run, "pruned", message=run.stopped)
        elif record.outcome in FAULTS:
            self._blame(run, record.outcome, record.message)
        elif not record.done:
            self._end(run, "failed", failure=record.outcome, message=record.message)
        else:
            self._take(run, record)
        return True

    def interrupt(self) -> None:
        """Tell that the trials which run will go on another time."""
        for run in self.ongoing.values():
            for watcher in self._watchers:
                watcher.stopped(self.task.header, run.trial)

    def _proposed(self, number: int) -> Trial:
        task = self.task
        if number == 0 and task.first is not None:
            params = dict(task.first)
        else:
            trials = [self.trials[each] for each in sorted(self.trials)]
            directions = task.header.directions
            params = propose(self._sampler, task.space, directions, trials, task.seed, number)
        cells = tuple(identity.key(content) for content in self._contents(params)[0])
        beside = sum(trial.state == "proposed" for trial in self.trials.values())
        same = [each for each, t in self.trials.items() if canonical(t.params) == canonical(params)]
        self._log.describe(task.header)
        self.trials[number] = Trial(
            number,
            params,
            cells,
            same_as=min(same, default=None),
            beside=beside,
            attempts=tuple(self._store.attempts(cell) for cell in cells),
            known=len(self.trials),
            forgiven=self._forgiven(cells),
        )
        return self.trials[number]

    def _again(self, trial: Trial, known: int) -> Trial:
        """Open a trial again if the machine ended it, or failed it on record before it was interrupted."""
        forgiven = self._forgiven(trial.cells)
        failed = trial.failure in MACHINE or (trial.state == "proposed" and forgiven != trial.forgiven)
        return trial.again(known, forgiven) if failed and trial.number < self.task.trials else trial

    def _forgiven(self, cells: Sequence[str]) -> tuple[int, ...]:
        return tuple(self._failures.get(cell, 0) for cell in cells)

    def _contents(self, params: Mapping[str, Any]) -> tuple[tuple[dict[str, Any], ...], str]:
        """Return the cells of a configuration, or none and why there are none."""
        try:
            return self.task.contents(dict(params)), ""
        except InvalidRequest as error:
            return (), str(error)

    def _take(self, run: Ongoing, record: Record) -> None:
        """Count a done cell, and decide whether the trial has another."""
        if score(record, self.task.metric) is None:
            self._end(run, "failed", failure="error", message=f"no validation.{self.task.metric} was scored")
            return
        run.done.append(record)
        seeds = self._seeds(run)
        self._step(run, len(seeds) * self.task.epochs, fmean(seeds))
        if len(seeds) == len(run.contents):
            self._complete(run)
        elif self._pruning and (best := self.best) and len(seeds) > 1:
            p = p_behind(seeds, best.seeds[: len(seeds)])
            if p < self.task.settings.race:
                message = f"behind trial {best.number} on {len(seeds)} seeds (p = {p:.2g})"
                self._end(run, "pruned", message=message)

    def _complete(self, run: Ongoing) -> None:
        names = self.task.header.objectives
        values = {name: objective(name, run.contents[0], run.done) for name in names}
        missing = [name for name, value in values.items() if value is None]
        if missing:
            self._end(run, "failed", failure="error", message=f"no {missing[0]} was recorded")
        else:
            self._end(run, "complete", values=tuple(values.values()))

    def _seeds(self, run: Ongoing) -> tuple[float, ...]:
        found = [score(record, self.task.metric) for record in run.done]
        return tuple(float(value) for value in found if value is not None)

    def _blame(self, run: Ongoing, kind: str, message: str) -> None:
        """End a trial whose configuration is at fault: the worst value is its result."""
        worst = tuple(worst_value(name) for name in self.task.header.objectives)
        self._end(run, "complete", values=worst, failure=kind, message=message)

    def _step(self, run: Ongoing, step: int, value: float) -> None:
        run.steps[repr(step)] = value
        for watcher in self._watchers:
            watcher.stepped(self.task.header, run.trial, step, value)

    def _end(self, run: Ongoing, state: State, **parts: Any) -> None:
        trial = run.trial.ended(
            state, seeds=self._seeds(run), steps=run.steps, epochs=run.epochs, reused=run.reused, **parts
        )
        self._log.end(trial)
        self.trials[trial.number] = trial
        run.ended = True
        del self.ongoing[trial.number]
        for watcher in self._watchers:
            watcher.ended(self.task.header, trial)


def _failures(store: Store) -> dict[str, int]:
    """Return the attempts at every cell up to the last that the machine or its limits ended."""
    return {record.key: record.attempt + 1 for record in store.records() if record.outcome in MACHINE}
