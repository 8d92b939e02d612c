"""What each verb of the command does once its request is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import grid, identity
from bench.ahead import PUBLISHING, Ahead
from bench.beside import declared, folder_of
from bench.gather import gather
from bench.report.evidence import Evidence
from bench.run import Options, retryable
from bench.store import Store
from bench.study import Study
from models.errors import InvalidRequest


def describe(study: Study, out: Path, workers: int) -> dict[str, Any]:
    """Return what a study would run, as facts and as text."""
    store = Store(out)
    plan = grid.make_plan(study, store)
    seconds, measured = grid.estimate(plan, study, store, workers)
    per_arm = Counter(cell.arm for cell in plan.todo)
    lines = [
        f"{study.name}: {study.settings.question}",
        f"data      {study.source.title}; split by {study.split.by}; {study.settings.protocol}",
        f"judged by {study.settings.metric}, differences below {study.settings.rope:g} do not matter",
        f"units     {len(study.units)}: {study.units[0].name} … {study.units[-1].name}",
        f"arms      {len(study.arms)}",
    ]
    width = max(len(arm.name) for arm in study.arms)
    lines += [
        f"  {arm.name:<{width}}  {arm.kind:<9}  {per_arm[arm.name]:>4} to run  {arm.change}"
        for arm in study.arms
    ]
    lines.append(
        f"cells     {len(plan.cells)}: {len(plan.done)} on record, {len(plan.failed)} failed for good, "
        f"{len(plan.todo)} to run"
    )
    basis = "measured on cells like these" if measured else "a rule of thumb: no such cell is on record yet"
    lines.append(f"time      about {_duration(seconds)} on {workers} workers ({basis})")
    warning = grid.check_reachable(study)
    if warning:
        lines.append(f"warning   {warning}")
    search = _search_in_words(study, out) if study.search else None
    if search:
        lines.append(f"search    {search}")
    return {
        "study": study.name,
        "arms": [{"name": arm.name, "kind": arm.kind, "change": arm.change} for arm in study.arms],
        "units": [unit.name for unit in study.units],
        "cells": len(plan.cells),
        "done": len(plan.done),
        "failed": plan.failed,
        "to_run": len(plan.todo),
        "seconds": seconds,
        "warning": warning,
        "search": search,
        "text": "\n".join(lines),
    }


def _search_in_words(study: Study, out: Path) -> str:
    """Return what a search would spend, or why there can be none; a grid runs all the same."""
    from bench.search.conduct import unfinished
    from bench.search.plan import make_search_plan

    try:
        plan = make_search_plan(study)
    except InvalidRequest as error:
        return f"not as it stands: {error}"
    tasks = plan.tasks("")
    left, total = unfinished(tasks, out), sum(task.trials for task in tasks)
    return f"{plan.budget}; {total - left} of {total} trials on record (`precursor search`)"


def standing(study: Study | None, out: Path) -> dict[str, Any]:
    """Return how the cells of a study, or all on record, ended."""
    store = Store(out)
    if study is None:
        outcomes = Counter(record.outcome for record in store.records())
        facts: dict[str, Any] = {"records": sum(outcomes.values()), "outcomes": dict(outcomes)}
        text = f"{facts['records']} records in {out}: " + (_counts(outcomes) or "none")
    else:
        plan = grid.make_plan(study, store)
        outcomes = Counter(plan.failed.values())
        facts = {
            "cells": len(plan.cells),
            "done": len(plan.done),
            "failed": plan.failed,
            "missing": len(plan.todo),
        }
        text = f"{study.name}: {len(plan.done)} of {len(plan.cells)} cells done, {len(plan.todo)} to run"
        text += f"; failed: {_counts(outcomes)}" if outcomes else ""
    damaged = [str(path) for path in store.damaged()]
    facts["damaged"] = damaged
    if damaged:
        text += f"\n{len(damaged)} damaged files are read as absent: {', '.join(damaged)}"
    return {**facts, "text": text}


def run_grid(
    study: Study,
    out: Path,
    *,
    command: str,
    retry_failed: bool,
    device: str,
    language: str | None = None,
    **options: Any,
) -> int:
    """Prepare the data, run what is missing, report; 1 if cells failed or are missing."""
    require_device(device)
    store = Store(out)
    console = Console(stderr=True)
    data = prepare_data(study, console)
    require_folder(out)
    warning = grid.check_reachable(study)
    if warning:
        console.print(f"warning: {warning}", style="yellow", highlight=False, soft_wrap=True)
    outcome = grid.run(study, store, data, Options(device=device, **options), retry=retry_failed)
    code = write_report(study, out, command=command, language=language)
    if outcome.interrupted:
        console.print("interrupted; the same command goes on from here", highlight=False)
    return code


def prepare_data(study: Study, console: Console) -> Path:
    """Render the study's recordings with progress, and check it against them."""
    with Progress(
        TextColumn("reading recordings"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console, transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=study.source.count)
        return grid.prepare_data(study, lambda done: bar.update(task, completed=done))


def require_folder(out: Path) -> None:
    """Refuse a place where nothing can be written.

    Raises:
        InvalidRequest: it is a file, or cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidRequest(
            f"--out must be a folder that can be written, got {str(out)!r} ({error.strerror}); choose another"
        ) from None


def require_device(device: str) -> None:
    """Refuse ``cuda`` where there is none."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise InvalidRequest(
            "device cuda needs a GPU that PyTorch can use, and there is none; use --device auto"
        )


