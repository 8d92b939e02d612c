"""Confirm: every arm's winner, and the arm as declared, retrained on fresh seeds; test is read here alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.arms import Arm, reference_arm
from bench.gather import evidence_of, overlap
from bench.report.evidence import ArmInfo, Evidence
from bench.report.searched import ArmSearch, Searched
from bench.search.log import Trial, TrialLog, best, repeatable
from bench.search.plan import SEARCHABLE, SearchPlan
from bench.search.space import configure, value_of
from bench.search.task import Task
from bench.store import Store
from bench.study import Cell, Unit
from models import registry


@dataclass(frozen=True, eq=False)
class Winner:
    """What a search chose: the complete trial that is best on the first objective, the first of equals."""

    arm: Arm
    repeat: int
    trial: Trial
    config: Mapping[str, Any]


def ended(task: Task, root: Path) -> list[Trial]:
    """Return the trials of a search that have ended, of those it is given."""
    trials = TrialLog(root, task.header.key).trials()
    return [trial for trial in trials if trial.state != "proposed" and trial.number < task.trials]


def winners(plan: SearchPlan, tasks: Sequence[Task], root: Path) -> tuple[Winner, ...]:
    """Return the winner of every search whose sampler decides; those that found none are left out."""
    arms = {arm.name: arm for arm in plan.arms}
    found = []
    for task in tasks:
        header = task.header
        trial = best(ended(task, root))
        if _deciding(plan, task) and trial is not None:
            arm = arms[header.arm]
            config = configure(arm, {**plan.spaces[arm.name][1], **trial.params})
            found.append(Winner(arm, header.repeat, trial, config))
    return tuple(found)


def _deciding(plan: SearchPlan, task: Task) -> bool:
    return task.header.sampler == str(plan.spec.sampler["name"])


def declared_name(arm: str) -> str:
    """Return what an arm is called when it runs with the values its study declares."""
    return f"{arm}, as declared"


def confirm_cells(plan: SearchPlan, found: Sequence[Winner]) -> tuple[Cell, ...]:
    """Return every cell of the confirmation, unit by unit, on seeds that no search has seen.

    Controls and references run in the baseline's tuned configuration. Each cell is trained to the end
    and reads the test part of its repeat once.
    """
    cells = []
    for seed in range(plan.spec.settings.confirm_seeds):
        for repeat in range(plan.spec.settings.repeats):
            tuned = {each.arm.name: each.config for each in found if each.repeat == repeat}
            for arm in plan.study.arms:
                if arm.kind in SEARCHABLE:
                    if arm.name in tuned:
                        cells += _cells(plan, arm.name, arm.treatment, tuned[arm.name], repeat, seed)
                    cells += _cells(plan, declared_name(arm.name), arm.treatment, arm.config, repeat, seed)
                elif plan.arms[0].name in tuned:
                    base = reference_arm(arm.name, tuned[plan.arms[0].name])
                    cells += _cells(plan, arm.name, arm.treatment, base, repeat, seed)
    return tuple(cells)


def _cells(
    plan: SearchPlan, name: str, treatment: str, config: Mapping[str, Any], repeat: int, seed: int
) -> list[Cell]:
    shuffles = plan.study.shuffles(config, treatment)
    _, fold = plan.held_out(repeat)
    unit, several = _unit(plan, repeat, seed), plan.spec.settings.repeats > 1
    return [
        Cell(
            name,
            unit,
            seed * shuffles + shuffle if several else shuffle,
            plan.study.content(
                config,
                treatment,
                fold,
                {**plan.seeds(repeat, seed), "permutation": shuffle},
                plan.fingerprint,
            ),
        )
        for shuffle in range(shuffles)
    ]


def _unit(plan: SearchPlan, repeat: int, seed: int) -> Unit:
    _, fold = plan.held_out(repeat)
    return Unit(0, fold, repeat) if plan.spec.settings.repeats > 1 else Unit(seed, fold)


def may_repeat(plan: SearchPlan, tasks: Sequence[Task], root: Path) -> bool:
    """Return whether the same command would propose the same configurations again."""
    return all(repeatable(ended(task, root), plan.spec.objectives) for task in tasks)


def evidence(
    plan: SearchPlan,
    tasks: Sequence[Task],
    found: Sequence[Winner],
    root: Path,
    command: str,
) -> Evidence:
    """Return what the report of a search is made of: the confirmation's runs and the searches behind them."""
    study, settings = plan.study, plan.spec.settings
    arms = [
        ArmInfo(arm.name, arm.kind, "tuned" if arm.kind == "baseline" else arm.change, arm.levels)
        for arm in study.arms
    ]
    arms += [
        ArmInfo(declared_name(arm.name), "declared", "values as the study declares them") for arm in plan.arms
    ]
    units = {
        _unit(plan, repeat, seed)
        for repeat in range(settings.repeats)
        for seed in range(settings.confirm_seeds)
    }
    searched = Searched(
        searches=tuple(_search(plan, task, root) for task in tasks),
        objectives=plan.spec.objectives,
        directions=plan.spec.directions,
        trials=settings.trials,
        seeds_per_trial=settings.seeds_per_trial,
        epochs=plan.epochs,
        repeats=settings.repeats,
        confirm_seeds=settings.confirm_seeds,
        repeatable=may_repeat(plan, tasks, root),
        declared={arm.name: declared_name(arm.name) for arm in plan.arms},
    )
    return evidence_of(
        study,
        confirm_cells(plan, found),
        tuple(arms),
        tuple(units),
        Store(root),
        command,
        factors=tuple(study.arms[0].levels),
        overlap=overlap(study.split, len({unit.fold for unit in units}), settings.repeats),
        search=searched,
    )


def _search(plan: SearchPlan, task: Task, root: Path) -> ArmSearch:
    header = task.header
    trials = ended(task, root)
    chosen = best(trials)
    arm = next(each for each in plan.arms if each.name == header.arm)
    sampler = registry.build("sampler", task.sampler)
    return ArmSearch(
        key=header.key,
        startup=getattr(sampler, "startup", 0),
        pruning=sampler.pruning,
        arm=header.arm,
        sampler=header.sampler,
        repeat=header.repeat,
        deciding=_deciding(plan, task),
        trials=_table(trials, header.objectives, sorted(task.space)),
        space=header.space,
        winner=chosen.number if chosen else None,
        own={name: value_of(arm, name) for name in task.space},
    )


def _table(trials: Sequence[Trial], objectives: Sequence[str], keys: Sequence[str]) -> pd.DataFrame:
    rows = []
    for trial in trials:
        values = dict(zip(objectives, trial.values, strict=False)) if trial.state == "complete" else {}
        row: dict[str, Any] = {
            "number": trial.number,
            "state": trial.state,
            "value": values.get(objectives[0], float("nan")),
            "epochs": trial.epochs,
            "reused": trial.reused,
            "same_as": float("nan") if trial.same_as is None else trial.same_as,
            "failure": trial.failure,
            "steps": json.dumps(dict(trial.steps)),
        }
        row |= {name: values.get(name, float("nan")) for name in objectives}
        row |= {f"param:{key}": trial.params[key] for key in keys}
        rows.append(row)
    columns = ["number", "state", "value", "epochs", "reused", "same_as", "failure", "steps"]
    return pd.DataFrame(rows, columns=[*columns, *objectives, *(f"param:{key}" for key in keys)])
