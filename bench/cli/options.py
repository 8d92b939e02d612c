"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from models.errors import InvalidRequest
from models.plugins import name_files


def _name_plugins(context: click.Context, _option: click.Parameter, files: tuple[Path, ...]) -> None:
    try:
        if files:
            name_files(files)
    except InvalidRequest as error:
        raise click.UsageError(str(error), context) from None


plugin_option = click.option(
    "--plugin",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    expose_value=False,
    is_eager=True,
    callback=_name_plugins,
    help="Python file with components of your own.",
)


def study_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Declare what every verb about a study takes."""
    for declare in (
        plugin_option,
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="KEY=VALUE",
            help="Change a key of the study, e.g. seeds=4.",
        ),
        click.option(
            "--data", "data", multiple=True, metavar="NAME=PATH", help="Run on this data set, e.g. skab=PATH."
        ),
        click.option(
            "--out",
            default="results",
            show_default=True,
            type=click.Path(path_type=Path),
            help="Where records and reports are kept.",
        ),
        click.argument("study", metavar="STUDY"),
    ):
        verb = declare(verb)
    return verb


def run_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Declare what every verb that trains takes."""
    for declare in (
        click.option(
            "--memory", default=4096, show_default=True, type=click.IntRange(256), help="MiB a cell may use."
        ),
        click.option(
            "--timeout",
            default=3600.0,
            show_default=True,
            type=click.FloatRange(1),
            help="Seconds a cell may take.",
        ),
        click.option(
            "--device",
            default="cpu",
            show_default=True,
            type=click.Choice(["auto", "cpu", "cuda"]),
            help="Where cells train.",
        ),
        click.option(
            "--address", default=None, help="Address of a Ray cluster; a local one is started if not given."
        ),
        click.option(
            "--engine",
            default="ray",
            show_default=True,
            type=click.Choice(["ray", "local"]),
            help="Ray Tune, or plain processes for debugging.",
        ),
        click.option(
            "--workers",
            default=2,
            show_default=True,
            type=click.IntRange(1),
            help="Cells that run side by side, one thread each.",
        ),
    ):
        verb = declare(verb)
    return verb


retry_option = click.option(
    "--retry-failed",
    is_flag=True,
    help="Run again what failed for good, after raising --timeout or --memory.",
)


language_option = click.option(
    "--lang",
    "language",
    default=None,
    type=click.Choice(["en", "zh"]),
    help="Language of the report, else the study's; another than en stands beside the English one.",
)
