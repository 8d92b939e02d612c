"""`precursor report`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import click

from bench.ahead import PUBLISHING, Ahead
from bench.cli.group import checked, main
from bench.cli.options import language_option, study_options
from bench.cli.requests import command_line, load_study, search_request, shown, typed_line
from models.errors import InvalidRequest


@main.command()
@study_options
@click.option("--search", "searched", is_flag=True, help="The report of the study's search instead.")
@click.option(
    "--trials", default=None, type=click.IntRange(1), help="Trials per arm of that search; else the study's."
)
@language_option
@click.option(
    "--format",
    "printed",
    default="html",
    show_default=True,
    type=click.Choice(["html", "pdf"]),
    help="pdf: the page as PDF too, printed by a Chromium on this machine.",
)
@click.option("--columns", default=None, metavar="A,B", help="Columns of the results, e.g. n,mean,verdict.")
@click.option("--compare", multiple=True, metavar="OTHER", help="A study to lay beside this one.")
@click.option("--compare-data", multiple=True, metavar="NAME=PATH", help="Data of the other; else its own.")
@click.option("--compare-set", multiple=True, metavar="KEY=VALUE", help="A key of the other.")
@checked
def report(
    study: str,
    data: tuple[str, ...],
    settings: tuple[str, ...],
    out: Path,
    searched: bool,
    trials: int | None,
    language: str | None,
    printed: str,
    columns: str | None,
    compare: tuple[str, ...],
    compare_data: tuple[str, ...],
    compare_set: tuple[str, ...],
) -> int:
    """Write the comparison of a study again from the record. Same records, same bytes.

    \b
    Examples: precursor report ablations/smoke.yaml --columns n,mean,interval,verdict
              precursor report contrastive_loss --compare contrast_alone
              precursor report contrastive_loss --compare-data milling=PATH --lang zh
    """  # noqa: D301
    with Ahead(PUBLISHING) as ahead:
        from bench.beside import Asked, others

        asked = Asked(compare, compare_data, compare_set)
        pdf = printed == "pdf"
        if searched:
            from bench.tuning import report_search

            if asked:
                raise InvalidRequest(
                    "--compare is for reports of studies, and --search asks for one of a search"
                )
            request = search_request(
                study, data, settings, out, trials, language=language, pdf=pdf, ahead=ahead
            )
            return report_search(replace(request, study=shown(request.study, columns)))
        from bench.verbs import write_report

        declared = shown(load_study(study, data, settings), columns)
        more = [*(["--columns", columns] if columns else []), *asked.words]
        command = command_line(study, data, settings, "report" if more else "grid")
        return write_report(
            declared,
            out,
            command=f"{command} {shlex.join(more)}" if more else command,
            cure=typed_line("grid", study, data, settings, out),
            language=language,
            pdf=pdf,
            beside=others(declared, study, asked) if asked else (),
            ahead=ahead,
        )