def write_report(
    study: Study,
    out: Path,
    *,
    command: str,
    cure: str = "",
    language: str | None = None,
    pdf: bool = False,
    beside: Sequence[Study] = (),
    ahead: Ahead | None = None,
) -> int:
    """Write the report of what is on record and print its table; 1 if cells failed or are missing.

    Args:
        study: the study.
        out: where its record is, and its report goes.
        command: what makes the report again.
        cure: what to type where nothing is on record; the command if it is empty.
        language: what the table is printed in, else what the study says; the report is there in English
            and in it.
        pdf: whether the page is printed, too.
        beside: studies that the command lays beside it; their report has a folder of its own.
        ahead: the process that writes the report, if there is one.
    """
    store, cells = Store(out), study.cells()
    evidence = gather(study, store, command, cells)
    failed, todo = _unfinished(evidence, {cell.key for cell in cells}, store)
    if not len(evidence.finished) and not failed:
        click.echo(f"nothing of {study.name} is on record in {out}; run `{cure or command}` first", err=True)
        return 1
    laid = [(other, gather(other, store, "")) for other in (*beside, *declared(study))]
    for other in [other for other, told in laid if not len(told.finished)]:
        said = f"nothing of {other.name} on {other.source.title} is on record in {out}"
        if other in beside:
            click.echo(f"{said}; run `precursor grid` on it first", err=True)
            return 1
        click.echo(f"{said}: the report leaves it out", err=True)
    evidence = replace(evidence, others=tuple(told for _, told in laid if len(told.finished)))
    folder = report_folder(study)
    if beside:
        names = [_beside_name(other, study) for other in beside]
        folder = folder_of(folder, names)
    spoken = language or study.reporting.lang
    page = show_report(evidence, out / study.name / folder, spoken, pdf=pdf, ahead=ahead)
    click.echo(f"\nreport: {page}")
    if todo or failed:
        click.echo(f"cells missing: {todo}, failed: {failed}", err=True)
    return int(bool(todo or failed))


def show_report(
    evidence: Evidence, folder: Path, language: str, *, pdf: bool, ahead: Ahead | None = None
) -> Path:
    """Write a report, print its table, and return what a reader opens.

    Raises:
        InvalidRequest: a PDF is asked for and there is no browser to print it; nothing is written then.
    """
    page, table = (ahead or Ahead(PUBLISHING)).call("publish", evidence, folder, language, pdf=pdf)
    click.echo(table)
    return Path(page)


def _unfinished(evidence: Evidence, planned: set[str], store: Store) -> tuple[int, int]:
    """Return how many cells have failed for good, and how many are still to run."""
    rows = evidence.runs.drop_duplicates("key")
    bad = rows[rows["outcome"] != "done"]
    final = [
        not retryable(str(outcome), store.attempts(str(key)))
        for key, outcome in zip(bad["key"], bad["outcome"], strict=True)
    ]
    return sum(final), len(planned) - (len(rows) - len(bad)) - sum(final)


def _beside_name(other: Study, study: Study) -> str:
    folder = report_folder(other)
    return folder if other.name == study.name else f"{_slug(other.name)}-{folder}"


def _counts(outcomes: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items()))


def _duration(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )


def report_folder(study: Study) -> str:
    """Name the folder of a report: its data, and a mark if the file was changed by settings."""
    mark = [identity.key(list(study.settings_given), 6)] if study.settings_given else []
    return "-".join([_slug(study.source.title), *mark])


def _slug(title: str) -> str:
    return "-".join("".join(c if c.isalnum() or c == "." else " " for c in title.lower()).split())
