"""From the record to the evidence of one study: which runs it counts, under which names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from bench.arms import Arm
from bench.data.split import SplitSpec
from bench.report.evidence import ArmInfo, Evidence
from bench.store import Record, Store
from bench.study import Cell, Study, Unit
from models.catalog import RECIPE
from models.method import acting

_PER_RUN = ("started",)  # true of one run alone, so no provenance of a report


def gather(study: Study, store: Store, command: str) -> Evidence:
    """Join the cells of a study with their records, by key.

    Cells that have not run are in the plan and have no row; cells that failed keep kind and message.
    """
    arms = tuple(ArmInfo(arm.name, arm.kind, arm.change, arm.levels, _note(arm)) for arm in study.arms)
    factors = tuple(study.arms[0].levels)
    return evidence_of(study, study.cells(), arms, study.units, store, command, factors=factors)


def _note(arm: Arm) -> str:
    """Return what a reader must know of how an arm was made: labels, test windows and leaks it has seen."""
    if arm.treatment != "method":
        return ""
    config = arm.config
    labelled = [
        f"{slot}: {found.name}"
        for slot, found in acting({slot: config[slot] for slot in RECIPE}).items()
        if "label" in found.needs
    ]
    said = [f"looks at labels of the video in pre-training ({', '.join(labelled)})"] if labelled else []
    if config["protocol"] == "transductive":
        said.append("transductive: sees the test windows in pre-training, without labels")
    if config["head"].get("centre") == "test":
        said.append("transductive: its head is centred on the test windows, without labels")
    if config.get("pairs") == "shuffled":
        said.append("pre-trained on current and video of different windows")
    if config.get("leak", "none") != "none":
        said.append(f"the label leaks into its {config['leak']}")
    return "; ".join(said)


def evidence_of(
    study: Study,
    cells: Sequence[Cell],
    arms: tuple[ArmInfo, ...],
    units: Sequence[Unit],
    store: Store,
    command: str,
    **parts: Any,
) -> Evidence:
    """Return the evidence that these cells give, whoever planned them; ``parts`` are further attributes."""
    found = [(cell, store.get(cell.key)) for cell in cells]
    rows = [_row(cell, record) for cell, record in found if record is not None]
    curves = {cell.key: record.curve for cell, record in found if record is not None}
    return Evidence(
        study=study.name,
        question=study.settings.question,
        data=study.source.title,
        simulated=study.source.simulated,
        metric=study.settings.metric,
        rope=study.settings.rope,
        ranked=study.settings.order == "ranked",
        baseline=arms[0].name,
        arms=arms,
        units=tuple(unit.name for unit in sorted(units, key=lambda u: (_fold(u), u.seed))),
        cells=Counter(cell.arm for cell in cells),
        runs=_table(rows, study.settings.metric),
        command=command,
        provenance=_provenance(study, [record for _, record in found if record is not None]),
        curve=curves.__getitem__,
        predictions=store.predictions,
        **parts,
    )


def _fold(unit: Unit) -> int:
    return next((n for n in (unit.search, unit.fold) if n is not None), -1)


def _row(cell: Cell, record: Record) -> dict[str, Any]:
    return {
        "arm": cell.arm,
        "unit": cell.unit.name,
        "fold": _fold(cell.unit),
        "seed": cell.unit.seed,
        "permutation": cell.permutation,
        "key": cell.key,
        "outcome": record.outcome,
        "message": record.message,
        **record.scores,
        **{f"diagnostics.{name}": value for name, value in record.diagnostics.items()},
        **{f"cost.{name}": value for name, value in record.cost.items()},
    }


def _table(rows: list[dict[str, Any]], metric: str) -> pd.DataFrame:
    """Return rows as a frame with sorted score columns, so that equal records give equal bytes."""
    frame = pd.DataFrame(rows)
    leading = ["arm", "unit", "fold", "seed", "permutation", "key", "outcome", "message"]
    for column in (metric, "cost.cpu_seconds", "cost.wall_seconds"):
        if column not in frame:
            frame[column] = float("nan")
    return frame[[*leading, *sorted(str(column) for column in frame if column not in leading)]]


def _provenance(study: Study, records: list[Record]) -> dict[str, tuple[str, ...]]:
    """Return what is common to the runs, and every value where they differ."""
    budget = study.budget
    epochs = f"{budget.epochs} epoch{'s' * (budget.epochs != 1)}"
    shown: dict[str, tuple[str, ...]] = {
        "data fingerprint": (study.source.fingerprint()[:16],),
        "protocol": (study.settings.protocol,),
        "split": (_split_in_words(study.split),),
        "budget": (f"{epochs} of {budget.windows} windows",),
    }
    told = [record.provenance for record in records if record.provenance]  # none of a cell never started
    for name in sorted({name for each in told for name in each} - set(_PER_RUN)):
        shown[name] = tuple(sorted({str(each.get(name, "unknown")) for each in told}))
    return shown


def _split_in_words(spec: SplitSpec) -> str:
    held = "the published folds" if spec.by == "fold" else f"a share of {spec.test:g} held out"
    rest = f"{spec.validation:g} of the rest for validation" if spec.validation else "no validation part"
    return f"by {spec.by}: {held}, {rest}"
