"""Slots, the components that fit them, and the parameters each component declares.

A slot is a place in the method; a component is a named class that fits it. A component declares
its parameters once, as a frozen dataclass whose fields are made by :func:`param`; the YAML schema,
the search space, ``precursor list`` and the documentation are all derived from that one place.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar, cast, get_type_hints

from models.errors import InvalidRequest, unknown

C = TypeVar("C", bound=type)
P = TypeVar("P", bound=object)


@dataclass(frozen=True)
class Range:
    """What a parameter may be: bounds (inclusive) or choices, and whether a search is logarithmic.

    ``search`` is what a search draws from unless a study says otherwise: the two ends of a range, three
    or more ascending numbers where not every one between would do, or some of the choices; empty where the
    parameter is searched only if a study asks for it.
    """

    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] = ()
    log: bool = False
    help: str = ""
    search: tuple[Any, ...] = ()

    def __str__(self) -> str:
        if self.choices:
            return " | ".join(str(choice) for choice in self.choices)
        if self.low is None and self.high is None:
            return ""
        low, high = (f"{v:g}" if v is not None else "" for v in (self.low, self.high))
        return f"{low} … {high}{' (log)' if self.log else ''}"


@dataclass(frozen=True)
class NoParameters:
    """Parameters of a component that has none."""


@dataclass(frozen=True)
class Component:
    """A registered component: its class, what it is called, where it fits and what it needs."""

    slot: str
    name: str
    factory: Any
    parameters: type
    origin: str
    needs: frozenset[str]
    lacks: frozenset[str] = frozenset()

    @property
    def summary(self) -> str:
        """The first line of the docstring of the class."""
        return (self.factory.__doc__ or "").strip().splitlines()[0]


#: Every place that a component may fit, in the order in which an arm is read; then those of a study.
SLOTS = (
    "current_encoder",
    "video_encoder",
    "bridge",
    "specific_encoder",
    "disentangle",
    "quantizer",
    "hierarchy",
    "alignment",
    "contrast",
    "code_matching",
    "guidance",
    "decoder",
    "optimizer",
    "checkpoint",
    "codebook_optimizer",
    "head",
    "calibration",
    "fusion",
    "dataset",
    "disturbance",
    "sampler",
)
#: What components may need and lack, and what each word means.
NEEDS = {
    "private": "specific vectors of each modality",
    "codes": "a codebook whose indices mean something",
    "causal": "steps that see nothing later than themselves",
    "label": "labels of the video in pre-training",
    "metadata": "process metadata of each window",
    "raw": "raw samples or pictures as input",
}
_COMPONENTS: dict[str, dict[str, Component]] = {}


def param(
    default: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[Any, ...] = (),
    log: bool = False,
    help: str = "",
    search: tuple[Any, ...] = (),
) -> Any:
    """Return a dataclass field with a default, the range it must stay in and the one a search draws from."""
    if isinstance(default, list | dict):
        raise TypeError("a parameter default must be immutable")
    return field(default=default, metadata={"range": Range(low, high, choices, log, help, search)})


def component(
    slot: str,
    name: str,
    *,
    parameters: type = NoParameters,
    origin: str = "",
    needs: tuple[str, ...] = (),
    lacks: tuple[str, ...] = (),
) -> Callable[[C], C]:
    """Register the decorated class as component ``name`` of ``slot``, one of :data:`SLOTS`.

    ``needs`` names, in words of :data:`NEEDS`, what the component asks of the rest of the arm and of
    the data, ``lacks`` what an arm with this component does not have.

    Raises:
        InvalidRequest: an unknown slot or need, a name that is taken, a class without a docstring, or
            parameters that are no frozen dataclass of fields made by :func:`param`.
    """
    if slot not in SLOTS:
        raise unknown("slot", slot, SLOTS)
    _check_parameters(parameters, f"{slot}.{name}")
    for word in (*needs, *lacks):
        if word not in NEEDS:
            raise unknown(f"need of {slot}.{name}", word, NEEDS)

    def register(cls: C) -> C:
        if not (cls.__doc__ or "").strip():
            raise InvalidRequest(
                f"a component must have a docstring that says what it is, and {cls.__name__} ({slot}.{name}) "
                "has none; write one"
            )
        taken = _COMPONENTS.setdefault(slot, {})
        if name in taken:
            raise InvalidRequest(f"component {slot}.{name} is registered twice; choose another name")
        taken[name] = Component(slot, name, cls, parameters, origin, frozenset(needs), frozenset(lacks))
        return cls

    return register


def _check_parameters(parameters: object, where: str) -> None:
    frozen = getattr(parameters, "__dataclass_params__", None)
    if not (
        isinstance(parameters, type) and dataclasses.is_dataclass(parameters) and frozen and frozen.frozen
    ):
        raise InvalidRequest(
            f"parameters of {where} must be a frozen dataclass, got {parameters!r}; decorate the class with "
            "@dataclass(frozen=True)"
        )
    for declared in dataclasses.fields(parameters):
        if "range" not in declared.metadata or declared.default is dataclasses.MISSING:
            raise InvalidRequest(
                f"every parameter of {where} must be made by param(), and {declared.name!r} is not; "
                f"write {declared.name} = param(default)"
            )
        _check_range(declared.metadata["range"], declared.default, f"{where}.{declared.name}")


def _check_range(allowed: Range, default: object, where: str) -> None:
    """Refuse a default, or a value to search, that the parameter itself would refuse."""
    for value in (default, *allowed.search):
        out = bool(allowed.choices) and value not in allowed.choices
        if isinstance(value, int | float) and not isinstance(value, bool):
            out |= allowed.low is not None and value < allowed.low
            out |= allowed.high is not None and value > allowed.high
        if out:
            raise InvalidRequest(
                f"defaults and searched values of {where} must lie in {allowed}, got {value!r}; widen the "
                "range or change the value"
            )


def slots() -> tuple[str, ...]:
    """Return the names of all slots that have a component."""
    return tuple(_COMPONENTS)


def components(slot: str) -> dict[str, Component]:
    """Return the components of a slot by name."""
    if slot not in _COMPONENTS:
        raise unknown("slot", slot, _COMPONENTS)
    return dict(_COMPONENTS[slot])


def lookup(slot: str, name: object) -> Component:
    """Return one component, or raise :class:`InvalidRequest` with the known and nearest names."""
    known = components(slot)
    if not isinstance(name, str) or name not in known:
        raise unknown(f"{slot} component", name, known)
    return known[name]


def resolve(slot: str, spec: object) -> dict[str, Any]:
    """Return ``{"name": ..., every parameter: value}`` for a name or a mapping with a name.

    >>> import models.quantizers
    >>> resolve("quantizer", {"name": "mm_ema", "codes": 32})["codes"]
    32
    """
    if isinstance(spec, str):
        spec = {"name": spec}
    if not isinstance(spec, Mapping) or "name" not in spec:
        raise InvalidRequest(
            f"{slot} must be a component name or a mapping with 'name', got {spec!r}; "
            f"choose one of {', '.join(components(slot))}"
        )
    found = lookup(slot, spec["name"])
    values = {key: value for key, value in spec.items() if key != "name"}
    built: Any = read(found.parameters, values, f"{slot}.{found.name}")
    return {"name": found.name, **dataclasses.asdict(built)}


def build(slot: str, spec: Mapping[str, Any], *args: Any, **context: Any) -> Any:
    """Build the component a resolved specification names, as ``cls(parameters, *args, **context)``.

    Of the context a component is given what its ``__init__`` names, so that a component says what it
    looks at, and a richer context breaks none.
    """
    found = lookup(slot, spec["name"])
    values = {key: value for key, value in spec.items() if key != "name"}
    named = inspect.signature(found.factory).parameters
    if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in named.values()):
        context = {key: value for key, value in context.items() if key in named}
    return found.factory(read(found.parameters, values, f"{slot}.{found.name}"), *args, **context)


@cache
def fields(cls: type) -> dict[str, tuple[type, Any, Range]]:
    """Return type, default and range of every parameter of a parameter dataclass."""
    hints = get_type_hints(cls)
    return {
        f.name: (hints[f.name], f.default, f.metadata.get("range", Range())) for f in dataclasses.fields(cls)
    }


def read(cls: type[P], values: object, where: str) -> P:
    """Build a frozen parameter dataclass from a mapping, checking names, types and ranges.

    Raises:
        InvalidRequest: unknown key, wrong type, missing key or value out of range; the sentence
            names ``where``, the value and what is allowed.
    """
    if not isinstance(values, Mapping):
        raise InvalidRequest(f"{where} must be a mapping of keys to values, got {values!r}")
    known = fields(cast("type", cls))
    for key in values:
        if key not in known:
            raise unknown(f"key in {where}:", key, known)
    for key, (_, default, _range) in known.items():
        if default is dataclasses.MISSING and key not in values:
            raise InvalidRequest(f"{where} needs the key {key!r}; add it")
    checked = {key: _check(values[key], *known[key], f"{where}.{key}") for key in values}
    return cls(**checked)


def _check(value: object, kind: Any, default: object, allowed: Range, where: str) -> Any:
    if value is None and default is None:
        return None
    for candidate in (bool, int, float, str):
        if kind is candidate or kind == candidate | None:
            value = _typed(value, candidate, where)
            break
    if allowed.choices and value not in allowed.choices:
        raise InvalidRequest(f"{where} must be one of {allowed}, got {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidRequest(f"{where} must be a finite number, got {value!r}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        below = allowed.low is not None and value < allowed.low
        above = allowed.high is not None and value > allowed.high
        if below or above:
            raise InvalidRequest(f"{where} must lie in {allowed}, got {value!r}")
    return value


def _typed(value: object, kind: type, where: str) -> Any:
    is_bool = isinstance(value, bool)
    if kind is float and isinstance(value, int | float) and not is_bool and abs(value) < sys.float_info.max:
        return float(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, kind) and (kind is bool or not is_bool):
        return value
    raise InvalidRequest(f"{where} must be of type {kind.__name__}, got {value!r}")
