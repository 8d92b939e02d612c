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


@dataclass(frozen=True)
class Condition:
    """What an arm may say beside its components.

    Attributes:
        default: what it is unless an arm says so; None: the study's.
        help: what it means, in a sentence.
        choices: the names it may be.
        values: what it may be, in words, where it is no name.
    """

    default: Any
    help: str
    choices: tuple[str, ...] = ()
    values: str = ""

    def __str__(self) -> str:
        return self.values or " | ".join(self.choices)


CONDITIONS: dict[str, Condition] = {
    "lead": Condition(
        None,
        "How long the current's window ends before the video's.",
        values="a number of seconds",
    ),
    "protocol": Condition(
        None,
        "Whether pre-training sees the windows of the test part too, without labels (transductive).",
        ("inductive", "transductive"),
    ),
    "recordings": Condition(
        "all",
        "How many of the training part are learned from; fewer are some of more.",
        values="a whole number of at least 1, or all",
    ),
    "current_input": Condition(
        "features",
        "What the current's encoder reads: features of each step, or samples.",
        ("features", "raw"),
    ),
    "video_input": Condition(
        "features",
        "What the video's encoder reads: features of each step, or pictures.",
        ("features", "raw"),
    ),
    "leak": Condition(
        "none",
        "The modality whose features are given the label: what a score is where a method cheats.",
        ("none", *MODALITIES),
    ),
    "pairs": Condition(
        "own",
        "Whether pre-training sees current and video of one window or, as the control shuffled_pairs, not.",
        ("own", "shuffled"),
    ),
}
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
        given: dotted keys of the values it sets apart from the baseline's, a preset's included: they
            make the arm what it is.
        compared: those of them that it sets by themselves, not along with a component: what the study
            compares in every arm.
    """

    name: str
    kind: Kind
    config: dict[str, Any]
    treatment: str = "method"
    change: str = ""
    levels: dict[str, Any] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    compared: frozenset[str] = frozenset()


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
        grid: slot, dotted key, condition or ``preset`` to a list of levels; the full factorial is built.
        controls: names from :data:`CONTROLS`.
        references: names from :data:`REFERENCES`.
        lead: lead in seconds when the baseline does not say.
        protocol: that of the study, when the baseline does not say.
    """
    base = resolve({**RECIPE, "lead": lead, "protocol": protocol}, baseline)
    factors = {key: _levels(key, values) for key, values in grid.items()}
    own = {key: baseline.get("preset", "none") if key == "preset" else _get(base, key) for key in factors}
    # What the baseline's own mappings set is where a search starts, but its preset is what it is.
    declared = {key: value for key, value in baseline.items() if key == "preset"}
    arms = [
        Arm(
            "baseline",
            "baseline",
            base,
            change=_named(own) or "as declared",
            levels=own,
            given=_given(declared),
        )
    ]
    for name, change in changes.items():
        config = _resolved_for(str(name), base, change)
        _add(
            arms,
            Arm(
                str(name),
                "change",
                config,
                change=_words(change),
                given=_given(change),
                compared=_compared(change),
            ),
        )
    for values in itertools.product(*factors.values()) if factors else ():
        levels = dict(zip(factors, values, strict=True))
        shown = {key: _label(value) for key, value in levels.items()}
        arm = Arm(
            _named(shown),
            "grid",
            _resolved_for(_named(shown), base, levels),
            levels=shown,
            given=_given(levels),
            compared=_compared(levels),
        )
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
    _check_inputs(resolved)
    return resolved


def _merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        slot, _, parameter = str(key).partition(".")
        if key in CONDITIONS:
            merged[key] = _condition(key, value)
        elif slot not in RECIPE:
            raise unknown("slot", slot, [*RECIPE, *CONDITIONS, "preset"])
        else:
            merged[slot] = _merge(merged[slot], {parameter: value} if parameter else value)
    return merged


def _resolved_for(name: str, base: Mapping[str, Any], change: object) -> dict[str, Any]:
    """Return :func:`resolve`, whose refusals then name the arm."""
    try:
        return resolve(base, change)
    except InvalidRequest as wrong:
        raise InvalidRequest(f"arm {name!r}: {wrong}") from None


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
        if key == "preset":
            keys |= _given(preset(value).slots)
        elif isinstance(value, Mapping):
            keys |= {f"{key}.{name}" for name in value if name != "name"}
        elif "." in str(key) or key in CONDITIONS:
            keys.add(str(key))
    return frozenset(keys)


def _compared(change: Mapping[str, Any]) -> frozenset[str]:
    """Return the keys of :func:`_given` that are set neither by a preset nor along with a component."""
    return _given(
        {
            key: value
            for key, value in change.items()
            if key != "preset" and not (isinstance(value, Mapping) and "name" in value)
        }
    )


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
        if used(other.config) == used(arm.config):
            raise InvalidRequest(
                f"arm {arm.name!r} would be the same run as {other.name!r}, since they differ only in what "
                f"has no effect there ({', '.join(_idle(arm.config, other.config))}); change something else "
                "or leave it out"
            )
    arms.append(arm)


def _idle(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return where two configurations differ that are the same run."""
    found = []
    for slot, spec in one.items():
        if slot not in used(one) and spec != other[slot]:
            found.append(slot)
        elif spec != other[slot]:
            found += [f"{slot}.{name}" for name, value in spec.items() if value != other[slot][name]]
    return found


def _condition(key: str, value: object) -> Any:
    if key == "lead":
        return _seconds(value)
    if key == "recordings":
        if value != "all" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise InvalidRequest(f"recordings must be a whole number of at least 1 or 'all', got {value!r}")
        return value
    known = CONDITIONS[key].choices
    if not isinstance(value, str):
        raise InvalidRequest(f"{key} must be one name, got {value!r}; choose one of {', '.join(known)}")
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
        return config.get(key, CONDITIONS[key].default)
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
