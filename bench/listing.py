"""What can be swapped: slot by slot, as text, as data and as the page of the documentation."""

from __future__ import annotations

import inspect
import re
from typing import Any

import bench.data.sources  # noqa: F401  (registers every source)
import bench.disturb  # noqa: F401  (registers every disturbance)
import bench.search.samplers  # noqa: F401  (registers every sampler)
import models.catalog  # noqa: F401  (registers every component)
from bench.arms import CONDITIONS
from models import registry
from models.presets import PRESETS

#: What each slot is, in the order in which an arm is read.
SLOTS = {
    "current_encoder": "encodes the steps of the weak, early signal",
    "video_encoder": "encodes the steps of the strong, late signal",
    "bridge": "carries the encoders' vectors onto the shared space, at test too",
    "specific_encoder": "what a modality keeps to itself",
    "disentangle": "keeps what is shared apart from what is specific",
    "quantizer": "the codebook that both modalities share",
    "hierarchy": "a second level of codes, for what the first left over",
    "alignment": "makes the modalities predict each other",
    "contrast": "tells the right partner from the others",
    "code_matching": "makes both modalities choose the same codes",
    "guidance": "labels of the video in pre-training",
    "decoder": "rebuilds the input",
    "optimizer": "takes the steps",
    "checkpoint": "which epoch is read",
    "calibration": "brings the frozen vectors of both modalities together, from unlabelled pairs",
    "codebook_optimizer": "which channels of the codes are read",
    "head": "fitted on codes of the video, read on codes of the current",
    "fusion": "reads both modalities, where the video is there at test too",
    "dataset": "where recordings come from",
    "disturbance": "what a study's test parts are read under as well, at graded strength",
    "sampler": "proposes configurations in a search",
}

#: What stands beside the components of an arm.
OTHERS = {
    "preset": "combinations that go by a name of their own",
    "condition": "what an arm may say beside its components",
}


def catalogue(slot: str | None = None) -> list[dict[str, Any]]:
    """Return slot, name, parameters, needs, origin and summary of every component, or of one slot.

    ``preset`` and ``condition`` count as slots: what stands beside the components of an arm.

    Raises:
        InvalidRequest: no such slot.
    """
    known = [
        *(name for name in SLOTS if name in registry.slots()),
        *sorted(set(registry.slots()) - set(SLOTS)),
    ]
    rows: list[dict[str, Any]] = []
    for name in () if slot in ("preset", "condition") else (slot,) if slot else known:
        found = list(registry.components(name).values())
        # Sources have no first among them, and which module of theirs is imported first is chance.
        rows += map(_row, sorted(found, key=lambda each: each.name) if name == "dataset" else found)
    if slot in (None, "preset"):
        rows += [
            {"slot": "preset", "name": name, "parameters": {}, "needs": [], "origin": p.origin,
             "summary": p.summary, "slots": dict(p.slots)}
            for name, p in PRESETS.items()
        ]  # fmt: skip
    if slot in (None, "condition"):
        rows += [
            {"slot": "condition", "name": name, "parameters": {}, "needs": [], "origin": "",
             "summary": c.help, "values": str(c), "default": c.default}
            for name, c in CONDITIONS.items()
        ]  # fmt: skip
    return rows


def _row(found: registry.Component) -> dict[str, Any]:
    parameters = {
        key: {
            "default": default,
            "range": str(allowed),
            "search": list(allowed.search),
            "help": allowed.help,
        }
        for key, (_, default, allowed) in registry.fields(found.parameters).items()
    }
    return {
        "slot": found.slot,
        "name": found.name,
        "parameters": parameters,
        "needs": sorted(found.needs),
        "origin": found.origin,
        "summary": found.summary,
    }


