"""`precursor plan`, `grid` and `status`: a study before, while and after it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from bench.cli.group import checked, main
from bench.cli.options import language_option, plugin_option, retry_option, run_options, study_options
from bench.cli.requests import command_line, load_study


@main.command()
@study_options
@click.option(
    "--workers", default=2, show_default=True, type=click.IntRange(1), help="Cells that run side by side."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@checked
def plan(
    study: str, data: tuple[str, ...], settings: tuple[str, ...], out: Path, workers: int, as_json: bool
) -> None:
    """Show arms, units, cells on record, cells to run and an estimate of time. Runs nothing.

    Example: precursor plan ablations/contrastive_loss.yaml
    """
    from bench.verbs import describe

    declared = load_study(study, data, settings)
    facts = describe(declared, out, workers)
    click.echo(json.dumps(facts, indent=2, ensure_ascii=False) if as_json else facts["text"])


@main.command()
@study_options
@run_options
@retry_option
@language_option
@checked
def grid(study: str, data: tuple[str, ...], settings: tuple[str, ...], out: Path, **options: Any) -> int:
    """Run what is missing of a study, record every cell as it ends, then report.

    Interrupt at any time; the same command goes on where it stopped.

    \b
    Examples: precursor grid ablations/smoke.yaml --workers 2
              precursor grid ablations/contrastive_loss.yaml --data milling=PATH
    """  # noqa: D301
    from bench.verbs import run_grid

    return run_grid(
        load_study(study, data, settings), out, command=command_line(study, data, settings), **options
    )


@main.command()
@click.argument("study", required=False)
@plugin_option
@click.option(
    "--data", "data", multiple=True, metavar="NAME=PATH", help="Run on this data set, e.g. skab=PATH."
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a key of the study.")
@click.option(
    "--out",
    default="results",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where records are kept.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@checked
def status(
    study: str | None, data: tuple[str, ...], settings: tuple[str, ...], out: Path, as_json: bool
) -> None:
    """Read the record: how many cells ended how, of one study or of all.

    Example: precursor status ablations/smoke.yaml
    """
    from bench.verbs import standing

    facts = standing(load_study(study, data, settings) if study else None, out)
    click.echo(json.dumps(facts, indent=2, ensure_ascii=False) if as_json else facts["text"])
