"""From the record to the evidence of one study: which runs it counts, under which names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from bench import identity
from bench.arms import Arm, identified
from bench.data.split import SplitSpec
from bench.disturb.request import build
from bench.report.evidence import IDENTITY, ArmInfo, Disturbed, Evidence
from bench.report.spread import LARGE, spread
from bench.store import Record, Store
from bench.study import Cell, Study, Unit
from models.catalog import RECIPE
from models.method import acting

_PER_RUN = ("started",)  # true of one run alone, so no provenance of a report
_AT_ONCE = 4096


def gather(study: Study, store: Store, command: str, cells: Sequence[Cell] | None = None) -> Evidence:
    """Join the cells of a study with their records, by key.

    Cells that have not run are in the plan and have no row; cells that failed keep kind and message.

    Args:
        study: the study.
        store: its record.
        command: what makes the report again.
        cells: those of the study, where they are known already.
    """
    arms = tuple(_info(arm) for arm in study.arms)
    planned = study.cells() if cells is None else cells
    return evidence_of(
        study,
        planned,
        arms,
        study.units,
        store,
        command,
        factors=tuple(study.arms[0].levels),
        overlap=overlap(study.split, len({unit.fold for unit in study.units}), len(study.units)),
    )


def overlap(split: SplitSpec, folds: int, units: int) -> tuple[float, float] | None:
    """Return the shares of the recordings in training and test part; None where units do not divide anew.

    Every unit divides the same recordings, so that two training sets have most of them in common. A single
    unit does not, and blocks of time and a published split are the same for all units.
    """
    if split.by in ("time", "published"):
        return None
    test = 1 / folds if split.by == "fold" else split.test
    return ((1 - test) * (1 - split.validation), test) if units > 1 and test < 1 else None


def _info(arm: Arm) -> ArmInfo:
    alike = "" if arm.treatment != "method" else identity.key(_method(arm.config))
    return ArmInfo(arm.name, arm.kind, arm.change, arm.levels, _note(arm), alike)


def _method(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an arm is on any data: all but the lead, which each source has its own of."""
    return {name: value for name, value in identified(config).items() if name != "lead"}


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
    metric, half = study.settings.metric, len(cells) // 2
    reads = [partial(_read, part, store) for part in (cells[:half], cells[half:])]
    (rows, told), (more, else_told) = spread(reads, worth=len(cells) >= LARGE)

    return Evidence(
        study=study.name,
        question=study.settings.question,
        data=study.source.title,
        simulated=study.source.simulated,
        metric=metric,
        rope=study.settings.rope,
        ranked=study.settings.order == "ranked",
        baseline=arms[0].name,
        arms=arms,
        units=tuple(unit.name for unit in sorted(units, key=lambda u: (_fold(u), u.seed))),
        cells=Counter(cell.arm for cell in cells),
        runs=_table([*rows, *more], metric),
        command=command,
        provenance=_provenance(study, told.with_(else_told)),
        columns=study.reporting.columns,
        looks=study.reporting.looks,
        curve=store.curve,
        predictions=store.arrays,
        disturbances=tuple(_disturbed(study, label) for label in study.disturbances),
        **parts,
    )


def _disturbed(study: Study, label: str) -> Disturbed:
    spec = study.disturbances[label]
    built = build(spec, simulated=study.source.simulated)
    return Disturbed(label, spec["name"], spec["strength"], built.worst, built.acts_on)


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


def _read(cells: Sequence[Cell], store: Store) -> tuple[list[pd.DataFrame], _Told]:
    """Return the records of cells as tables of a few thousand rows, and how they were made.

    As mappings, the rows of a large study would fill the memory.
    """
    parts: list[pd.DataFrame] = []
    waiting: list[dict[str, Any]] = []
    told = _Told()
    for cell, record in zip(cells, store.scan(cell.key for cell in cells), strict=True):
        if record is not None:
            waiting.append(_row(cell, record))
            told.add(record)
        if len(waiting) >= _AT_ONCE:
            parts.append(pd.DataFrame(waiting))
            waiting = []
    return [*parts, pd.DataFrame(waiting)], told


def _table(parts: Sequence[pd.DataFrame], metric: str) -> pd.DataFrame:
    """Return rows as one frame with sorted score columns, so that equal records give equal bytes."""
    frame = pd.concat([part for part in parts if len(part)] or [pd.DataFrame()], ignore_index=True)
    for column in (*IDENTITY, metric, "cost.cpu_seconds", "cost.wall_seconds"):
        if column not in frame:
            frame[column] = float("nan")
    # A score that no run of some part has; all at once, for there may be hundreds.
    nothing = [c for c in frame if c not in IDENTITY and frame[c].dtype == object and frame[c].isna().all()]
    frame = frame.astype(dict.fromkeys(nothing, float)).copy()
    return frame[[*IDENTITY, *sorted(str(column) for column in frame if column not in IDENTITY)]]


class _Told:
    """What the records say of how they were made: every value of every name once."""

    def __init__(self) -> None:
        self.values: dict[str, set[str]] = {}
        self._count, self._by_name = 0, Counter[str]()

    def add(self, record: Record) -> None:
        if not record.provenance:  # a cell that never started
            return
        self._count += 1
        for name, value in record.provenance.items():
            if name not in _PER_RUN:
                self.values.setdefault(name, set()).add(str(value))
                self._by_name[name] += 1

    def with_(self, other: _Told) -> _Told:
        """Return what both were told."""
        both = _Told()
        both._count, both._by_name = self._count + other._count, self._by_name + other._by_name
        for name in (*self.values, *other.values):
            both.values[name] = self.values.get(name, set()) | other.values.get(name, set())
        return both

    def items(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield names with their values; ``unknown`` is one where some record lacks the name."""
        for name in sorted(self.values):
            lacking = {"unknown"} if self._by_name[name] < self._count else set()
            yield name, tuple(sorted(self.values[name] | lacking))


def _provenance(study: Study, told: _Told) -> dict[str, tuple[str, ...]]:
    """Return what is common to the runs, and every value where they differ."""
    budget = study.budget
    epochs = f"{budget.epochs} epoch{'s' * (budget.epochs != 1)}"
    return {
        "data fingerprint": (study.source.fingerprint()[:16],),
        "protocol": (study.settings.protocol,),
        "split": (_split_in_words(study.split),),
        "budget": (f"{epochs} of {budget.windows} windows",),
        **dict(told.items()),
    }


def _split_in_words(spec: SplitSpec) -> str:
    published = {"fold": "the published folds", "published": "the published lists of frames"}
    held = published.get(spec.by, f"a share of {spec.test:g} held out")
    rest = f"{spec.validation:g} of the rest for validation" if spec.validation else "no validation part"
    return f"by {spec.by}: {held}, {rest}"
