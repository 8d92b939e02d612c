"""From a change, as a study writes it, to plain values for every component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.arms.conditions import CONDITIONS, check_inputs, condition
from models import registry
from models.catalog import RECIPE
from models.errors import InvalidRequest, unknown
from models.method import check
from models.presets import preset


def resolve(base: Mapping[str, Any], change: object) -> dict[str, Any]:
    """Return ``base`` with a change applied and every component's parameters filled in.

    A component named again keeps the values that ``base`` gave it; a different one starts from
    its defaults; a mapping without a name changes parameters of the one that is there.
    """
    if not isinstance(change, Mapping):
        raise InvalidRequest(
            f"an arm must be a mapping of slots or dotted keys to values, got {change!r}; "
            "write {contrast: cwcl}"
        )
    # The preset first, whatever the order: what stands beside it is said of it.
    merged = _merged(base, preset(change["preset"]).slots) if "preset" in change else dict(base)
    merged = _merged(merged, {key: value for key, value in change.items() if key != "preset"})
    resolved = {
        key: value if key in CONDITIONS else registry.resolve(key, value)
        for key, value in merged.items()
        # A condition that is as it would be anyway is not written down.
        if key not in CONDITIONS or value != CONDITIONS[key].default
    }
    check({slot: resolved[slot] for slot in RECIPE})
    check_inputs(resolved)
    return resolved


def _merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        slot, _, parameter = str(key).partition(".")
        if key in CONDITIONS:
            merged[key] = condition(key, value)
        elif slot not in RECIPE:
            raise unknown("slot", slot, [*RECIPE, *CONDITIONS, "preset"])
        else:
            merged[slot] = _merge(merged[slot], {parameter: value} if parameter else value)
    return merged


def _merge(old: Any, new: Any) -> Any:
    old = {"name": old} if isinstance(old, str) else old
    new = {"name": new} if isinstance(new, str) else new
    if not isinstance(new, Mapping):
        return new
    same = new.get("name", old["name"]) == old["name"]
    return {**old, **new} if same else new
