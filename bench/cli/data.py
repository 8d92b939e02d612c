"""`precursor data`: recordings, before a study uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from bench.cli.group import checked, main
from bench.cli.options import plugin_option
from models.errors import InvalidRequest

LAYOUTS = ("fmf", "plant")
#: Options of `simulate` that say something of the layout fmf alone; and that its real sizes decide.
OF_FMF, SIZES = ("release", "rate", "real_sizes"), ("recordings", "hours", "rate")


@main.group()
def data() -> None:
    """Look at recordings before a study uses them, and write examples of them."""


@data.command("check")
@click.argument("place", metavar="[NAME=]PATH")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A parameter of the data set, e.g. rate=5 for the frames a second of FMF release 1.",
)
@plugin_option
@checked
def check(place: str, settings: tuple[str, ...]) -> int:
    """Say what is there, what is odd and what is wrong.

    Every file is read. The source is told from the files, or named: fmf=PATH, plant=PATH, skab=PATH,
    milling=PATH (of the last two, published anchors are recomputed). Exits with 2 if a study could not use
    what is there, with 1 if an anchor is off.

    Example: precursor data check FMFBenchmarkV2
    """
    from bench.looking import look

    return look(place, settings)


@data.command("convert")
@click.argument("source", metavar="SRC", type=click.Path(path_type=Path))
@click.argument("target", metavar="DST", type=click.Path(path_type=Path))
@click.option(
    "--rate",
    default=25,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="Frames a second of release 1.",
)
@checked
def convert(source: Path, target: Path, rate: int) -> None:
    """Turn release 1 of the FMF benchmark into release 2.

    Example: precursor data convert FMFBenchmark FMFBenchmarkV2
    """
    from bench.data.fmf.convert import convert as convert_files
    from bench.looking import bar

    with bar("converting") as told:
        words = convert_files(source.expanduser(), target.expanduser(), rate=rate, progress=told)
    click.echo(words)


@data.command("simulate")
@click.argument("target", metavar="DST", type=click.Path(path_type=Path))
@click.option("--layout", required=True, type=click.Choice(LAYOUTS), help="Whose files to write.")
@click.option(
    "--world",
    default="hard",
    show_default=True,
    metavar="NAME",
    help="Constants of the furnace: std, hard, shift.",
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0), help="Another seed, other batches."
)
@click.option(
    "--recordings", default=5, show_default=True, type=click.IntRange(1, 28), help="How many batches."
)
@click.option(
    "--hours", default=0.5, show_default=True, type=click.FloatRange(0.1, 100), help="How long a batch is."
)
@click.option(
    "--release", default="2", show_default=True, type=click.Choice(["1", "2"]), help="fmf: which release."
)
@click.option(
    "--rate", default=25, show_default=True, type=click.IntRange(1, 1000), help="fmf: frames a second."
)
@click.option(
    "--real-sizes",
    is_flag=True,
    help="fmf: the benchmark's three batches, with its irregularities (sets --recordings, --hours, --rate).",
)
@checked
def simulate(target: Path, layout: str, **how: Any) -> None:
    """Write a simulated furnace in a layout of files.

    \b
    precursor data simulate fmf-sim --layout fmf --real-sizes     the benchmark's layout and sizes
    precursor data simulate my-plant --layout plant               a folder of a plant's own data
    """  # noqa: D301
    from bench.looking import write_example

    _require_sense(layout, how["real_sizes"])
    click.echo(write_example(target.expanduser(), layout, **how))


def _require_sense(layout: str, real_sizes: bool) -> None:
    """Refuse options that were given and would be ignored."""
    source = click.get_current_context().get_parameter_source
    given = {name for name in (*OF_FMF, *SIZES) if source(name) is not ParameterSource.DEFAULT}
    for name in OF_FMF:
        if layout != "fmf" and name in given:
            option = name.replace("_", "-")
            raise InvalidRequest(
                f"--{option} must go with --layout fmf, but the layout is {layout}; leave --{option} out"
            )
    for name in SIZES:
        if real_sizes and name in given:
            raise InvalidRequest(
                f"--real-sizes must go without --{name}, which it sets itself; leave one of them out"
            )
