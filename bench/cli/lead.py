"""`precursor lead`: by how many seconds does the current precede the video?"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from bench.cli.group import checked, main
from bench.cli.options import plugin_option
from bench.cli.requests import paths


@main.command()
@click.argument("target", metavar="STUDY|DATASET")
@plugin_option
@click.option(
    "--data", "data", multiple=True, metavar="NAME=PATH", help="Recordings from files, e.g. skab=PATH."
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A key of the study, or a parameter of the data set, e.g. world=std.",
)
@click.option("--from", "low", default=-120.0, show_default=True, help="Smallest lead tried, s.")
@click.option("--to", "high", default=720.0, show_default=True, help="Largest lead tried, s.")
@click.option("--step", default=20.0, show_default=True, help="Seconds between leads.")
@click.option("--window", default=60.0, show_default=True, help="Length of the windows compared, s.")
@click.option(
    "--block",
    default=None,
    type=float,
    help="Cut recordings into blocks of so many seconds, where there are few and long ones.",
)
@click.option("--estimators", "names", default=None, metavar="A,B", help="Which to ask; all if not given.")
@click.option("--everything", is_flag=True, help="Look at the test part of the study, too.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of every draw.")
@click.option(
    "--out",
    default="results",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where results are kept.",
)
@click.option(
    "--lang", "language", default="en", show_default=True, type=click.Choice(["en", "zh"]), help="Language."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@checked
def lead(
    target: str,
    data: tuple[str, ...],
    settings: tuple[str, ...],
    names: str | None,
    everything: bool,
    seed: int,
    out: Path,
    language: str,
    as_json: bool,
    **scan: Any,
) -> int:
    """Estimate how many seconds the current precedes the video, with an interval, or say: no evidence.

    Several estimators stand side by side. score_scan is the recommended one: it looks at labels of
    the video, so that a set-point that both modalities share does not mislead it.

    \b
    Examples: precursor lead furnace --set world=std --set recordings=40 --set hours=1
              precursor lead contrastive_loss
              precursor lead milling --data milling=PATH --from -5 --to 5 --step 1 --window 4
    """  # noqa: D301
    from bench.lead import ESTIMATORS
    from bench.lead.command import inquiry_of, run_lead
    from bench.lead.scan import Scan
    from models.registry import read

    given = paths(data)
    chosen = tuple(name.strip() for name in names.split(",") if name.strip()) if names else ESTIMATORS
    inquiry = inquiry_of(
        target,
        given,
        settings,
        read(Scan, {"block": None, **scan}, "lead"),
        chosen,
        seed,
        everything=everything,
    )
    words = ["precursor", "lead", Path(target).stem]
    words += [word for name in given for word in ("--data", f"{name}=PATH")]
    words += [word for item in settings for word in ("--set", item)]
    options = {"from": scan["low"], "to": scan["high"], "step": scan["step"], "window": scan["window"]}
    words += [word for name, value in options.items() for word in (f"--{name}", f"{value:g}")]
    words += ["--block", f"{scan['block']:g}"] if scan["block"] is not None else []
    words += ["--estimators", ",".join(chosen)] if names else []
    words += ["--everything"] if everything else []
    words += ["--seed", str(seed)] if seed else []
    return run_lead(inquiry, out, shlex.join(words), language, facts=as_json)
