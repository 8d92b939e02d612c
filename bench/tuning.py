"""What ``precursor search`` does once its request is read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
from rich.console import Console

from bench.dashboard import refresh, show_best
from bench.report import terminal, write
from bench.run import Options
from bench.search import conduct
from bench.search.confirm import Winner, confirm_cells, evidence, winners
from bench.search.plan import SearchPlan, make_search_plan
from bench.search.task import Task
from bench.store import Store
from bench.study import Study
from bench.verbs import prepare_data, report_folder, require_device


def run_search(
    study: Study,
    out: Path,
    *,
    command: str,
    trials: int | None,
    confirm: bool,
    device: str,
    workers: int,
    **options: object,
) -> int:
    """Search what is missing, confirm the winners, report; 1 if trials or cells failed or are missing."""
    require_device(device)
    plan = make_search_plan(study, trials=trials)
    console = Console(stderr=True)
    data = prepare_data(study, console)
    conduct.check_data(plan, data)
    tasks = plan.tasks(str(data))
    for line in budget_lines(plan, tasks, out, workers):
        console.print(line, highlight=False, soft_wrap=True)
    how = Options(device=device, workers=workers, **options)  # type: ignore[arg-type]
    went = conduct.search(tasks, out, how, partial(show_best, out))
    for sentence in went.messages:
        console.print(sentence, style="yellow", highlight=False, soft_wrap=True)
    left = conduct.unfinished(tasks, out)
    if went.interrupted or left:
        console.print(f"{left} trials are left; the same command goes on from here", highlight=False)
        return 1
    found = winners(plan, tasks, out)
    if not confirm:
        refresh(out)
        for line in winner_lines(found):
            click.echo(line)
        return 0
    interrupted = conduct.confirm(plan, found, out, how).interrupted if found else False
    code = _report(plan, tasks, out, command)
    if interrupted:
        console.print("interrupted; the same command goes on from here", highlight=False)
    return code


def report_search(study: Study, out: Path, *, command: str, trials: int | None) -> int:
    """Write the report of a search again from the record."""
    plan = make_search_plan(study, trials=trials)
    tasks = plan.tasks("")
    if conduct.unfinished(tasks, out):
        left = conduct.unfinished(tasks, out)
        click.echo(f"{left} trials of {study.name} have not ended in {out}; run `{command}` first", err=True)
        return 1
    return _report(plan, tasks, out, command)


def budget_lines(plan: SearchPlan, tasks: Sequence[Task], out: Path, workers: int) -> list[str]:
    """Return what every arm may spend, what is on record already, and whether it can be repeated."""
    settings = plan.spec.settings
    names = ", ".join(str(each["name"]) for each in plan.spec.samplers)
    left = conduct.unfinished(tasks, out)
    total = sum(task.trials for task in tasks)
    sizes = sorted({len(space) for space, _ in plan.spaces.values()})
    shown = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    lines = [
        f"search    {len(plan.arms)} arms, sampler {names}, {shown} parameters, "
        f"{settings.repeats} {'searches' if settings.repeats > 1 else 'search'} each",
        f"budget    {plan.budget}; {total - left} of {total} trials on record",
    ]
    beside = conduct.ahead(tasks, workers)
    if beside == 1:
        lines.append(
            "repeat    trials of one search run one after another: the same command proposes the same"
        )
    else:
        lines.append(
            f"repeat    {beside} trials of one search run side by side: their order is not repeatable; "
            f"use --workers {len(tasks)} or fewer for one that is"
        )
    return lines


def winner_lines(found: Sequence[Winner]) -> list[str]:
    """Return what each search chose, one line each; validation only, nothing of the test part."""
    lines = []
    for each in found:
        chosen = ", ".join(
            f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in each.trial.params.items()
        )
        where = f"{each.arm.name}, search {each.repeat}" if each.repeat else each.arm.name
        lines.append(
            f"{where}: {each.trial.values[0]:.3f} on validation, trial {each.trial.number}: {chosen}"
        )
    return lines


def _report(plan: SearchPlan, tasks: Sequence[Task], out: Path, command: str) -> int:
    found = winners(plan, tasks, out)
    if not any(each.arm.kind == "baseline" for each in found):
        click.echo("no trial of the baseline is complete, so there is nothing to compare", err=True)
        return 1
    if not any(Store(out).get(cell.key) for cell in confirm_cells(plan, found)):
        click.echo(f"the winners of {plan.study.name} are not confirmed yet; run `{command}`", err=True)
        return 1
    told = evidence(plan, tasks, found, out, command)
    written = write(told, out / plan.study.name / f"{report_folder(plan.study)}-search")
    click.echo(terminal(told))
    page = next(path for path in written if path.suffix == ".html")
    click.echo(f"\nreport: {page}\nlive view: precursor dashboard --out {out}")
    refresh(out)
    bad = told.missing + int((told.runs["outcome"] != "done").sum())
    if bad:
        click.echo(f"cells missing or failed: {bad}", err=True)
    return int(bool(bad))
