"""The arms of a study: the baseline, what is changed about it, its controls and references."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from bench.arms.conditions import CONDITIONS
from bench.arms.resolve import resolve
from bench.arms.sameness import idle, used
from models.catalog import RECIPE
from models.errors import InvalidRequest, unknown
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
    "published_current": "the published current-only transformer trained on the labels, at the same budget",
    "supervised_video": "video encoder trained on the labels, at the same budget",
    "always_positive": "every window called abnormal",
    "clock": "label frequency by the clock on the wall: what a model that knows the time scores",
}
#: References that are another one on an arm of their own: name -> its treatment and what the arm changes.
ON_AN_ARM: dict[str, tuple[str, Mapping[str, Any]]] = {
    "published_current": ("supervised_current", {"preset": "published_current"}),
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

    @cached_property
    def acting(self) -> dict[str, Any]:
        """What has an effect in the arm, see :func:`bench.arms.used`."""
        return used(self.config)


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


def _resolved_for(name: str, base: Mapping[str, Any], change: object) -> dict[str, Any]:
    """Return :func:`resolve`, whose refusals then name the arm."""
    try:
        return resolve(base, change)
    except InvalidRequest as wrong:
        raise InvalidRequest(f"arm {name!r}: {wrong}") from None


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


def _fixed(kind: Kind, name: str, base: dict[str, Any], known: Mapping[str, str]) -> Arm:
    if name not in known:
        raise unknown(kind, name, known)
    treatment = ON_AN_ARM[name][0] if name in ON_AN_ARM else name
    return Arm(name, kind, reference_arm(name, base), treatment=treatment, change=known[name])


def reference_arm(name: str, base: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration that a control or reference runs in, given the baseline's."""
    return resolve(base, ON_AN_ARM[name][1]) if name in ON_AN_ARM else dict(base)


def _require_names_of_their_own(arms: list[Arm]) -> None:
    names = [arm.name for arm in arms]
    for name in names:
        if names.count(name) > 1:
            raise InvalidRequest(f"every arm needs a name of its own, got {name!r} twice; rename one")
        # Other control and format characters would turn a line of a report round, or break it.
        if not name.strip() or any(
            unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") for letter in name
        ):
            raise InvalidRequest(
                f"the name of an arm must be one line of text without control characters, got {name!r}; "
                "rename it"
            )


def _add(arms: list[Arm], arm: Arm) -> None:
    for other in arms:
        if other.config == arm.config:
            raise InvalidRequest(
                f"arm {arm.name!r} is the same as {other.name!r}; change something or leave it out"
            )
        if other.acting == arm.acting:
            raise InvalidRequest(
                f"arm {arm.name!r} would be the same run as {other.name!r}, since they differ only in what "
                f"has no effect there ({', '.join(idle(arm.config, other.config))}); change something else "
                "or leave it out"
            )
    arms.append(arm)


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
