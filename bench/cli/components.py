"""`precursor list`: what can be swapped."""

from __future__ import annotations

import json

import click

from bench.cli.group import checked, main
from bench.cli.options import plugin_option


@main.command("list")
@click.argument("slot", required=False)
@plugin_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the page docs/components.md.")
@checked
def list_components(slot: str | None, as_json: bool, as_markdown: bool) -> None:
    """Show components, slot by slot: name, what it is, what it needs, its parameters and ranges.

    Example: precursor list quantizer
    """
    from bench.listing import as_lines, as_page, catalogue

    rows = catalogue(slot)
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        click.echo(as_page(rows) if as_markdown else "\n".join(as_lines(rows, parameters=slot is not None)))
