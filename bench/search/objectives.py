"""What a search looks for: the objectives of a trial, and what a failure counts as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from bench.search.spec import COSTS
from bench.store import Record

FAULTS = frozenset({"invalid", "diverged", "oom"})
"""Failures that are the configuration's own: told as its result, and never run a second time."""
_WORST = {"lead": -1e9, "parameters": 1e15, "cpu_seconds": 1e9}


def objective(name: str, content: Mapping[str, Any], done: Sequence[Record]) -> float | None:
    """Return an objective of a configuration: the mean over its seeds, ``None`` if it was not recorded.

    Args:
        name: a score, ``lead``, ``parameters`` or ``cpu_seconds``.
        content: one of its cells.
        done: the records of its cells.
    """
    if name == "lead":
        return float(content["arm"]["lead"])
    found = [each.cost.get(name) if name in COSTS else score(each, name) for each in done]
    known = [float(value) for value in found if value is not None]
    return fmean(known) if len(known) == len(done) else None


def score(record: Record, name: str) -> float | None:
    """Return a score on the validation part."""
    return record.scores.get(f"validation.{name}")


def worst_value(name: str) -> float:
    """Return what a configuration that fails by its own fault is told for an objective.

    Finite, as a sampler computes with it.

    >>> worst_value("current.auroc"), worst_value("current.mcc"), worst_value("parameters")
    (0.0, -1.0, 1000000000000000.0)
    """
    return _WORST.get(name, -1.0 if name.endswith(".mcc") else 0.0)
