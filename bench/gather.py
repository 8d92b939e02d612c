"""From the record to the evidence of one study: which runs it counts, under which names."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.data.split import SplitSpec
from bench.report.evidence import ArmInfo, Evidence
from bench.store import Record, Store
from bench.study import Cell, Study


def gather(study: Study, store: Store, command: str) -> Evidence:
    """Join the cells of a study with their records, by key.

    Cells that have not run are left out; cells that failed keep their kind and message.
    """
    found = [(cell, store.get(cell.key)) for cell in study.cells()]
    rows = [_row(cell, record) for cell, record in found if record is not None]
    return Evidence(
        study=study.name,
        question=study.settings.question,
        data=study.source.title,
        simulated=study.source.simulated,
        metric=study.settings.metric,
        rope=study.settings.rope,
        baseline=study.arms[0].name,
        arms=tuple(ArmInfo(arm.name, arm.kind, arm.change, arm.levels) for arm in study.arms),
        runs=_table(rows, study.settings.metric),
        factors=tuple(study.arms[0].levels),
        command=command,
        provenance=_provenance(study, [record for _, record in found if record is not None]),
        predictions=store.predictions,
    )


def _row(cell: Cell, record: Record) -> dict[str, Any]:
    return {
        "arm": cell.arm,
        "unit": cell.unit.name,
        "fold": -1 if cell.unit.fold is None else cell.unit.fold,
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


def _provenance(study: Study, records: list[Record]) -> dict[str, str]:
    """Return what is common to the runs, and every value where they differ."""
    shown = {
        "data": study.source.title,
        "data fingerprint": study.source.fingerprint()[:16],
        "protocol": study.settings.protocol,
        "split": _split_in_words(study.split),
        "budget": f"{study.budget.epochs} epochs of {study.budget.windows} windows",
    }
    names = sorted({name for record in records for name in record.provenance})
    for name in names:
        values = sorted({str(record.provenance.get(name, "unknown")) for record in records})
        shown[name] = ", ".join(values)
    return shown


def _split_in_words(spec: SplitSpec) -> str:
    held = "the published folds" if spec.by == "fold" else f"a share of {spec.test:g} held out"
    rest = f"{spec.validation:g} of the rest for validation" if spec.validation else "no validation part"
    return f"by {spec.by}: {held}, {rest}"
