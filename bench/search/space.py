"""What a search of one arm may vary: the parameters its components declare, as the study narrows them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from bench.arms import DEPENDS, Arm, resolve, used
from bench.identity import canonical
from models import registry
from models.catalog import RECIPE
from models.errors import InvalidRequest, unknown
from models.registry import Range

Space = dict[str, BaseDistribution]
Params = dict[str, Any]
_BOUNDS = ("low", "high", "log")


def space_of(arm: Arm, block: Mapping[str, Any], compared: Collection[str]) -> tuple[Space, Params]:
    """Return what is searched in an arm, by dotted key, and what the block fixes.

    Every parameter of the arm's components that declares a search range takes part, so the space
    follows from the components that are there. ``block`` may narrow a range (``{low: 16, high: 64}``),
    list choices, fix a value (a plain value) or add a parameter that has no search range of its own.

    Args:
        arm: a resolved arm.
        block: dotted key to what the study says about it.
        compared: dotted keys that the study compares: the same for every arm and never searched.

    Raises:
        InvalidRequest: a range that is empty or outside of what the component allows, a key that is
            compared, nothing left to search.
    """
    space: Space = {}
    fixed: Params = {}
    for key, (kind, allowed) in parameters_of(arm).items():
        said = block.get(key)
        if key == "lead":
            _require_lead(said)
        if key in compared:
            if key in block:
                raise InvalidRequest(
                    f"search.space may not hold {key!r}, which the study compares; leave it out"
                )
        elif key not in block:
            if allowed.search:
                space[key] = _declared_range(key, kind, allowed, value_of(arm, key))
        elif said is None or said == {}:
            raise InvalidRequest(
                f"search.space.{key} must hold a range, choices or a value, got {said!r}; "
                "write {low: 1, high: 2}, [1, 2] or 1, or leave it out"
            )
        elif isinstance(said, Mapping):
            space[key] = _own_range(key, kind, allowed, said)
        elif isinstance(said, list):
            space[key] = _choices(key, kind, said)
            for value in said:
                _require_taken(arm, key, value)
        else:
            fixed[key] = said
    space = {key: each for key, each in space.items() if _acts(arm, key, space, fixed)}
    if not space:
        raise InvalidRequest(
            f"a search needs something to vary, and arm {arm.name!r} has nothing; add a range to search.space"
        )
    configure(arm, {**fixed, **{key: value for key, value in first(arm, space).items()}})
    return dict(sorted(space.items())), dict(sorted(fixed.items()))


def check_block(arms: Collection[Arm], block: Mapping[str, Any]) -> None:
    """Refuse a key that no arm has: it would silently do nothing."""
    known = sorted({key for arm in arms for key in parameters_of(arm)})
    for key in block:
        if key not in known:
            raise unknown("key in search.space:", key, known)


def parameters_of(arm: Arm) -> dict[str, tuple[Any, Range]]:
    """Return type and range of every parameter of an arm's components by dotted key, and of its lead.

    Components that have no effect in the arm have no part in it.
    """
    found: dict[str, tuple[Any, Range]] = {"lead": (float, Range(low=0.0, high=1e9))}
    acting = used(arm.config)
    for slot in RECIPE:
        if slot not in acting:
            continue
        component = registry.lookup(slot, arm.config[slot]["name"])
        for name, (kind, _, allowed) in registry.fields(component.parameters).items():
            found[f"{slot}.{name}"] = (kind, allowed)
    return found


def configure(arm: Arm, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arm's configuration with parameters set by dotted key, checked."""
    return resolve(arm.config, params)


def first(arm: Arm, space: Space) -> Params:
    """Return the arm's own values, moved to the nearest that the space allows."""
    return {key: _nearest(value_of(arm, key), distribution) for key, distribution in space.items()}


def draw(space: Space, seed: int, number: int) -> Params:
    """Return a random configuration: each parameter has a stream of its own, named by its key.

    Adding a parameter therefore shifts no other, and arms that share a parameter get the same draw in
    the same trial. Uniform over the range, or over its logarithm.
    """
    return {key: draw_one(key, distribution, seed, number) for key, distribution in space.items()}


def draw_one(key: str, distribution: BaseDistribution, seed: int, number: int) -> Any:
    """Return the draw of one parameter in trial ``number``."""
    digest = hashlib.sha256(canonical([key, seed, number]).encode()).digest()
    return place(distribution, np.random.default_rng(int.from_bytes(digest[:8], "big")).random())


