"""What ``precursor search`` does once its request is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from rich.console import Console

from bench.ahead import Ahead
from bench.dashboard import refresh, show_best
from bench.run import Options
from bench.search import conduct
from bench.search.confirm import Winner, confirm_cells, evidence, may_repeat, winners
from bench.search.plan import SearchPlan, make_search_plan
from bench.search.task import Task
from bench.store import Store
from bench.study import Study
from bench.verbs import prepare_data, report_folder, require_device, require_folder, show_report
from models import registry


@dataclass(frozen=True)
class Request:
    """A search that is asked for.

    Attributes:
        study: the study.
        out: where records and reports are kept.
        trials: trials per arm, if not the study's.
        command: the command without the paths of this machine, for reports.
        typed: the command as it can be typed here.
        language: the report is there in English and in it; None for what the study says.
        pdf: whether the page is printed, too.
        ahead: the process that writes the report, if there is one.
    """

    study: Study
    out: Path
    trials: int | None
    command: str
    typed: str
    language: str | None = None
    pdf: bool = False
    ahead: Ahead | None = None


def run_search(request: Request, *, confirm: bool, retry_failed: bool, device: str, **options: object) -> int:
    """Search what is missing, confirm the winners, report; 1 if trials or cells failed or are missing."""
    require_device(device)
    how = Options(device=device, **options)  # type: ignore[arg-type]
    how.check()
    plan = make_search_plan(request.study, trials=request.trials)
    console = Console(stderr=True)
    data = prepare_data(request.study, console)
    conduct.check_data(plan, data)
    require_folder(request.out)
    tasks = plan.tasks(str(data))
    _say(console, budget_lines(plan, tasks, request.out, how.slots))
    went = conduct.search(tasks, request.out, how, partial(show_best, request.out), retry=retry_failed)
    _say(console, went.messages, style="yellow")
    left = conduct.unfinished(tasks, request.out)
    if went.interrupted or left:
        _say(console, [f"{left} trials are left; the same command goes on from here"])
        return 1
    found = winners(plan, tasks, request.out)
    if not confirm:
        _refresh(request.out)
        for line in winner_lines(found):
            click.echo(line)
        return _failures(tasks, request)
    outcome = conduct.confirm(plan, found, request.out, how, retry=retry_failed) if found else None
    code = _report(plan, tasks, found, request)
    if outcome and outcome.interrupted:
        _say(console, ["interrupted; the same command goes on from here"])
    return code


def report_search(request: Request) -> int:
    """Write the report of a search again from the record."""
    plan = make_search_plan(request.study, trials=request.trials)
    tasks = plan.tasks("")
    left = conduct.unfinished(tasks, request.out)
    if left:
        said = f"{left} trials of {request.study.name} have not ended in {request.out}"
        click.echo(f"{said}; run `{request.typed}` first", err=True)
        return 1
    found = winners(plan, tasks, request.out)
    store, tuned = Store(request.out), {each.arm.name for each in found}
    if any(store.get(cell.key) is None for cell in confirm_cells(plan, found) if cell.arm in tuned):
        said = f"the winners of {request.study.name} are not confirmed yet"
        click.echo(f"{said}; run `{request.typed}`", err=True)
        return 1
    return _report(plan, tasks, found, request)


def budget_lines(plan: SearchPlan, tasks: Sequence[Task], out: Path, workers: int) -> list[str]:
    """Return what every arm may spend, what is on record already, and whether it can be repeated."""
    settings = plan.spec.settings
    names = ", ".join(str(each["name"]) for each in plan.spec.samplers)
    left, total = conduct.unfinished(tasks, out), sum(task.trials for task in tasks)
    sizes = sorted({len(space) for space, _ in plan.spaces.values()})
    shown = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    count = f"{settings.repeats} {'searches' if settings.repeats > 1 else 'search'} each"
    lines = [
        f"search    {len(plan.arms)} arms, sampler {names}, {shown} parameters, {count}",
        f"budget    {plan.budget}; {total - left} of {total} trials on record",
        f"repeat    {_repeatable(plan, tasks, out, workers)}",
    ]
    startup = getattr(registry.build("sampler", plan.spec.sampler), "startup", 0)
    if settings.trials <= startup:
        sampler = plan.spec.sampler["name"]
        lines.append(f"note      {sampler} learns from {startup} trials on: these are all drawn at random")
    return lines


def _repeatable(plan: SearchPlan, tasks: Sequence[Task], out: Path, workers: int) -> str:
    beside = conduct.ahead(tasks, workers)
    if beside > 1:
        return (
            f"{beside} trials of one search run side by side: their order is not repeatable; "
            f"use --workers {len(tasks)} or fewer for one that is"
        )
    if not may_repeat(plan, tasks, out):
        return "what is on record, or an objective that is measured in seconds, cannot be repeated exactly"
    return "trials of one search run one after another: the same command proposes the same"


def winner_lines(found: Sequence[Winner]) -> list[str]:
    """Return what each search chose, one line each; validation only, nothing of the test part."""
    lines = []
    for each in found:
        chosen = ", ".join(
            f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in each.trial.params.items()
        )
        where = f"{each.arm.name}, search {each.repeat}" if each.repeat else each.arm.name
        value = f"{each.trial.values[0]:.3f} on validation"
        lines.append(f"{where}: {value}, trial {each.trial.number}: {chosen}")
    return lines


def _report(plan: SearchPlan, tasks: Sequence[Task], found: Sequence[Winner], request: Request) -> int:
    if not any(each.arm.kind == "baseline" for each in found):
        click.echo("no trial of the baseline is complete, so there is nothing to compare", err=True)
        return _failures(tasks, request) or 1
    told = evidence(plan, tasks, found, request.out, request.command)
    other = request.trials is not None and request.trials != make_search_plan(plan.study).spec.settings.trials
    mark = f"-{request.trials}-trials" if other else ""
    folder = request.out / plan.study.name / f"{report_folder(plan.study)}{mark}-search"
    spoken = request.language or request.study.reporting.lang
    page = show_report(told, folder, spoken, pdf=request.pdf, ahead=request.ahead)
    click.echo(f"\nreport: {page}\nlive view: precursor dashboard --out {request.out}")
    _refresh(request.out)
    bad = told.missing + int((told.runs["outcome"] != "done").sum())
    if bad:
        click.echo(f"cells missing or failed: {bad}", err=True)
    return max(_failures(tasks, request), int(bool(bad)))


def _failures(tasks: Sequence[Task], request: Request) -> int:
    """Say which trials failed by the machine or its limits; 1 if there are any."""
    failed = conduct.failed(tasks, request.out)
    if failed:
        said = ", ".join(f"{count} of {name}" for name, count in failed.items())
        cure = f"{request.typed} --retry-failed"
        click.echo(
            f"trials failed: {said}; run `{cure}`, with more --timeout or --memory if need be", err=True
        )
    return int(bool(failed))


def _refresh(out: Path) -> None:
    said = refresh(out)
    if said:
        click.echo(said, err=True)


def _say(console: Console, lines: Sequence[str], **style: str) -> None:
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True, **style)  # type: ignore[arg-type]
