"""`precursor show`: one recording in time."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.group import checked, main
from bench.cli.options import study_options
from bench.cli.requests import load_study, typed_line


@main.command()
@study_options
@click.argument("recording", required=False)
@click.option("--arm", "arms", multiple=True, metavar="ARM", help="Arm to show; may be given several times.")
@click.option("--seed", default=None, type=click.IntRange(0), help="Seed whose test part holds it.")
@click.option("--lang", "language", default="en", show_default=True, type=click.Choice(["en", "zh"]),
              help="Language of words and figure.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@checked
def show(
    study: str,
    recording: str | None,
    data: tuple[str, ...],
    settings: tuple[str, ...],
    out: Path,
    arms: tuple[str, ...],
    seed: int | None,
    language: str,
    as_json: bool,
) -> int:
    """Show a recording in time: episodes on the video, scores, alarms, seconds of warning.

    Reads the record and trains nothing. Without RECORDING it lists those in the test parts.
    Figure (SVG, PNG) and table (CSV) go to `show/` beside the report.

    \b
    Examples: precursor show contrastive_loss
              precursor show contrastive_loss batch-007 --arm baseline --arm cwcl --seed 3
    """  # noqa: D301
    from bench.show import Asked, show
    from bench.verbs import report_folder

    declared = load_study(study, data, settings)
    folder = out / declared.name / report_folder(declared)
    asked = Asked(recording, arms, seed, language, as_json)
    grid, again = (typed_line(verb, study, data, settings, out) for verb in ("grid", "show"))
    return show(declared, out, folder, asked, grid, again)
