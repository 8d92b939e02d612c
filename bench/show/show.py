"""`precursor show`: a recording as picture, table and words."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from bench.report.drawing import Drawing
from bench.report.figures.timeline import caption, timelines
from bench.report.lang import said_name, say, speaking
from bench.report.style import style
from bench.report.timeline import Timeline
from bench.report.write import replace_file
from bench.show.find import Shelf
from bench.show.words import listed, told
from bench.store import Store
from bench.study import Study

_WIDEST = 110  # columns of the words


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Attributes:
        recording: its name, or the number it ends in; None for a list of all.
        arms: those shown, one a row; empty for the baseline and the first changes.
        seed: whose test part; None for the first that holds it.
        language: of words and figure.
        as_json: whether facts are printed instead of words.
    """

    recording: str | None = None
    arms: tuple[str, ...] = ()
    seed: int | None = None
    language: str = "en"
    as_json: bool = False


def show(study: Study, out: Path, folder: Path, asked: Asked, command: str, again: str) -> int:
    """Show a recording, or which ones there are; 1 if nothing is on record.

    Args:
        study: the study.
        out: where its record is.
        folder: where figure and table go.
        asked: what is asked for.
        command: what makes the record, for a study without one.
        again: what lists the recordings; with the name of one behind it, it shows that.

    Raises:
        InvalidRequest: no such arm, recording or seed.
    """
    shelf = Shelf(study, Store(out))
    arms = shelf.arms(asked.arms)
    held = next(filter(None, map(shelf.held, arms)), {})
    if not held:
        said = f"nothing of {study.name} that can be shown is on record in {out}; run `{command}` first"
        click.echo(said, err=True)
        return 1
    with speaking(asked.language):
        if asked.recording is None:
            seeds = {name: sorted({unit.seed for unit in units}) for name, units in held.items()}
            _tell(seeds, asked, study, again)
            return 0
        name, unit = shelf.choose(held, asked.recording, asked.seed)
        found = [each for arm in arms if (each := shelf.timeline(arm, unit, name)) is not None]
        lacking = [arm for arm in arms if arm not in {each.arm for each in found}]
        for arm in lacking:
            click.echo(f"{arm} has no finished run on {unit.name}: it is left out", err=True)
        paths = write_timelines(found, study, folder / "show", f"{_slug(name)}-seed-{unit.seed}")
        if asked.as_json:
            click.echo(json.dumps(facts(found, study, paths), indent=2, ensure_ascii=False))
            return 0
        console = Console(highlight=False)
        title = say(
            "{study}: recording {recording}, {unit}; data: {data}",
            study=study.name, recording=name, unit=unit.name, data=study.source.title,
        )  # fmt: skip
        for line in told(found, title, min(console.width, _WIDEST)):
            console.print(line, soft_wrap=True)
        click.echo("\n" + say("figure: {path}", path=paths[0]))
    return 0


def write_timelines(found: Sequence[Timeline], study: Study, folder: Path, stem: str) -> list[Path]:
    """Write the figure as SVG and PNG and what it shows as CSV; return their paths, the SVG first."""
    first = found[0]
    title = say("Recording {recording}: scores and alarms", recording=first.recording)
    with style():
        drawing: Drawing = timelines(stem, found, title, study.source.title, caption(found)).drawing()
    parts = {f"{stem}.svg": drawing.svg, f"{stem}.png": drawing.png, f"{stem}.csv": drawing.data}
    return [replace_file(folder / said_name(name), content) for name, content in parts.items()]


def facts(found: Sequence[Timeline], study: Study, paths: Sequence[Path]) -> dict[str, Any]:
    """Return a recording for a script: seconds since it began, null where there is none."""
    first = found[0]
    return {
        "study": study.name,
        "data": study.source.title,
        "simulated": study.source.simulated,
        "recording": first.recording,
        "unit": first.unit,
        "seconds": list(first.span),
        "episodes": [
            {"start": float(start), "end": float(end), "counted": bool(counted)}
            for (start, end), counted in zip(first.episodes, first.counted, strict=True)
        ],
        "arms": [
            {
                "arm": each.arm,
                "lead": each.lead if math.isfinite(each.lead) else None,
                "rule": each.ruled,
                **{
                    modality: {
                        "alarms": [float(second) for second in line.alarms],
                        "false": [float(second) for second in line.alarms[line.false]],
                        "aside": [float(second) for second in line.alarms[line.aside]],
                        "warned": [float(s) if s == s else None for s in line.warned],
                    }
                    for modality, line in each.lines.items()
                },
            }
            for each in found
        ],
        "files": [str(path) for path in paths],
    }


def _tell(seeds: dict[str, list[int]], asked: Asked, study: Study, again: str) -> None:
    if asked.as_json:
        click.echo(json.dumps({"study": study.name, "recordings": seeds}, indent=2, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for line in listed(seeds, study.name, again, min(console.width, _WIDEST)):
        console.print(line, soft_wrap=True)


def _slug(name: str) -> str:
    """Return a name as part of a file's name."""
    return "".join(c if c.isalnum() or c in "_-" else "-" for c in name)[:80]
