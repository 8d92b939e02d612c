"""Which configurations are the same run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Slots that stand empty unless an arm fills them. Empty ones are no part of what identifies a cell, so
#: that a new slot makes no record obsolete.
OPTIONAL = {
    "bridge": "none",
    "hierarchy": "none",
    "guidance": "none",
    "checkpoint": "last",
    "calibration": "none",
    "codebook_optimizer": "none",
    "fusion": "none",
}

#: Parameters that act only where another one of their component has one of these values.
DEPENDS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "alignment.steps": ("alignment.horizon", (0.0,)),
    "contrast.bandwidth": ("contrast.kernel", ("exponential",)),
}


def identified(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration without the slots that stand empty: what a cell is identified by.

    The protocol stands beside it in a cell.
    """
    return {
        key: value
        for key, value in config.items()
        if key != "protocol" and not (key in OPTIONAL and value["name"] == OPTIONAL[key])
    }


def completed(arm: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell's configuration with its empty slots filled in: the inverse of :func:`identified`."""
    return {slot: {"name": name} for slot, name in OPTIONAL.items()} | dict(arm)


def used(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a configuration acts: arms that agree in it are the same run.

    Without an alignment nothing calls the contrast, and the parameters of :data:`DEPENDS` wait for
    another one.
    """
    acting = dict(config)
    if config["alignment"]["name"] == "none":
        del acting["contrast"]
    for key, (switch, values) in DEPENDS.items():
        (slot, _, name), other = key.partition("."), switch.partition(".")[2]
        found = acting.get(slot, {})
        if other in found and found[other] not in values:
            acting[slot] = {each: value for each, value in found.items() if each != name}
    return acting


def idle(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return where two configurations differ that are the same run."""
    found = []
    for slot, spec in one.items():
        if slot not in used(one) and spec != other[slot]:
            found.append(slot)
        elif spec != other[slot]:
            found += [f"{slot}.{name}" for name, value in spec.items() if value != other[slot][name]]
    return found
