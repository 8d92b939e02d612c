"""`precursor lead`, once its request is read: prepare the recordings, ask every estimator, write, print."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import bench.data.sources  # noqa: F401  (registers every source)
from bench import identity
from bench.data.asking import source_of
from bench.data.dataset import Dataset, prepare
from bench.grid import cache_folder, find_study
from bench.lead import ESTIMATORS, estimators
from bench.lead.inquiry import Findings, Inquiry, inquire
from bench.lead.scan import Scan
from bench.lead.words import sentences
from bench.lead.write import as_json, terminal, write
from bench.reading import overridden
from bench.report.lang import speaking
from bench.study import load
from bench.verbs import require_folder
from models import registry
from models.errors import InvalidRequest


def inquiry_of(
    target: str,
    data: Mapping[str, str],
    settings: tuple[str, ...],
    scan: Scan,
    names: tuple[str, ...],
    seed: int,
    *,
    everything: bool = False,
) -> Inquiry:
    """Return what is asked about a study, or about a data set by its registered name.

    Of a study, the test part of its first unit is not looked at unless everything is asked for.

    Raises:
        InvalidRequest: whatever is wrong with it, in one sentence.
    """
    # What the scan and the names have wrong is told before anything is read.
    _ = scan.leads, estimators(names)
    given = (*settings, *data, *(("everything",) if everything else ()))
    if target in registry.components("dataset"):
        if set(data) - {target}:
            raise InvalidRequest(
                f"--data must name {target}, got {', '.join(data)}; write --data {target}=PATH"
            )
        spec = registry.resolve("dataset", overridden({"name": target}, settings))
        path = Path(data[target]).expanduser() if target in data else None
        source = source_of(spec, path)
        return Inquiry(target, source, source.windows, None, None, scan, names, seed, given)
    study = load(find_study(target), data=data, settings=settings)
    split = None if everything else study.split
    fold = study.units[0].fold
    return Inquiry(study.name, study.source, study.windows, split, fold, scan, names, seed, given)


def run_lead(inquiry: Inquiry, out: Path, command: str, language: str, *, facts: bool = False) -> int:
    """Ask, write and print, as JSON if only facts are wanted; 1 if interrupted."""
    require_folder(out)
    console = Console(stderr=True)
    try:
        findings = _ask(inquiry, console)
    except KeyboardInterrupt:
        console.print("interrupted; nothing was written, prepared recordings are kept", highlight=False)
        return 1
    folder = out / "lead" / folder_of(inquiry)
    write(findings, folder, command, language)
    if facts:
        told = as_json(findings, sentences(findings), command)
        click.echo(json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False))
        return 0
    with speaking(language):
        click.echo(terminal(findings))
    click.echo(f"written to {folder}")
    return 0


def folder_of(inquiry: Inquiry) -> str:
    """Name the folder of an answer: what was asked about, and a mark if more was asked than the bare name."""
    name = f"{_slug(inquiry.name)}-{_slug(inquiry.source.title)}"
    asked = [inquiry.given, asdict(inquiry.scan), inquiry.names, inquiry.seed]
    if asked == [(), asdict(Scan()), ESTIMATORS, 0]:
        return name
    return f"{name}-{identity.key([inquiry.source.fingerprint(), *asked], 6)}"


def _ask(inquiry: Inquiry, console: Console) -> Findings:
    """Prepare the recordings and ask, with progress."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        reading = bar.add_task("reading recordings", total=inquiry.source.count)
        folder = prepare(
            inquiry.source,
            inquiry.windows,
            [],
            cache_folder(),
            lambda done: bar.update(reading, completed=done),
        )
        bar.remove_task(reading)
        asking = bar.add_task("asking", total=len(inquiry.names), completed=-1)

        def told(name: str) -> None:
            bar.update(asking, advance=1, description=f"asking {name}")

        return inquire(inquiry, Dataset.open(folder), told)


def _slug(title: str) -> str:
    return "-".join("".join(c if c.isalnum() or c == "." else " " for c in title.lower()).split())
