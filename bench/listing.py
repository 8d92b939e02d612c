"""What can be swapped, one line a component."""

from __future__ import annotations

from typing import Any

import bench.data.sources  # noqa: F401  (registers every source)
import bench.search.samplers  # noqa: F401  (registers every sampler)
import models.catalog  # noqa: F401  (registers every component)
from models import registry


def catalogue(slot: str | None = None) -> list[dict[str, Any]]:
    """Return slot, name, parameters, needs, origin and summary of every component, or of one slot."""
    rows = []
    for name in (slot,) if slot else registry.slots():
        for found in registry.components(name).values():
            parameters = {
                key: {
                    "default": default,
                    "range": str(allowed),
                    "search": list(allowed.search),
                    "help": allowed.help,
                }
                for key, (_, default, allowed) in registry.fields(found.parameters).items()
            }
            rows.append(
                {
                    "slot": name,
                    "name": found.name,
                    "parameters": parameters,
                    "needs": sorted(found.needs),
                    "origin": found.origin,
                    "summary": found.summary,
                }
            )
    return rows


def as_lines(rows: list[dict[str, Any]]) -> list[str]:
    """Return the catalogue as aligned text."""
    names = [f"{row['slot']}.{row['name']}" for row in rows]
    width = max(map(len, names))
    lines = []
    for name, row in zip(names, rows, strict=True):
        parameters = ", ".join(
            f"{key}={value['default']}{_ranges(value)}" for key, value in row["parameters"].items()
        )
        needs = f" Needs {', '.join(row['needs'])}." if row["needs"] else ""
        lines.append(
            f"{name:<{width}}  {row['summary']}{needs}" + (f"  {{{parameters}}}" if parameters else "")
        )
    return lines


def _ranges(parameter: dict[str, Any]) -> str:
    """Return what a parameter may be, and what a search draws it from, in brackets."""
    said = [parameter["range"]] if parameter["range"] else []
    if parameter["search"]:
        said.append("searched " + " … ".join(map(str, parameter["search"])))
    return f" [{'; '.join(said)}]" if said else ""
