"""The block ``disturbances`` of a study: what its test parts are read under as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.disturb.disturbance import Disturbance
from models import registry
from models.errors import InvalidRequest

#: Raised whenever the same specification would disturb in another way.
VERSION = 1
Specs = dict[str, dict[str, Any]]


def read_disturbances(block: Mapping[str, Any]) -> Specs:
    """Return label -> resolved specification of every disturbance of a study.

    A disturbance is given the strengths it is read at, or a mapping of its parameters with these:
    ``mist: [0.25, 0.5, 1]``, ``clock_offset: {strength: [0.5, 1], seconds: 60}``. The label joins name and
    strength, ``mist_0.5``, and begins the names of the scores.

    Raises:
        InvalidRequest: an unknown disturbance or parameter, a value out of range, no strength, strength 0
            (the clean test part is always read), or one twice.
    """
    found: Specs = {}
    for name, asked in block.items():
        given = dict(asked) if isinstance(asked, Mapping) else {"strength": asked}
        strengths = given.pop("strength", None)
        strengths = strengths if isinstance(strengths, list) and strengths else [strengths]
        for strength in strengths:
            if isinstance(strength, bool) or not isinstance(strength, int | float) or not strength > 0:
                raise InvalidRequest(
                    f"disturbances.{name} needs strengths above 0 and up to 1, got {strength!r}; write "
                    f"{name}: [0.25, 0.5, 1]"
                )
            label = f"{name}_{strength:g}"
            if label in found:
                raise InvalidRequest(
                    f"disturbances.{name} must name each strength once, got {strength!r} twice"
                )
            found[label] = registry.resolve("disturbance", {"name": name, **given, "strength": strength})
    return found


def build(spec: Mapping[str, Any], *, simulated: bool) -> Disturbance:
    """Return the disturbance that a specification names."""
    built: Disturbance = registry.build("disturbance", spec, simulated=simulated)
    return built
