"""`precursor data`: recordings, before a study uses them."""

from __future__ import annotations

import click

from bench.cli.group import checked, main
from bench.cli.options import plugin_option
from models.errors import InvalidRequest


@main.group()
def data() -> None:
    """Look at recordings before a study uses them."""


@data.command("check")
@click.argument("name_path", metavar="NAME=PATH")
@plugin_option
@checked
def check(name_path: str) -> int:
    """Read recordings from files, say what is there, and recompute the published anchors.

    Example: precursor data check skab=PATH
    """
    from bench.verbs import check_data

    name, sign, path = name_path.partition("=")
    if not sign or not name or not path:
        raise InvalidRequest(f"the argument must read NAME=PATH, got {name_path!r}; write skab=PATH")
    return check_data(name, path)
