"""The memory of a search: what was proposed and how it went, in files of our own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from bench.store import Record, Store

State = Literal["proposed", "complete", "pruned", "failed"]
FOLDER = "searches"
MACHINE = frozenset({"timeout", "killed", "error", "oom"})
"""Failures that come from the machine or from the limits of a run, or may: another run may go otherwise."""


@dataclass(frozen=True)
class Trial:
    """One configuration x its seeds.

    Attributes:
        number: its place in the search of its arm, from 0.
        params: searched parameters by dotted key.
        cells: keys of its cells, one a seed, in the order they run.
        state: ``proposed`` until it has ended; ``failed`` where the failure is not the configuration's.
        values: what the sampler was told, one a objective; the worst value for a configuration that
            fails by its own fault; empty unless complete.
        seeds: value of the first objective by seed, as far as they have been run.
        steps: epochs spent in this trial -> value of the first objective then (``repr`` of the epoch,
            as JSON has no other keys): the epoch's own on the first seed, the mean of the seeds later.
        failure: kind of failure, empty if none.
        message: what went wrong, or why the trial was stopped.
        epochs: epochs of training the trial stands for.
        reused: those of them that were read from the record instead of being run.
        same_as: number of the earlier trial with the same configuration, if there is one.
        beside: trials of the same search that were in flight when it was proposed; unless that is 0 for
            all, their order, and so the search, cannot be repeated exactly.
        attempts: attempts at each cell that were on record when it was proposed: only those are reused,
            later ones are its own.
        known: other trials that were known when it was proposed, or opened again; more than its number if
            later ones were among them.
        forgiven: attempts at each cell that were on record when it was opened again: failures of the
            machine's among them do not count.
        round: how often it was opened again.
    """

    number: int
    params: Mapping[str, Any]
    cells: tuple[str, ...]
    state: State = "proposed"
    values: tuple[float, ...] = ()
    seeds: tuple[float, ...] = ()
    steps: Mapping[str, float] = field(default_factory=dict)
    failure: str = ""
    message: str = ""
    epochs: int = 0
    reused: int = 0
    same_as: int | None = None
    beside: int = 0
    attempts: tuple[int, ...] = ()
    known: int = 0
    forgiven: tuple[int, ...] = ()
    round: int = 0

    def again(self, known: int, forgiven: tuple[int, ...]) -> Trial:
        """Return the trial opened again: the same proposal, of which nothing has been heard."""
        return Trial(
            self.number,
            self.params,
            self.cells,
            same_as=self.same_as,
            beside=self.beside,
            attempts=self.attempts,
            known=max(self.known, known),
            forgiven=forgiven,
            round=self.round + 1,
        )

    def ended(self, state: State, **parts: Any) -> Trial:
        """Return the trial as it ended."""
        return replace(self, state=state, **parts)


@dataclass(frozen=True)
class Header:
    """What one search (a study of Optuna) is: enough to show it again without its YAML file.

    Attributes:
        key: content key of the search; the name of its folder.
        study: name of the study.
        data: title of its data.
        arm: name of the arm.
        sampler: name of the sampler.
        repeat: number of the search over the splits.
        objectives: names of the objectives.
        directions: ``maximize`` or ``minimize`` for each.
        space: dotted key -> distribution as Optuna writes it in JSON.
        question: the question of the study.
    """

    key: str
    study: str
    data: str
    arm: str
    sampler: str
    repeat: int
    objectives: tuple[str, ...]
    directions: tuple[str, ...]
    space: Mapping[str, str]
    question: str = ""

    @property
    def title(self) -> str:
        """Name of the search for people; unique by its key."""
        return f"{self.study} · {self.data} · {self.arm} · {self.sampler} · {self.repeat} ({self.key[:6]})"


class TrialLog:
    """The trials of one search, kept like every other record: whole or absent, never overwritten.

    A proposal is on file before its cells run, and goes on after any interruption; a trial that has
    ended is on file for good. One that is opened again is a further round, beside the earlier ones.
    """

    def __init__(self, root: Path, key: str) -> None:
        self.key = key
        self._store = Store(root / FOLDER / key)

    def describe(self, header: Header) -> None:
        """Keep the header; the first one stands."""
        self._store.put(Record("header", 0, "done", cell=asdict(header)))

    def header(self) -> Header | None:
        """Return the header."""
        record = self._store.get("header")
        if record is None:
            return None
        return Header(**{name: _tupled(value) for name, value in record.cell.items()})

    def propose(self, trial: Trial) -> None:
        """Keep a proposal."""
        self._store.put(Record(_name("proposal", trial), 0, "done", cell=asdict(trial)))

    def end(self, trial: Trial) -> None:
        """Keep a trial that has ended."""
        self._store.put(Record(_name("trial", trial), 0, "done", cell=asdict(trial)))

    def trials(self) -> list[Trial]:
        """Return every trial by number, in its last round: as it ended, else as it was proposed."""
        found: dict[int, Trial] = {}
        for record in self._store.records():
            if record.key != "header":
                trial = Trial(**{name: _tupled(value) for name, value in record.cell.items()})
                found[trial.number] = max(found.get(trial.number, trial), trial, key=_progress)
        return [found[number] for number in sorted(found)]


def best(trials: Iterable[Trial]) -> Trial | None:
    """Return the trial that wins: complete, without a failure, best on the first objective, first of equals.

    The first objective is a score, of which more is better. ``None`` if no trial is complete.
    """
    sound = [trial for trial in trials if trial.state == "complete" and not trial.failure]
    return max(sound, key=lambda trial: (trial.values[0], -trial.number), default=None)


def repeatable(trials: Iterable[Trial], objectives: Collection[str]) -> bool:
    """Return whether the same search from an empty record would have exactly these trials.

    Not if one was proposed while another ran or when later ones were known, if the machine had a part in
    how one ended, or if an objective is measured time.

    Args:
        trials: of one search.
        objectives: what it looks for.
    """
    return "cpu_seconds" not in objectives and not any(
        trial.beside or trial.known > trial.number or trial.failure in MACHINE for trial in trials
    )


def searches(root: Path) -> list[TrialLog]:
    """Return the log of every search on record below ``root``."""
    folder = root / FOLDER
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return [TrialLog(root, name) for name in names]


def _name(kind: str, trial: Trial) -> str:
    return f"{kind}-{trial.number:06d}" + (f"-{trial.round}" if trial.round else "")


def _progress(trial: Trial) -> tuple[int, bool]:
    return trial.round, trial.state != "proposed"


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
