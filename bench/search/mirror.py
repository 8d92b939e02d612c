"""The mirror: every search as a study of Optuna, for the dashboard. Never read back as truth."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from bench.run.guard import only_driver
from bench.search.journal import Journal
from bench.search.log import Header, Trial, TrialLog, searches
from models.errors import InvalidRequest

KEY = "search"
"""User attribute of a study that names the search it shows, whatever somebody calls the study."""
OnBest = Callable[[BaseStorage, Header, Trial], None]

_ENDED = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


class Mirror:
    """Shows searches in the journal of a folder; a :class:`bench.search.task.Watcher`.

    Whatever happens to the journal (deleted, torn, edited in the dashboard, a full disk) a search goes
    on: what could not be shown is counted, and :meth:`reconcile` brings the journal back to what the
    record says.

    Args:
        root: folder of the record.
        on_best: called when a trial has ended as the best of its search so far, with the storage.
    """

    def __init__(self, root: Path, on_best: OnBest | None = None) -> None:
        self.failures = 0
        self._root = root
        self._on_best = on_best
        self._journal = Journal(root)
        self._last_error = ""

    def begun(self, header: Header, trial: Trial) -> None:
        """A trial begins, or goes on after an interruption."""
        self._show(header, trial, TrialState.RUNNING)

    def stepped(self, header: Header, trial: Trial, step: int, value: float) -> None:
        """The trial's first objective after so many epochs."""
        self._show(header, replace(trial, steps={**trial.steps, repr(step): value}), TrialState.RUNNING)

    def ended(self, header: Header, trial: Trial) -> None:
        """A trial has ended, as told."""
        self._show(header, trial, _ENDED[trial.state])

    def stopped(self, header: Header, trial: Trial) -> None:
        """The search was interrupted while the trial ran; the same command goes on with it."""
        self._show(header, trial, TrialState.WAITING)

    def reconcile(self) -> str | None:
        """Bring the journal to what the record says; return a sentence if it was found broken.

        Studies and trials that are missing or differ are made again. Unless a driver is at work, no
        trial is left running.
        """
        said = None
        try:
            with self._journal.turn():
                said = self._journal.mend()
                storage = self._journal.storage()
                logs = searches(self._root)
                alone = bool(logs) and not _at_work(self._root)
                for log in logs:
                    header = log.header()
                    if header is not None:
                        _restore(storage, header, log.trials(), alone)
                if alone:
                    _nothing_runs(storage)
        except Exception as error:  # a mirror is no reason for a search not to run
            self._failed(error)
        return said

    def complaint(self) -> str | None:
        """Return one sentence on what could not be shown; ``None`` if all was."""
        if not self.failures:
            return None
        updates = "1 update" if self.failures == 1 else f"{self.failures} updates"
        return (
            f"the dashboard's journal missed {updates} ({self._last_error}); "
            "nothing of the record is lost, and `precursor dashboard` shows all of it again"
        )

    def _show(self, header: Header, trial: Trial, state: TrialState) -> None:
        try:
            with self._journal.turn():
                storage = self._journal.storage()
                study = find_study(storage, header)
                wanted = as_shown(header, trial, state)
                if study is None or not _bring(storage, study, trial.number, wanted):
                    study = _restore(storage, header, TrialLog(self._root, header.key).trials(), alone=False)
                    _bring(storage, study, trial.number, wanted)
            if self._on_best and state == TrialState.COMPLETE and _is_best(storage, study, trial):
                self._on_best(storage, header, trial)
        except Exception as error:  # a mirror is no reason for a search to stop
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        self._last_error = f"{type(error).__name__}: {error}".partition("\n")[0]


def find_study(storage: BaseStorage, header: Header) -> int | None:
    """Return the id of the study that shows a search, under whatever name."""
    found = (s._study_id for s in storage.get_all_studies() if s.user_attrs.get(KEY) == header.key)
    return next(found, None)


def as_shown(header: Header, trial: Trial, state: TrialState) -> FrozenTrial:
    """Return a trial as Optuna shows it.

    As in ``Study.tell``, the value of a pruned trial is its last intermediate value. Optuna has no
    intermediate values for several objectives; there they are an attribute.
    """
    single = len(header.objectives) == 1
    steps = {int(step): value for step, value in trial.steps.items()}
    values = list(trial.values) if state == TrialState.COMPLETE else None
    if state == TrialState.PRUNED and single and steps:
        values = [steps[max(steps)]]
    attributes: dict[str, object] = {"cells": " ".join(trial.cells)}
    if trial.same_as is not None:
        attributes["same as trial"] = trial.same_as
    if state.is_finished():
        attributes |= {f"seed {i}": value for i, value in enumerate(trial.seeds)}
        attributes |= {"epochs": trial.epochs, "epochs from the record": trial.reused}
    if not single and steps:
        attributes[f"{header.objectives[0]} by epochs"] = {str(s): v for s, v in sorted(steps.items())}
    for name in ("failure", "message"):
        if getattr(trial, name):
            attributes[name] = getattr(trial, name)
    return create_trial(
        state=state,
        values=values,
        params=dict(trial.params),
        distributions={key: _distribution(header, key) for key in trial.params},
        user_attrs=attributes,
        intermediate_values=steps if single else {},
    )


