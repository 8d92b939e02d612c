"""`precursor search`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.group import checked, main
from bench.cli.options import language_option, retry_option, run_options, study_options
from bench.cli.requests import search_request


@main.command()
@study_options
@run_options
@click.option(
    "--trials",
    default=None,
    type=click.IntRange(1),
    help="Trials per arm over all restarts; else the study's.",
)
@click.option(
    "--confirm/--no-confirm",
    default=True,
    show_default=True,
    help="Retrain the winners on fresh seeds and read the test part.",
)
@retry_option
@language_option
@checked
def search(
    study: str,
    data: tuple[str, ...],
    settings: tuple[str, ...],
    out: Path,
    trials: int | None,
    confirm: bool,
    language: str | None,
    **options: Any,
) -> int:
    """Tune every arm on validation at equal budgets, then confirm the winners on fresh seeds.

    Interrupt at any time; the same command goes on where it stopped. Watch it with
    `precursor dashboard`.

    \b
    Examples: precursor search ablations/smoke.yaml --trials 4
              precursor search ablations/contrastive_loss.yaml --trials 30 --workers 2
    """  # noqa: D301
    from bench.tuning import run_search

    request = search_request(study, data, settings, out, trials, language=language)
    return run_search(request, confirm=confirm, **options)
