"""The report as one page: HTML that needs no network, and Markdown."""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from collections.abc import Iterable, Sequence
from importlib.resources import files

from bench.report import render, words
from bench.report.citations import cited
from bench.report.comparison import Comparison
from bench.report.evidence import Evidence
from bench.report.figures import Drawing
from bench.report.hover import Hover
from bench.report.lang import language, retell, said_name, say
from bench.report.methods import methods
from bench.report.render.markdown import escape
from bench.report.sections import section_title
from bench.report.style import BLUE, GREEN, INK, VERMILLION
from bench.report.table import Table
from bench.report.typeface import face, first

# Colours of a figure that follow the page, light or dark.
_THEME = {
    INK: "currentColor",
    BLUE: "var(--better)",
    VERMILLION: "var(--worse)",
    GREEN: "var(--equivalent)",
    "#ffffff": "var(--paper)",
}
_TAGS = {"en": "en", "zh": "zh-Hans"}
_LETTERS = "/* letters */"  # where the style takes the font
_AT_ONCE = 4  # figures of a section that are open; a reader unfolds the others


def edition(comparison: Comparison, tables: Sequence[Table], figures: Sequence[Drawing]) -> dict[str, bytes]:
    """Return what people read, in the language in use: page, Markdown and figures by their file names."""
    found = {
        said_name("report.html"): html_page(comparison, tables, figures).encode(),
        said_name("report.md"): markdown_page(comparison, tables, figures).encode(),
    }
    for drawing in figures:
        parts = {"svg": drawing.svg, "png": drawing.png, "csv": drawing.data}
        found |= {f"{said_name('figures')}/{drawing.name}.{kind}": part for kind, part in parts.items()}
    return found


def html_page(comparison: Comparison, tables: Sequence[Table], figures: Sequence[Drawing]) -> str:
    """Return one self-contained HTML page: inline style, script and SVG, light and dark, printable.

    Its policy of content forbids every request, and every script but its own.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("bench.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    script, how, hover = _part("page.js"), methods(comparison), Hover.of(tables)
    captions = [drawing.caption for drawing in figures]
    captions += [note for table in tables for note in table.notes]
    page = environment.get_template("page.html.j2").render(
        say=say,
        tag=_TAGS[language()],
        style=Markup(_part("page.css")),
        script=Markup(script),
        allowed=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        evidence=comparison.evidence,
        findings=words.findings(comparison),
        methods=how,
        literature=cited(how, *captions),
        sections=[
            (
                table.key,
                section_title(table.key),
                Markup(render.html_table(table, hover.attribute)),
                [
                    (drawing, Markup(inline_svg(drawing)))
                    for drawing in figures
                    if drawing.section == table.key
                ],
            )
            for table in tables
        ],
        at_once=_AT_ONCE,
        provenance=provenance(comparison.evidence),
        command=command(comparison.evidence),
        told={"words": _words(), "runs": hover.told},
    )
    return page.replace(_LETTERS, face(page + "".join(_words().values())), 1)


def markdown_page(comparison: Comparison, tables: Sequence[Table], figures: Sequence[Drawing]) -> str:
    """Return the report as GitHub Markdown, with links to the figures beside it."""
    evidence, folder = comparison.evidence, said_name("figures")
    parts = [f"# {escape(evidence.study)}", escape(evidence.question)]
    parts.append(escape(say("Data: {data}", data=evidence.data)))
    parts += [f"## {say('Findings')}", "\n".join(_listed(map(escape, words.findings(comparison))))]
    for table in tables:
        parts += [f"## {section_title(table.key)}", render.markdown(table).rstrip()]
        beside = [drawing for drawing in figures if drawing.section == table.key]
        told = [(escape(drawing.caption), drawing.name) for drawing in beside]
        parts += [f"![{caption}]({folder}/{name}.svg)\n\n{caption}" for caption, name in told]
    how = methods(comparison)
    parts += [f"## {say('Methods')}", how]
    notes = [note for table in tables for note in table.notes]
    found = cited(how, *(drawing.caption for drawing in figures), *notes)
    if found:
        parts += [f"## {say('Literature')}", "\n".join(_listed(found))]
    parts.append(f"## {say('Provenance')}")
    parts.append("\n".join(_listed([f"{name}: `{value}`" for name, value in provenance(evidence)])))
    parts.append(say("The runs behind each row are named in `report.csv` and listed in `runs.csv`."))
    if evidence.command:
        parts.append(f"```sh\n{command(evidence)}\n```")
    return "\n\n".join(parts) + "\n"


def provenance(evidence: Evidence) -> list[tuple[str, str]]:
    """Return provenance as sorted rows, the data first."""
    rows = sorted((name, values) for name, values in evidence.provenance.items())
    told = [(retell(name), say(", ").join(map(retell, values))) for name, values in rows]
    return [(say("data"), evidence.data), *told]


def command(evidence: Evidence) -> str:
    """Return the command that makes the report again in this language."""
    asked = "" if language() == "en" else f" {shlex.join(['--lang', language()])}"
    return evidence.command + asked


def inline_svg(drawing: Drawing) -> str:
    """Return the SVG element for a page: ids of its own, colours of the page, width left to the page."""
    svg = first(drawing.svg.decode())
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{drawing.name}-", svg)
    size = re.compile(r'(<svg[^>]*?) width="([\d.]+)pt" height="[\d.]+pt"')
    svg = size.sub(lambda m: f'{m[1]} style="max-width: {1.5 * float(m[2]):.0f}px"', svg, count=1)
    opening = f'<svg role="img" aria-labelledby="{drawing.name}-caption"'
    for drawn, themed in _THEME.items():
        svg = svg.replace(drawn, themed)
    return svg.replace("<svg", opening, 1)


def _words() -> dict[str, str]:
    """What the script of the page says."""
    return {
        "filter": say("Filter rows"),
        "any": say("{column}: any"),
        "rows": say("{shown} of {total} rows"),
        "all": say("Show all {n} rows"),
        "first": say("Show the first {n} rows only"),
        "sort": say("Sort by this column"),
        "copy": say("Copy"),
        "copied": say("Copied"),
        "runs": say("runs: {keys}"),
    }


def _part(name: str) -> str:
    return files("bench.report").joinpath(name).read_text(encoding="utf-8").strip()


def _listed(sentences: Iterable[str]) -> list[str]:
    return [f"- {sentence}" for sentence in sentences]
