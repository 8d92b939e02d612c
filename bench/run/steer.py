"""An agenda on Ray Tune: one trial is one cell, proposed, judged and ended here.

Tune asks a searcher for trials and a scheduler for decisions; both only pass on what the desk says.
Imports Ray, so only :mod:`bench.run.tune` imports it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from bench.run.actor import Interrupted
from bench.run.desk import Desk

_UNKNOWN = "no reason known"


class Proposer(Searcher):
    """Gives the next job to Tune as a trial."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def suggest(self, trial_id: str) -> Any:
        """Return the job as text, because Tune looks into a configuration for things to sample."""
        if job := self._desk.next(trial_id):
            return {"job": json.dumps(asdict(job))}
        return None if self._desk.out else Searcher.FINISHED

    def set_max_concurrency(self, max_concurrent: int) -> bool:
        """Say that the limit is kept here: the limiter of Tune loses count of trials that break."""
        return True

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """Do nothing: :class:`Watch` sees every trial that ends."""

    def save(self, checkpoint_path: str) -> None:
        """Do nothing: the record is the memory."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing."""


class Judge(FIFOScheduler):
    """Opens what workers report, while Tune waits for the decision about the trial."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._desk = desk

    def on_trial_result(self, tune_controller: Any, trial: Any, result: Mapping[str, Any]) -> str:
        """End the trial with its job: its worker is free at once."""
        over = self._desk.hear(trial.trial_id, json.loads(result["letters"]))
        return TrialScheduler.STOP if over else TrialScheduler.CONTINUE


class Watch(tune.Callback):
    """Leaves Tune when asked to, finds trials that broke, keeps letters out of Tune's files."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def broken(self) -> Exception | None:
        """What went wrong at the desk."""
        return self._desk.broken

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Look after the trials that are out."""
        for trial in trials:
            if trial.trial_id in self._desk.out and trial.is_finished():
                self._desk.gone(trial.trial_id, _reason(trial))
        if self._desk.closed:
            raise Interrupted

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Drop the letters, which have been opened."""
        result["letters"] = "[]"


def _reason(trial: Any) -> str:
    """Return the last error of a trial that broke, from the file that Tune keeps of them."""
    with contextlib.suppress(OSError, TypeError):
        lines = Path(trial.error_file).read_text().splitlines()
        return next((line.strip()[:200] for line in reversed(lines) if "Error" in line), _UNKNOWN)
    return _UNKNOWN
