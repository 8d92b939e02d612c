"""`precursor dashboard`."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.group import checked, main


@main.command()
@click.option(
    "--out",
    default="results",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the searches are recorded.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0: any free one."
)
@checked
def dashboard(out: Path, host: str, port: int) -> None:
    """Show every search in the browser, live or finished: trials, pruning, importances, tables, figures.

    Example: precursor dashboard --port 8080
    """
    from bench.dashboard import serve
    from bench.store import Store

    Store(out)  # refuses a file
    serve(out, host, port)