def as_lines(rows: list[dict[str, Any]], *, parameters: bool) -> list[str]:
    """Return the catalogue as aligned text, a heading for each slot; with or without parameters."""
    width = max(len(row["name"]) for row in rows)
    lines: list[str] = []
    slot = None
    for row in rows:
        if row["slot"] != slot:
            slot = row["slot"]
            lines += [*([""] if lines else []), f"{slot}: {_about(slot)}"]
        said = [row["summary"]]
        said += [f"[{row['origin']}]"] if row["origin"] else []
        said += [f"Needs {', '.join(row['needs'])}."] if row["needs"] else []
        said += [f"= {_settings(row['slots'])}"] if "slots" in row else []
        said += [f"[{_values(row)}]"] if "values" in row else []
        lines.append(f"  {row['name']:<{width}}  {' '.join(said)}")
        for key, value in row["parameters"].items() if parameters else ():
            lines.append(f"  {'':<{width}}    {key}={value['default']}{_ranges(value)}  {value['help']}")
    return lines


def as_page(rows: list[dict[str, Any]]) -> str:
    """Return the catalogue as a Markdown page."""
    parts = [
        "# Components\n\nMade from the registry by `precursor list --markdown`; do not edit by hand. A study "
        "names any of these in its slot; `needs` are: "
        + "; ".join(f"*{word}*: {what}" for word, what in registry.NEEDS.items())
        + ". Beside its components an arm may name a preset and say conditions: "
        + ", ".join(f"`{name}`" for name in CONDITIONS)
        + ".",
    ]
    slot = None
    for row in rows:
        if row["slot"] != slot:
            slot = row["slot"]
            parts.append(f"## {slot}\n\n{_about(slot).capitalize()}.")
        parts.append(_entry(row))
    return "\n\n".join(parts)


def _entry(row: dict[str, Any]) -> str:
    head = [row["origin"]] if row["origin"] else []
    head += [f"needs {', '.join(row['needs'])}"] if row["needs"] else []
    lines = [f"### {row['name']}\n", *([f"*{' · '.join(head)}*\n"] if head else [])]
    if "slots" in row:
        return "\n".join([*lines, f"{row['summary']} `{_settings(row['slots'])}`"])
    if "values" in row:
        return "\n".join([*lines, f"{row['summary']} `{_values(row)}`"])
    text = inspect.cleandoc(registry.lookup(row["slot"], row["name"]).factory.__doc__ or "")
    lines.append(_plain(text))
    if row["parameters"]:
        lines += ["", "| parameter | default | may be | searched | |", "|---|---|---|---|---|"]
        lines += [
            "| "
            + " | ".join(
                [
                    f"`{key}`",
                    str(value["default"]),
                    value["range"].replace("|", "or"),
                    _drawn(value["search"]),
                    value["help"],
                ]
            )
            + " |"
            for key, value in row["parameters"].items()
        ]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Return a docstring as Markdown: roles and double backticks become single ones, sections bold."""
    text = re.sub(r":(?:class|func|mod|data|attr|meth):`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    text = re.sub(r"^(Args|Raises|Attributes|Returns):$", r"**\1**\n", text, flags=re.MULTILINE)
    return re.sub(r"^ {4}(\w[^\n]*)", r"- \1", text, flags=re.MULTILINE)


def _about(slot: str) -> str:
    return OTHERS.get(slot) or SLOTS.get(slot, "")


def _values(row: dict[str, Any]) -> str:
    default = "the study's" if row["default"] is None else row["default"]
    return f"{row['values']}; {default} unless said"


def _settings(slots: dict[str, Any]) -> str:
    parts = []
    for key, value in slots.items():
        if isinstance(value, dict):
            inner = ", ".join(f"{k}: {v}" for k, v in value.items())
            value = f"{{{inner}}}"
        parts.append(f"{key}: {value}")
    return ", ".join(parts)


def _drawn(searched: list[Any]) -> str:
    """Return the two ends of a range, or the values where there are others."""
    ends = len(searched) == 2 and not isinstance(searched[0], str | bool)
    return (" … " if ends else " or ").join(map(str, searched))


def _ranges(parameter: dict[str, Any]) -> str:
    """Return what a parameter may be, and what a search draws it from, in brackets."""
    said = [parameter["range"]] if parameter["range"] else []
    if parameter["search"]:
        said.append("searched " + _drawn(parameter["search"]))
    return f" [{'; '.join(said)}]" if said else ""
