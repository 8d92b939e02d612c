"""From a study to its finished record: prepare the data once, run what is missing, say what is left."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from bench.arms import Arm
from bench.cell.building import build_method
from bench.cell.parts import fewer
from bench.cell.rehearsal import rehearse
from bench.cell.warnings import require_episodes
from bench.data.dataset import Dataset, prepare
from bench.data.split import split
from bench.disturb import prepare_disturbed
from bench.run import Job, Options, Outcome, execute, retryable
from bench.store import Store
from bench.study import Cell, Study
from bench.warning import JUDGED
from models.errors import InvalidRequest

# Seconds a cell takes when no cell of its kind is on record yet: one training window costs about
# this much on one core of a laptop, head and scores included.
SECONDS_PER_WINDOW = 1.6e-4


def cache_folder() -> Path:
    """Return where prepared data sets are kept: ``PRECURSOR_CACHE``, or the user's cache folder."""
    return Path(os.environ.get("PRECURSOR_CACHE") or platformdirs.user_cache_dir("precursor"))


@dataclass(frozen=True)
class Plan:
    """What a study asks for, against what is on record.

    Attributes:
        cells: every distinct cell, in the order they run.
        done: keys that are on record as done.
        failed: keys whose failure is final unless a retry is asked for, with their kind.
        todo: cells that will run.
    """

    cells: tuple[Cell, ...]
    done: frozenset[str]
    failed: dict[str, str]
    todo: tuple[Cell, ...]


def make_plan(study: Study, store: Store, *, retry: bool = False) -> Plan:
    """Compare a study with the record; nothing is run or written."""
    cells = tuple({cell.key: cell for cell in study.cells()}.values())
    on_record = store.done()
    done = frozenset(cell.key for cell in cells if cell.key in on_record)
    failed = {}
    for cell in cells:
        record = None if cell.key in done or retry else store.get(cell.key)
        if record is not None and not retryable(record.outcome, store.attempts(cell.key)):
            failed[cell.key] = record.outcome
    todo = tuple(cell for cell in cells if cell.key not in done and cell.key not in failed)
    return Plan(cells, done, failed, todo)


def estimate(plan: Plan, study: Study, store: Store, workers: int) -> tuple[float, bool]:
    """Return seconds the cells to run will take, and whether the record (not a rule of thumb) says so."""
    measured: dict[str, list[float]] = {}
    for cell in plan.cells:
        record = store.get(cell.key) if cell.key in plan.done else None
        if record is not None:
            measured.setdefault(cell.content["treatment"], []).append(record.cost["wall_seconds"])
    guess = study.budget.epochs * study.budget.windows * SECONDS_PER_WINDOW
    total = 0.0
    for cell in plan.todo:
        seen = measured.get(cell.content["treatment"])
        total += sum(seen) / len(seen) if seen else guess
    return total / workers, bool(measured)


def prepare_data(study: Study, progress: Any = None) -> Path:
    """Render the study's recordings once, and check every lead, split and arm before anything runs.

    Raises:
        InvalidRequest: a lead, a window, a split or an arm that the data cannot serve.
    """
    folder = prepare(
        study.source,
        study.windows,
        study.leads,
        cache_folder(),
        **({"progress": progress} if progress else {}),
        raw=study.raw,
    )
    dataset = Dataset.open(folder)
    counts = {arm.config["recordings"] for arm in study.arms if "recordings" in arm.config}
    for lead in study.leads:
        windows = dataset.windows(study.windows, lead)
        for unit in study.units:
            parts = split(study.split, dataset.tracks, windows, seed=unit.seed, fold=unit.fold)
            for count in counts:
                fewer(parts.train, dataset, windows, count, unit.seed)
            if study.settings.metric in JUDGED:
                require_episodes(dataset, windows, parts, study.windows, study.warning)
    for arm in study.arms:
        _require_buildable(arm, dataset, study)
    more = {"progress": progress} if progress else {}
    prepare_disturbed(study.source, study.windows, folder, study.disturbances, raw=study.raw, **more)
    return folder


def _require_buildable(arm: Arm, dataset: Dataset, study: Study) -> None:
    try:
        method = build_method(arm.config, dataset, study.windows, seed=0)
        rehearse(arm.config, method)
    except InvalidRequest as error:
        raise InvalidRequest(f"arm {arm.name!r}: {error}") from None


def run(study: Study, store: Store, data: Path, options: Options, *, retry: bool = False) -> Outcome:
    """Run what is missing of a study; every record is written the moment its cell ends."""
    plan = make_plan(study, store, retry=retry)
    jobs = [Job(cell.key, store.attempts(cell.key), cell.content, str(data)) for cell in plan.todo]
    labels = {cell.key: cell.arm for cell in plan.cells}
    return execute(
        jobs, store, options=options, labels=labels, metric=study.settings.metric, finished=len(plan.done)
    )


def check_reachable(study: Study) -> str | None:
    """Return a warning if the design cannot reach p <= .05 after Holm, however large the effect."""
    family = sum(arm.kind in ("change", "grid") for arm in study.arms)
    pairs = len(study.units)
    smallest = 2.0 / 2.0**pairs
    if not family or smallest * family <= 0.05:
        return None
    needed = next(n for n in range(pairs, 64) if 2.0 / 2.0**n * family <= 0.05)
    return (
        f"{pairs} pairs cannot decide {family} comparisons: the smallest sign-flip p is {smallest:.3g}, "
        f"{min(1.0, smallest * family):.3g} after Holm; {needed} pairs can"
    )


def find_study(name: str) -> Path:
    """Return the file of a study given as a path or as the name of one in ``ablations/``."""
    path = Path(name)
    try:
        if path.is_file():
            return path
    except OSError:  # a name no file can have
        raise InvalidRequest(f"a study must be a YAML file, got {name[:80]!r}…; shorten the name") from None
    shipped = Path("ablations") / f"{path.stem}.yaml"
    if path.suffix in ("", ".yaml") and len(path.parts) == 1 and shipped.is_file():
        return shipped
    known = ", ".join(sorted(file.stem for file in Path("ablations").glob("*.yaml"))) or "none here"
    raise InvalidRequest(
        f"a study must be a YAML file, and there is none at {name!r} (in ablations/: {known})"
    )
