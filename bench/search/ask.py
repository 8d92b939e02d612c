"""One question to Optuna: which configuration comes next? Nothing but the trials is remembered."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from bench.search.log import Trial
from bench.search.samplers import Sampler
from bench.search.space import Params, Space
from bench.store import plain


def propose(
    sampler: Sampler, space: Space, directions: Sequence[str], trials: Iterable[Trial], seed: int, number: int
) -> Params:
    """Return the parameters of trial ``number``: a function of the arguments alone.

    Args:
        sampler: who proposes.
        space: what is varied.
        directions: ``maximize`` or ``minimize`` for each objective.
        trials: every other trial, ended or not, in the order of their numbers.
        seed: of the search.
        number: of the trial.
    """
    with _silent():
        study = optuna.create_study(
            directions=[StudyDirection[each.upper()] for each in directions],
            sampler=sampler.build(seed, number, space),
        )
        study.add_trials(_frozen(list(trials), space, directions, sampler.ranks_pruned))
        asked = study.ask(space)
        params: Params = plain(asked.params)
    return params


def _frozen(
    trials: Sequence[Trial], space: Space, directions: Sequence[str], ranks_pruned: bool
) -> list[FrozenTrial]:
    worst = _worst_seen(trials, directions)
    found = []
    for trial in trials:
        state, values = TrialState.RUNNING, None
        steps = {int(epoch): value for epoch, value in trial.steps.items()} if len(directions) == 1 else {}
        if trial.state == "complete":
            state = TrialState.COMPLETE
            # A failure's own values are far out on purpose, and would flatten any model of the others.
            values = list(trial.values[:1]) + (worst if trial.failure else list(trial.values[1:]))
        elif trial.state == "pruned":
            state = TrialState.PRUNED if ranks_pruned else TrialState.COMPLETE
            values = [steps[max(steps)]]
        elif trial.state == "failed":
            state = TrialState.FAIL
        found.append(
            create_trial(
                state=state,
                values=values,
                params=dict(trial.params),
                distributions=space,
                intermediate_values=steps if state.is_finished() else {},
            )
        )
    return found


def _worst_seen(trials: Sequence[Trial], directions: Sequence[str]) -> list[float]:
    """Return the worst value of every objective but the first among trials that did not fail."""
    sound = [trial.values for trial in trials if trial.state == "complete" and not trial.failure]
    return [
        (max if direction == "minimize" else min)((values[n] for values in sound), default=0.0)
        for n, direction in enumerate(directions)
        if n
    ]


@contextmanager
def _silent() -> Iterator[None]:
    """Keep what Optuna says of its own features from the user, who chose none of them."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)
