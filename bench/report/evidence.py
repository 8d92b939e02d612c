"""What a report is made of: the arms of a study and the records of its runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from bench.report.metric import beside
from bench.report.searched import Searched
from models.errors import InvalidRequest

Kind = Literal["baseline", "change", "grid", "control", "reference", "declared"]
LEARNED: tuple[Kind, ...] = ("baseline", "change", "grid")
DONE = "done"
IDENTITY = ("arm", "unit", "fold", "seed", "permutation", "key", "outcome", "message")


@dataclass(frozen=True)
class ArmInfo:
    """One arm as a reader meets it.

    Attributes:
        name: unique name.
        kind: its part in the study; ``change`` and ``grid`` form the family that is tested; ``declared``
            is an arm as it was before the search that tuned it.
        change: what differs from the baseline, for people.
        levels: factor -> level, for the figures of factors; may be empty.
        note: anything the reader must know, such as labels used in pre-training.
        identity: hash of its configuration, by which arms of two studies are matched; may be empty.
    """

    name: str
    kind: Kind
    change: str = ""
    levels: Mapping[str, float | str | bool] = field(default_factory=dict)
    note: str = ""
    identity: str = ""


@dataclass(frozen=True)
class Disturbed:
    """One disturbance at one strength that the test parts were read under as well.

    Attributes:
        label: how the names of its scores begin.
        name: the disturbance.
        strength: 0 < strength <= 1.
        worst: what strength 1 is, in words with a unit.
        acts_on: the modalities it changes, which are those it has scores of.
    """

    label: str
    name: str
    strength: float
    worst: str
    acts_on: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything a report may read; the report is a pure function of it.

    Attributes:
        study: name of the study.
        question: the question it asks.
        data: title of the data, printed on every table and figure.
        simulated: whether the data are simulated.
        metric: the score column compared, such as ``current.balanced_accuracy``.
        rope: half-width of the region of practical equivalence, in the unit of the metric.
        baseline: name of the baseline arm.
        arms: all arms, in the order of the report.
        units: all units of the study, run or not, in the order of the report.
        cells: arm -> number of runs the study plans for it.
        runs: one row a run with the columns ``IDENTITY``, score columns (NaN where absent) and
            ``cost.cpu_seconds``, ``cost.wall_seconds``. Its rows are put in a canonical order.
        ranked: whether the changes stand best first instead of as declared.
        factors: factors of the study that ``ArmInfo.levels`` may name.
        command: the command that makes the report again.
        provenance: versions, fingerprints, commit: name -> its values, more than one where runs differ.
        search: the searches that tuned the arms; ``None`` if they run as declared.
        columns: keys of the columns of the results table that are shown; empty for the usual ones.
        looks: numbers of pairs at which the study said it would look; empty where it is read once.
        overlap: shares of the recordings in the training and the test part of a unit, where the units
            of the study divide the same recordings, so that their training sets overlap; else None.
        others: what it is laid beside.
        disturbances: what the test parts were read under as well; empty where the study asks for none.
        curve: run key -> what was told after each epoch, in order; empty where nothing was.
        predictions: run key -> arrays ``score``, ``label``, ``group`` of the test samples, or None.

    Raises:
        InvalidRequest: the parts do not fit together.
    """

    study: str
    question: str
    data: str
    simulated: bool
    metric: str
    rope: float
    baseline: str
    arms: tuple[ArmInfo, ...]
    units: tuple[str, ...]
    cells: Mapping[str, int]
    runs: pd.DataFrame
    ranked: bool = False
    factors: tuple[str, ...] = ()
    command: str = ""
    provenance: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    search: Searched | None = None
    columns: tuple[str, ...] = ()
    looks: tuple[int, ...] = ()
    overlap: tuple[float, float] | None = None
    others: tuple[Evidence, ...] = ()
    disturbances: tuple[Disturbed, ...] = ()
    curve: Callable[[str], Sequence[Mapping[str, Any]]] = lambda key: ()
    predictions: Callable[[str], Mapping[str, np.ndarray[Any, Any]] | None] = lambda key: None

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise InvalidRequest(f"arm names must be unique, got {names}; rename one")
        kinds = [arm.kind for arm in self.arms if arm.name == self.baseline]
        if kinds != ["baseline"] or sum(arm.kind == "baseline" for arm in self.arms) != 1:
            raise InvalidRequest(f"a report needs exactly one arm of kind baseline, named {self.baseline!r}")
        lacking = [c for c in (*IDENTITY, self.metric) if c not in self.runs.columns]
        if lacking:
            raise InvalidRequest(f"runs must have the columns {', '.join(lacking)}; add them (NaN if absent)")
        strangers = sorted(set(self.runs["arm"]) - set(names))
        if strangers:
            raise InvalidRequest(f"every run must belong to an arm, got runs of {strangers}; leave them out")
        self._check_plan()
        self._check_search()
        if not (math.isfinite(self.rope) and self.rope >= 0):
            raise InvalidRequest(f"rope must be a number of at least 0, got {self.rope!r}")
        place = {name: i for i, name in enumerate(names)}
        runs = self.runs.assign(_place=self.runs["arm"].map(place).astype(int))
        order = ["_place", "fold", "seed", "unit", "permutation", "key"]
        runs = runs.sort_values(order, kind="stable").drop(columns="_place").reset_index(drop=True)
        object.__setattr__(self, "runs", runs)

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: not what follows from it, which may be as large."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def _check_plan(self) -> None:
        names = [arm.name for arm in self.arms]
        if set(self.cells) != set(names):
            raise InvalidRequest(f"cells must count the planned runs of every arm, got {sorted(self.cells)}")
        if len(set(self.units)) < len(self.units):
            raise InvalidRequest(f"planned units must be unique, got {list(self.units)}; name each once")
        strangers = sorted(set(self.runs["unit"]) - set(self.units))
        if strangers:
            raise InvalidRequest(f"every run must be of a planned unit, got {strangers}; leave them out")
        recorded = self.runs["arm"].value_counts()
        over = [name for name in names if recorded.get(name, 0) > self.cells[name]]
        if over:
            raise InvalidRequest(f"an arm can have no more runs than planned cells, got more for {over}")

    def _check_search(self) -> None:
        if self.search is None:
            return
        learned = {arm.name for arm in self.of_kind(*LEARNED)}
        strangers = sorted({each.arm for each in self.search.searches} - learned)
        if strangers:
            raise InvalidRequest(
                f"only an arm that is compared can be tuned, got {strangers}; leave them out"
            )
        untuned = {arm.name for arm in self.of_kind("declared")}
        if not (set(self.search.declared) <= learned and set(self.search.declared.values()) == untuned):
            raise InvalidRequest(
                f"every arm of kind declared must be what a tuned arm was, got {sorted(untuned)} "
                f"for {dict(self.search.declared)}; name each once"
            )

    def of_kind(self, *kinds: Kind) -> tuple[ArmInfo, ...]:
        """Return the arms of the given kinds, in order."""
        return tuple(arm for arm in self.arms if arm.kind in kinds)

    @property
    def whole_searches(self) -> bool:
        """Whether the search was repeated, so that a unit is a whole search and not a seed of one winner."""
        return self.search is not None and self.search.repeats > 1

    @property
    def planned(self) -> int:
        """The number of cells of the study, run or not."""
        return sum(self.cells.values())

    @property
    def missing(self) -> int:
        """The number of cells that are not on record."""
        return self.planned - len(self.runs)

    @cached_property
    def finished(self) -> pd.DataFrame:
        """The runs that ended as they should."""
        return self.runs[self.runs["outcome"] == DONE]

    @cached_property
    def _keys(self) -> dict[tuple[str, str], tuple[str, ...]]:
        found: dict[tuple[str, str], list[str]] = {}
        rows = self.finished
        for arm, unit, key in zip(rows["arm"], rows["unit"], rows["key"], strict=True):
            found.setdefault((str(arm), str(unit)), []).append(str(key))
        return {place: tuple(keys) for place, keys in found.items()}

    def runs_of(self, arm: str, units: Iterable[object]) -> tuple[str, ...]:
        """Return the keys of the finished runs of an arm on these units, in the order of the units."""
        return tuple(key for unit in units for key in self._keys.get((arm, str(unit)), ()))

    def scores(self, column: str) -> pd.DataFrame:
        """Return one score column as units x arms, permutations averaged, NaN where there is none."""
        arms = [arm.name for arm in self.arms]
        if column not in self.runs.columns:
            return pd.DataFrame(np.nan, index=list(self.units), columns=arms)
        finite = self.finished[np.isfinite(self.finished[column].astype(float))]
        table = finite.groupby(["unit", "arm"], sort=False)[column].mean().unstack("arm")
        return table.reindex(index=list(self.units), columns=arms).astype(float)


def failed_runs(evidence: Evidence) -> pd.DataFrame:
    """Return arm, kind, message and key of each run without a score; a done run can have none."""
    runs = evidence.runs
    others = (beside(evidence.metric, modality) for modality in ("video", "current"))
    columns = [c for c in dict.fromkeys((evidence.metric, *others)) if c in runs.columns]
    reference = runs["arm"].isin([arm.name for arm in evidence.of_kind("reference")])
    finite = pd.DataFrame({c: np.isfinite(runs[c].astype(float)) for c in columns})
    scored = finite[evidence.metric] | (reference & finite.any(axis=1))
    kind = runs["outcome"].where(runs["outcome"] != DONE, "no score")
    bad = (runs["outcome"] != DONE) | ~scored
    table = runs[["arm", "message", "key"]].assign(kind=kind, message=runs["message"].fillna(""))
    return table[bad].reset_index(drop=True)
