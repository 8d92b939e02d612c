"""The report as one page: HTML that needs no network, and Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.report import render, words
from bench.report.comparison import Comparison
from bench.report.evidence import Evidence
from bench.report.figures import Drawing
from bench.report.style import BLUE, GREEN, INK, VERMILLION
from bench.report.table import Table

# Colours of a figure that follow the page, light or dark.
_THEME = {
    INK: "currentColor",
    BLUE: "var(--better)",
    VERMILLION: "var(--worse)",
    GREEN: "var(--equivalent)",
    "#ffffff": "var(--paper)",
}
_SECTIONS = {
    "results": "Results",
    "tuning": "Tuning",
    "search": "Search",
    "winners": "Winners",
    "pareto": "Pareto front",
    "controls": "Controls",
    "references": "References and ceilings",
    "by_group": "By recording",
    "failures": "Failures",
    "cost": "Cost",
}


def html_page(comparison: Comparison, tables: Sequence[Table], figures: Sequence[Drawing]) -> str:
    """Return one self-contained HTML page: inline style and SVG, light and dark, printable."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bench.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2").render(
        evidence=comparison.evidence,
        findings=words.findings(comparison),
        methods=words.methods(comparison),
        sections=[
            (
                _SECTIONS[table.key],
                render.html_table(table),
                [(drawing, inline_svg(drawing)) for drawing in figures if drawing.section == table.key],
            )
            for table in tables
        ],
        provenance=provenance(comparison.evidence),
    )


def markdown_page(comparison: Comparison, tables: Sequence[Table], figures: Sequence[Drawing]) -> str:
    """Return the report as GitHub Markdown, with links to the figures beside it."""
    evidence = comparison.evidence
    parts = [f"# {evidence.study}", evidence.question, f"Data: {evidence.data}", "## Findings"]
    parts.append("\n".join(_listed(words.findings(comparison))))
    for table in tables:
        parts += [f"## {_SECTIONS[table.key]}", render.markdown(table).rstrip()]
        beside = [drawing for drawing in figures if drawing.section == table.key]
        parts += [f"![{d.caption}](figures/{d.name}.svg)\n\n{d.caption}" for d in beside]
    parts += ["## Methods", words.methods(comparison), "## Provenance"]
    parts.append("\n".join(_listed([f"{name}: `{value}`" for name, value in provenance(evidence)])))
    parts.append("The runs behind each row are named in `report.csv` and listed in `runs.csv`.")
    if evidence.command:
        parts.append(f"```sh\n{evidence.command}\n```")
    return "\n\n".join(parts) + "\n"


def provenance(evidence: Evidence) -> list[tuple[str, str]]:
    """Return provenance as sorted rows, the data first."""
    rows = sorted((name, ", ".join(values)) for name, values in evidence.provenance.items())
    return [("data", evidence.data), *rows]


def inline_svg(drawing: Drawing) -> str:
    """Return the SVG element for a page: ids of its own, colours of the page, width left to the page."""
    svg = drawing.svg.decode()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{drawing.name}-", svg)
    size = re.compile(r'(<svg[^>]*?) width="([\d.]+)pt" height="[\d.]+pt"')
    svg = size.sub(lambda m: f'{m[1]} style="max-width: {1.5 * float(m[2]):.0f}px"', svg, count=1)
    opening = f'<svg role="img" aria-labelledby="{drawing.name}-caption"'
    for drawn, themed in _THEME.items():
        svg = svg.replace(drawn, themed)
    return svg.replace("<svg", opening, 1)


def _listed(sentences: Sequence[str]) -> list[str]:
    return [f"- {sentence}" for sentence in sentences]