def place(distribution: BaseDistribution, share: float) -> Any:
    """Return the value at a share of a distribution, from 0 to 1."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[
            min(int(share * len(distribution.choices)), len(distribution.choices) - 1)
        ]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = _ends(distribution)
    value = low + share * (high - low)
    value = math.exp(value) if distribution.log else value
    value = round(value) if isinstance(distribution, IntDistribution) else value
    return min(max(value, distribution.low), distribution.high)


def share_of(distribution: BaseDistribution, value: float) -> float:
    """Return the share at which a distribution of numbers has a value."""
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = _ends(distribution)
    return ((math.log(value) if distribution.log else value) - low) / (high - low)


def _ends(distribution: FloatDistribution | IntDistribution) -> tuple[float, float]:
    """Return the ends of the range, of its logarithm where that is what counts."""
    low, high = float(distribution.low), float(distribution.high)
    if isinstance(distribution, IntDistribution):  # every whole number its fair share of the range
        low, high = low - 0.5, high + 0.5
    return (math.log(low), math.log(high)) if distribution.log else (low, high)


def _acts(arm: Arm, key: str, space: Space, fixed: Params) -> bool:
    """Return whether a parameter has an effect under some value of the one it depends on, if any."""
    switch, values = DEPENDS.get(key, ("", ()))
    slot, _, name = switch.partition(".")
    if not switch or name not in arm.config[slot]:
        return True
    searched = space.get(switch)
    if searched is None:
        return fixed.get(switch, value_of(arm, switch)) in values
    if isinstance(searched, CategoricalDistribution):
        return any(choice in values for choice in searched.choices)
    assert isinstance(searched, FloatDistribution | IntDistribution)
    return any(searched.low <= value <= searched.high for value in values)


def _require_taken(arm: Arm, key: str, value: Any) -> None:
    """Refuse a value that the component would refuse, whatever the others are set to."""
    slot, _, name = key.partition(".")
    if name:
        registry.resolve(slot, {**arm.config[slot], name: value})
    else:
        configure(arm, {key: value})


def value_of(arm: Arm, key: str) -> Any:
    """Return what an arm declares for a parameter by its dotted key."""
    slot, _, name = key.partition(".")
    return arm.config[slot][name] if name else arm.config[slot]


def _nearest(value: Any, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        if value in distribution.choices:
            return value
        numbers = [c for c in distribution.choices if isinstance(c, int | float) and not isinstance(c, bool)]
        near = isinstance(value, int | float) and numbers
        return min(numbers, key=lambda c: abs(c - value)) if near else distribution.choices[0]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return min(max(value, distribution.low), distribution.high)


def _declared_range(key: str, kind: Any, allowed: Range, value: Any) -> BaseDistribution:
    """The component's own search range or values, widened to hold the value the arm declares."""
    if allowed.choices or len(allowed.search) > 2:
        return CategoricalDistribution(tuple(dict.fromkeys((*allowed.search, value))))
    low, high = min(allowed.search[0], value), max(allowed.search[1], value)
    return _numbers(kind, low, high, allowed.log and low > 0)


def _choices(key: str, kind: Any, said: list[Any]) -> BaseDistribution:
    if not all(isinstance(each, str | int | float | bool) for each in said):
        raise InvalidRequest(f"search.space.{key} must list plain values, got {said!r}")
    whole = kind in (int, int | None)
    values = [int(v) if whole and isinstance(v, float) and v.is_integer() else v for v in said]
    if not values or len(set(values)) < len(values):
        raise InvalidRequest(f"search.space.{key} must list different values, got {said!r}")
    return CategoricalDistribution(tuple(values))


def _require_lead(said: Any) -> None:
    """Refuse a lead below 0, whose windows would take the current from after the video."""
    values = said.values() if isinstance(said, Mapping) else said if isinstance(said, list) else [said]
    for value in values:
        if isinstance(value, int | float) and value < 0:
            raise InvalidRequest(f"a lead to search must be at least 0 s, got {value!r}; raise it")


def _own_range(key: str, kind: Any, allowed: Range, said: Mapping[str, Any]) -> BaseDistribution:
    for name in said:
        if name not in _BOUNDS:
            raise unknown(f"key in search.space.{key}:", name, _BOUNDS)
    if kind not in (int, float, int | None, float | None):
        raise InvalidRequest(f"search.space.{key} must be a list of choices, got {dict(said)!r}")
    ends = allowed.search or (allowed.low, allowed.high)
    low, high = said.get("low", ends[0]), said.get("high", ends[-1])
    log = said.get("log", allowed.log)
    if not isinstance(log, bool):
        raise InvalidRequest(f"search.space.{key}.log must be true or false, got {log!r}")
    for end in (low, high):
        if isinstance(end, bool) or not isinstance(end, int | float) or not math.isfinite(end):
            raise InvalidRequest(
                f"search.space.{key} must have two ends that are numbers, got {low!r} … {high!r}"
            )
        if (allowed.low is not None and end < allowed.low) or (
            allowed.high is not None and end > allowed.high
        ):
            raise InvalidRequest(f"search.space.{key} must lie in {allowed}, got {low!r} … {high!r}")
    if not low < high:
        raise InvalidRequest(
            f"search.space.{key} must not be empty, got {low!r} … {high!r}; put low below high"
        )
    if log and low <= 0:
        raise InvalidRequest(
            f"search.space.{key} with log must be above 0, got {low!r}; raise low or drop log"
        )
    return _numbers(kind, low, high, log)


def _numbers(kind: Any, low: float, high: float, log: bool) -> BaseDistribution:
    if kind in (int, int | None):
        if low != int(low) or high != int(high):
            raise InvalidRequest(f"a range of whole numbers needs whole ends, got {low!r} … {high!r}")
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(float(low), float(high), log=log)
