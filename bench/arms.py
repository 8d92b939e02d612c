"""Arms: the baseline and everything that is compared with it, resolved to plain values."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from models import registry
from models.catalog import RECIPE
from models.errors import InvalidRequest, unknown
from models.method import MODALITIES, check
from models.presets import preset

# What is done to the baseline instead of what it asks for, and what that shows.
CONTROLS: dict[str, str] = {
    "no_pretraining": "encoders and codebook as initialised",
    "shuffled_pairs": "pre-trained on current and video of different windows",
    "random_codebook": "the codes of the current re-named at random",
}
REFERENCES: dict[str, str] = {
    "supervised_current": "current encoder trained on the labels, at the same budget",
    "logistic_current": "logistic regression on the mean current features",
    "supervised_video": "video encoder trained on the labels, at the same budget",
    "always_positive": "every window called abnormal",
    "clock": "label frequency by the clock on the wall: what a model that knows the time scores",
}


#: What an arm may say beside its components, and what that is unless it says so. Lead and protocol are
#: the study's unless it does.
CONDITIONS: dict[str, Any] = {
    "lead": None,
    "protocol": None,
    "recordings": "all",
    "current_input": "features",
    "video_input": "features",
    "leak": "none",
    "pairs": "own",
}
#: Slots that stand empty unless an arm fills them. Empty ones are no part of what identifies a cell, so
#: that a new slot makes no record obsolete.
OPTIONAL = {
    "bridge": "none",
    "hierarchy": "none",
    "guidance": "none",
    "checkpoint": "last",
    "codebook_optimizer": "none",
    "fusion": "none",
}

Kind = Literal["baseline", "change", "grid", "control", "reference"]


@dataclass(frozen=True)
class Arm:
    """One complete choice of components and values.

    Attributes:
        name: how the study calls it; not part of its identity.
        kind: ``baseline``, ``change``, ``grid``, ``control`` or ``reference``.
        config: resolved specification of every slot, and ``lead`` in seconds.
        treatment: ``method``, or the name of a control or reference.
        change: what differs from the baseline, in words.
        levels: the factor levels of a ``grid`` arm.
        given: dotted keys of the values it sets apart from the baseline's: what the study compares.
    """

    name: str
    kind: Kind
    config: dict[str, Any]
    treatment: str = "method"
    change: str = ""
    levels: dict[str, Any] = field(default_factory=dict)
    given: frozenset[str] = frozenset()


def resolve_arms(
    baseline: Mapping[str, Any],
    changes: Mapping[str, Any],
    grid: Mapping[str, Any],
    controls: tuple[str, ...],
    references: tuple[str, ...],
    *,
    lead: float,
    protocol: str = "inductive",
) -> tuple[Arm, ...]:
    """Return all arms of a study, the baseline first; equal configurations appear once.

    Args:
        baseline: slot to component (name or mapping), and optionally ``lead`` in seconds.
        changes: arm name to what it changes: slots, or dotted keys such as ``quantizer.codes``.
        grid: dotted key to a list of levels; the full factorial is built.
        controls: names from :data:`CONTROLS`.
        references: names from :data:`REFERENCES`.
        lead: lead in seconds when the baseline does not say.
        protocol: that of the study, when the baseline does not say.
    """
    base = resolve({**RECIPE, "lead": lead, "protocol": protocol}, baseline)
    factors = {key: _levels(key, values) for key, values in grid.items()}
    own = {key: _get(base, key) for key in factors}
    arms = [Arm("baseline", "baseline", base, change=_named(own) or "as declared", levels=own)]
    for name, change in changes.items():
        _add(
            arms,
            Arm(str(name), "change", resolve(base, change), change=_words(change), given=_given(change)),
        )
    for values in itertools.product(*factors.values()) if factors else ():
        levels = dict(zip(factors, values, strict=True))
        shown = {key: _label(value) for key, value in levels.items()}
        arm = Arm(_named(shown), "grid", resolve(base, levels), levels=shown, given=_given(levels))
        if arm.config != base:
            _add(arms, arm)
    arms += [_fixed("control", name, base, CONTROLS) for name in controls]
    arms += [_fixed("reference", name, base, REFERENCES) for name in references]
    _require_names_of_their_own(arms)
    return tuple(arms)


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
    merged: dict[str, Any] = dict(base)
    if "preset" in change:
        merged = resolve(merged, preset(change["preset"]).slots)
    for key, value in change.items():
        slot, _, parameter = str(key).partition(".")
        if key == "preset":
            continue
        if key in CONDITIONS:
            merged[key] = _condition(key, value)
        elif slot not in RECIPE:
            raise unknown("slot", slot, [*RECIPE, *CONDITIONS, "preset"])
        else:
            merged[slot] = _merge(merged[slot], {parameter: value} if parameter else value)
    resolved = {
        key: value if key in CONDITIONS else registry.resolve(key, value)
        for key, value in merged.items()
        # A condition that is as it would be anyway is not written down.
        if key not in CONDITIONS or value != CONDITIONS[key]
    }
    check({slot: resolved[slot] for slot in RECIPE})
    _check_inputs(resolved)
    return resolved


def _check_inputs(config: Mapping[str, Any]) -> None:
    for modality in MODALITIES:
        slot, given = f"{modality}_encoder", config.get(f"{modality}_input", "features")
        name = config[slot]["name"]
        if given != "raw" and "raw" in registry.lookup(slot, name).needs:
            raise InvalidRequest(
                f"{slot}: {name} reads what was recorded, but {modality}_input is {given}; set "
                f"{modality}_input: raw"
            )
    if config.get("leak", "none") != "none" and config.get(f"{config['leak']}_input", "features") == "raw":
        raise InvalidRequest(
            f"a label leaks into features only, but {config['leak']}_input is raw; leave one of them out"
        )


def _given(change: Mapping[str, Any]) -> frozenset[str]:
    """Return the dotted keys of the parameters a change sets; naming a component sets none."""
    keys: set[str] = set()
    for key, value in change.items():
        if isinstance(value, Mapping):
            keys |= {f"{key}.{name}" for name in value if name != "name"}
        elif "." in str(key) or key in CONDITIONS:
            keys.add(str(key))
    return frozenset(keys)


def _merge(old: Any, new: Any) -> Any:
    old = {"name": old} if isinstance(old, str) else old
    new = {"name": new} if isinstance(new, str) else new
    if not isinstance(new, Mapping):
        return new
    same = new.get("name", old["name"]) == old["name"]
    return {**old, **new} if same else new


def _fixed(kind: Kind, name: str, base: dict[str, Any], known: Mapping[str, str]) -> Arm:
    if name not in known:
        raise unknown(kind, name, known)
    return Arm(name, kind, base, treatment=name, change=known[name])


def _require_names_of_their_own(arms: list[Arm]) -> None:
    names = [arm.name for arm in arms]
    for name in names:
        if names.count(name) > 1:
            raise InvalidRequest(f"every arm needs a name of its own, got {name!r} twice; rename one")
        if not name.strip() or "\n" in name:
            raise InvalidRequest(f"the name of an arm must be one line of text, got {name!r}; rename it")


def _add(arms: list[Arm], arm: Arm) -> None:
    for other in arms:
        if other.config == arm.config:
            raise InvalidRequest(
                f"arm {arm.name!r} is the same as {other.name!r}; change something or leave it out"
            )
    arms.append(arm)


def _condition(key: str, value: object) -> Any:
    if key == "lead":
        return _seconds(value)
    if key == "recordings":
        if value != "all" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise InvalidRequest(f"recordings must be a whole number of at least 1 or 'all', got {value!r}")
        return value
    known = {
        "protocol": ("inductive", "transductive"),
        "current_input": ("features", "raw"),
        "video_input": ("features", "raw"),
        "leak": ("none", *MODALITIES),
        "pairs": ("own", "shuffled"),
    }[key]
    if value not in known:
        raise unknown(key, value, known)
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e9 or value != value:
        raise InvalidRequest(f"lead must be a number of seconds, got {value!r}")
    return float(value)


def _levels(key: str, values: object) -> list[Any]:
    if not isinstance(values, list) or not values:
        raise InvalidRequest(f"grid.{key} must be a list of levels, got {values!r}; write [1, 3, 5]")
    return values


def _named(levels: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in levels.items())


def _get(config: Mapping[str, Any], key: str) -> Any:
    slot, _, parameter = key.partition(".")
    if key in CONDITIONS:
        return config.get(key, CONDITIONS[key])
    if slot not in config:
        raise unknown("slot", slot, config)
    value = config[slot]
    if parameter and parameter not in value:
        raise unknown(f"key in {slot}:", parameter, value)
    return value[parameter] if parameter else _label(value)


def _label(value: Any) -> Any:
    return value["name"] if isinstance(value, Mapping) else value


def _words(change: Any) -> str:
    parts = []
    for key, value in change.items():
        if isinstance(value, Mapping):
            inner = ", ".join(f"{k} {v}" for k, v in value.items() if k != "name")
            value = f"{value.get('name', '')} ({inner})".strip()
        parts.append(f"{key}: {value}")
    return "; ".join(parts)
