"""What the ``search`` block of a study may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import bench.search.samplers  # noqa: F401  (registers every sampler)
from bench.cell.scores import LOWER_IS_BETTER, NAMES
from models import registry
from models.errors import InvalidRequest, unknown
from models.registry import param

SEARCHED = "validation"
"""Part that a search reads; nothing else of the data's labels is visible to it but the training part."""
COSTS = ("parameters", "cpu_seconds")
"""Objectives that are less the better; ``cpu_seconds`` is measured, so no search on it is repeatable."""


@dataclass(frozen=True)
class SearchSettings:
    """The keys of the block that are plain values."""

    trials: int = param(40, low=1, high=100_000, help="configurations tried per arm, over all restarts")
    seeds_per_trial: int = param(3, low=1, high=100, help="seeds a configuration is judged by")
    repeats: int = param(1, low=1, high=1000, help="whole searches per arm, each on a split of its own")
    confirm_seeds: int = param(8, low=1, high=10_000, help="fresh seeds the winner of an arm is retrained on")
    seed: int = param(0, low=0, high=2**31 - 1, help="of the proposals")
    first: str = param(
        "declared", choices=("declared", "drawn"), help="first configuration: the arm's own, or drawn"
    )
    reduction: int = param(3, low=2, high=16, help="ASHA: one in this many goes on at each rung")
    grace: int = param(2, low=1, high=1000, help="ASHA: epochs of the first rung")
    race: float = param(
        0.1, low=0.0, high=0.5, help="p below which a configuration has lost on paired seeds; 0: no race"
    )


@dataclass(frozen=True)
class SearchSpec:
    """A resolved ``search`` block.

    Attributes:
        settings: its plain values.
        sampler: resolved specification of the sampler whose winners are confirmed.
        against: resolved samplers that get the same trials, for the comparison of samplers only.
        objectives: names of scores of the study's metric family, ``lead``, or one of :data:`COSTS`;
            the first is the study's metric.
        space: dotted key -> what the study says about it: a range, choices or a fixed value.
    """

    settings: SearchSettings
    sampler: Mapping[str, Any]
    against: tuple[Mapping[str, Any], ...]
    objectives: tuple[str, ...]
    space: Mapping[str, Any] = field(default_factory=dict)

    @property
    def samplers(self) -> tuple[Mapping[str, Any], ...]:
        """All samplers, the one that decides first."""
        return (self.sampler, *self.against)

    @property
    def directions(self) -> tuple[str, ...]:
        """``maximize`` or ``minimize`` for each objective."""
        return tuple("minimize" if name in COSTS else "maximize" for name in self.objectives)


_KEYS = (*(f.name for f in fields(SearchSettings)), "sampler", "against", "objectives", "space")


def read_search(block: Mapping[str, Any], metric: str) -> SearchSpec:
    """Read the block; what ``space`` says is checked against the arms later, by :func:`bench.search.space`.

    Raises:
        InvalidRequest: an unknown key, sampler or objective, or a value out of range.
    """
    for key in block:
        if key not in _KEYS:
            raise unknown("search key", key, _KEYS)
    plain = {key: value for key, value in block.items() if key in _KEYS[: len(fields(SearchSettings))]}
    settings = registry.read(SearchSettings, plain, "search")
    sampler = registry.resolve("sampler", block.get("sampler", "tpe"))
    against = _given(block, "against", [])
    if not isinstance(against, list):
        raise InvalidRequest(f"search.against must be a list of samplers, got {against!r}; write [random]")
    others = tuple(registry.resolve("sampler", each) for each in against)
    names = [str(each["name"]) for each in (sampler, *others)]
    if len(set(names)) < len(names):
        raise InvalidRequest(f"search.against must name each sampler once, got {names}; leave one out")
    space = _given(block, "space", {})
    if not isinstance(space, Mapping):
        raise InvalidRequest(
            f"search.space must be a mapping of dotted keys, got {space!r}; "
            "write {quantizer.codes: [32, 100]}"
        )
    objectives = _objectives(_given(block, "objectives", [metric]), metric)
    if len(objectives) > 1:
        for name in names:
            if not registry.lookup("sampler", name).factory.several_objectives:
                raise InvalidRequest(
                    f"sampler {name!r} works on one objective, got {list(objectives)}; use tpe"
                )
    return SearchSpec(settings, sampler, others, objectives, dict(space))


def _given(block: Mapping[str, Any], key: str, otherwise: Any) -> Any:
    """Return what a block says; a key with nothing after it says nothing."""
    said = block.get(key)
    return otherwise if said is None else said


def _objectives(names: object, metric: str) -> tuple[str, ...]:
    if not isinstance(names, list) or not names:
        raise InvalidRequest(f"search.objectives must be a list of names, got {names!r}; write [{metric}]")
    modality = metric.partition(".")[0]
    if modality not in ("current", "video"):
        raise InvalidRequest(
            f"a search is judged on validation by a score of one modality, got the metric {metric!r}; set "
            "metric to one of current or video"
        )
    scores = [f"{modality}.{name}" for name in NAMES if name != LOWER_IS_BETTER]
    known = [*scores, "lead", *COSTS]
    for name in names:
        if name not in known:
            raise unknown("objective", name, known)
    if names[0] != metric:
        raise InvalidRequest(
            f"the first of search.objectives must be the study's metric {metric!r}, got {names[0]!r}; "
            "put it first"
        )
    if len(set(names)) < len(names):
        raise InvalidRequest(f"search.objectives must name each once, got {names}; leave one out")
    return tuple(names)