def _distribution(header: Header, key: str) -> BaseDistribution:
    return json_to_distribution(header.space[key])


def _bring(storage: BaseStorage, study: int, number: int, wanted: FrozenTrial) -> bool:
    """Make one trial look as wanted; ``False`` if what is there cannot become it."""
    trials = storage.get_all_trials(study, deepcopy=False)
    if number > len(trials):
        return False
    if number == len(trials):
        storage.create_new_trial(study, wanted)
        return True
    there = trials[number]
    if there.state.is_finished():
        return _looks(there) == _looks(wanted)
    if there.params != wanted.params or there.distributions != wanted.distributions:
        return False
    if (
        wanted.state.is_finished()
        and not there.intermediate_values.keys() <= wanted.intermediate_values.keys()
    ):
        return False  # it went further before it was interrupted, and steps cannot be taken back
    for step, value in wanted.intermediate_values.items():
        if there.intermediate_values.get(step) != value:
            storage.set_trial_intermediate_value(there._trial_id, step, value)
    for name, attribute in wanted.user_attrs.items():
        if there.user_attrs.get(name) != attribute:
            storage.set_trial_user_attr(there._trial_id, name, attribute)
    if there.state != wanted.state:
        storage.set_trial_state_values(there._trial_id, wanted.state, wanted.values)
    return True


def _looks(trial: FrozenTrial) -> tuple[object, ...]:
    shown = (trial.state, trial.values, trial.params, trial.distributions)
    return (*shown, trial.intermediate_values, trial.user_attrs)


def _restore(storage: BaseStorage, header: Header, trials: list[Trial], alone: bool) -> int:
    """Make a study show these trials and return its id; made anew if what is there cannot become it."""
    study = find_study(storage, header)
    if study is not None:
        there = storage.get_all_trials(study, deepcopy=False)
        if len(there) > len(trials) or not all(
            _bring(storage, study, trial.number, as_shown(header, trial, _state(trial, there, alone)))
            for trial in trials
        ):
            storage.delete_study(study)
            study = None
    if study is None:
        study = _create(storage, header)
        for trial in trials:
            storage.create_new_trial(study, as_shown(header, trial, _state(trial, [], alone)))
    return study


def _state(trial: Trial, there: list[FrozenTrial], alone: bool) -> TrialState:
    """State by the record; a proposal runs only where somebody at work says so."""
    if trial.state in _ENDED:
        return _ENDED[trial.state]
    runs = not alone and trial.number < len(there) and there[trial.number].state == TrialState.RUNNING
    return TrialState.RUNNING if runs else TrialState.WAITING


def _create(storage: BaseStorage, header: Header) -> int:
    """Make the study of a search, in place of one that a killed writer left half made."""
    for each in storage.get_all_studies():
        if each.study_name == header.title:
            storage.delete_study(each._study_id)
    directions = [StudyDirection[direction.upper()] for direction in header.directions]
    study = optuna.create_study(storage=storage, study_name=header.title, directions=directions)
    with warnings.catch_warnings(category=ExperimentalWarning, action="ignore"):
        study.set_metric_names(list(header.objectives))
    for name in ("study", "data", "arm", "sampler", "repeat"):
        study.set_user_attr(name, getattr(header, name))
    study.set_user_attr("objectives", ", ".join(header.objectives))
    study.set_user_attr(KEY, header.key)  # last: now it is whole
    return study._study_id


def _is_best(storage: BaseStorage, study: int, trial: Trial) -> bool:
    """As :func:`bench.search.log.best`: Optuna's own best may have failed with the worst value."""
    if trial.failure or len(storage.get_study_directions(study)) > 1:
        return False
    ended = storage.get_all_trials(study, deepcopy=False, states=(TrialState.COMPLETE,))
    sound = [each for each in ended if "failure" not in each.user_attrs]
    return max(sound, key=lambda each: (each.values[0], -each.number)).number == trial.number


def _nothing_runs(storage: BaseStorage) -> None:
    """Searches that are no longer on record have nobody who could run them."""
    for study in storage.get_all_studies():
        if KEY in study.user_attrs:
            for trial in storage.get_all_trials(study._study_id, states=(TrialState.RUNNING,)):
                storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)


def _at_work(root: Path) -> bool:
    try:
        with only_driver(root):
            return False
    except InvalidRequest:
        return True
