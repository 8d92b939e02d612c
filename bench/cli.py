"""The command. Heavy libraries are imported by the verb that needs them, never here."""

from __future__ import annotations

import functools
import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from models.errors import InvalidRequest
from models.plugins import name_files, named_files

FINE, SOME_FAILED, WRONG_REQUEST = 0, 1, 2


class OneSentence(click.Group):
    """A group whose usage errors are one sentence, like every other refusal."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run; exit with 2 on a wrong request and with 1 if interrupted."""
        try:
            code = super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.UsageError as error:
            verb = error.ctx.command_path if error.ctx else "precursor"
            click.echo(f"precursor: {error.format_message()} (see `{verb} --help`)", err=True)
            code = WRONG_REQUEST
        except click.Abort:
            code = SOME_FAILED
        sys.exit(code if isinstance(code, int) else FINE)


@click.group(
    cls=OneSentence, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="precursor-bench", prog_name="precursor")
def main() -> None:
    """Which part of a cross-modal method lets a weak, early signal warn on its own?

    \b
    precursor list contrast                  what can be swapped
    precursor plan ablations/smoke.yaml      what would run, and for how long
    precursor grid ablations/smoke.yaml      run what is missing, then report
    precursor report ablations/smoke.yaml    the table again, from the record
    precursor search ablations/smoke.yaml    tune every arm, confirm the winners
    precursor dashboard                      watch searches in the browser

    Exit codes: 0 fine, 1 some cells failed or are missing, 2 the request is wrong.
    """  # noqa: D301


def checked(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a wrong request into one sentence and exit code 2."""

    @functools.wraps(verb)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            sys.exit(verb(*args, **kwargs) or FINE)
        except InvalidRequest as error:
            click.echo(f"precursor: {error}", err=True)
            sys.exit(WRONG_REQUEST)

    return wrapped


def _name_plugins(context: click.Context, _option: click.Parameter, files: tuple[Path, ...]) -> None:
    try:
        if files:
            name_files(files)
    except InvalidRequest as error:
        raise click.UsageError(str(error), context) from None


_plugin_option = click.option(
    "--plugin",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    expose_value=False,
    is_eager=True,
    callback=_name_plugins,
    help="Python file with components of your own.",
)


def _study_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Declare what every verb about a study takes."""
    for declare in (
        _plugin_option,
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


def _run_options(verb: Callable[..., Any]) -> Callable[..., Any]:
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


_retry_option = click.option(
    "--retry-failed",
    is_flag=True,
    help="Run again what failed for good, after raising --timeout or --memory.",
)


_language_option = click.option(
    "--lang",
    "language",
    default=None,
    type=click.Choice(["en", "zh"]),
    help="Language of the report, else the study's; another than en stands beside the English one.",
)


def _shown(study: Any, columns: str | None) -> Any:
    """Return a study whose report shows these columns."""
    from bench.reporting import checked_columns

    if columns is None:
        return study
    chosen = checked_columns(name.strip() for name in columns.split(",") if name.strip())
    return replace(study, reporting=replace(study.reporting, columns=chosen))


def _load(study: str, data: tuple[str, ...], settings: tuple[str, ...]) -> Any:
    from bench.grid import find_study
    from bench.study import load

    pairs = [item.partition("=") for item in data]
    for name, sign, path in pairs:
        if not sign or not name or not path:
            raise InvalidRequest(
                f"--data must read NAME=PATH, got {name + sign + path!r}; write --data skab=PATH"
            )
    return load(find_study(study), data={name: path for name, _, path in pairs}, settings=settings)


@main.command("list")
@click.argument("slot", required=False)
@_plugin_option
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


@main.command()
@_study_options
@click.option(
    "--workers", default=2, show_default=True, type=click.IntRange(1), help="Cells that run side by side."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@checked
def plan(
    study: str, data: tuple[str, ...], settings: tuple[str, ...], out: Path, workers: int, as_json: bool
) -> None:
    """Show arms, units, cells on record, cells to run and an estimate of time. Runs nothing.

    Example: precursor plan ablations/contrastive_loss.yaml
    """
    from bench.verbs import describe

    declared = _load(study, data, settings)
    facts = describe(declared, out, workers)
    click.echo(json.dumps(facts, indent=2, ensure_ascii=False) if as_json else facts["text"])


@main.command()
@_study_options
@_run_options
@_retry_option
@_language_option
@checked
def grid(study: str, data: tuple[str, ...], settings: tuple[str, ...], out: Path, **options: Any) -> int:
    """Run what is missing of a study, record every cell as it ends, then report.

    Interrupt at any time; the same command goes on where it stopped.

    \b
    Examples: precursor grid ablations/smoke.yaml --workers 2
              precursor grid ablations/contrastive_loss.yaml --data milling=PATH
    """  # noqa: D301
    from bench.verbs import run_grid

    return run_grid(_load(study, data, settings), out, command=_command(study, data, settings), **options)


@main.command()
@_study_options
@_run_options
@click.option(
    "--trials",
    default=None,
    type=click.IntRange(1),
    help="Trials per arm over all restarts; else the study's.",
)
@click.option(
    "--confirm/--no-confirm",
    default=True,
    show_default=True,
    help="Retrain the winners on fresh seeds and read the test part.",
)
@_retry_option
@_language_option
@checked
def search(
    study: str,
    data: tuple[str, ...],
    settings: tuple[str, ...],
    out: Path,
    trials: int | None,
    confirm: bool,
    language: str | None,
    **options: Any,
) -> int:
    """Tune every arm on validation at equal budgets, then confirm the winners on fresh seeds.

    Interrupt at any time; the same command goes on where it stopped. Watch it with
    `precursor dashboard`.

    \b
    Examples: precursor search ablations/smoke.yaml --trials 4
              precursor search ablations/contrastive_loss.yaml --trials 30 --workers 2
    """  # noqa: D301
    from bench.tuning import run_search

    request = _request(study, data, settings, out, trials, language=language)
    return run_search(request, confirm=confirm, **options)


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


@main.command()
@_study_options
@click.option("--search", "searched", is_flag=True, help="The report of the study's search instead.")
@click.option(
    "--trials", default=None, type=click.IntRange(1), help="Trials per arm of that search; else the study's."
)
@_language_option
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
    from bench.beside import Asked, others

    asked = Asked(compare, compare_data, compare_set)
    pdf = printed == "pdf"
    if searched:
        from bench.tuning import report_search

        if asked:
            raise InvalidRequest("--compare is for reports of studies, and --search asks for one of a search")
        request = _request(study, data, settings, out, trials, language=language, pdf=pdf)
        return report_search(replace(request, study=_shown(request.study, columns)))
    from bench.verbs import write_report

    declared = _shown(_load(study, data, settings), columns)
    more = [*(["--columns", columns] if columns else []), *asked.words]
    command = _command(study, data, settings, "report" if more else "grid")
    return write_report(
        declared,
        out,
        command=f"{command} {shlex.join(more)}" if more else command,
        language=language,
        pdf=pdf,
        beside=others(declared, study, asked) if asked else (),
    )


@main.command()
@click.argument("study", required=False)
@_plugin_option
@click.option(
    "--data", "data", multiple=True, metavar="NAME=PATH", help="Run on this data set, e.g. skab=PATH."
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a key of the study.")
@click.option(
    "--out",
    default="results",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where records are kept.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@checked
def status(
    study: str | None, data: tuple[str, ...], settings: tuple[str, ...], out: Path, as_json: bool
) -> None:
    """Read the record: how many cells ended how, of one study or of all.

    Example: precursor status ablations/smoke.yaml
    """
    from bench.verbs import standing

    facts = standing(_load(study, data, settings) if study else None, out)
    click.echo(json.dumps(facts, indent=2, ensure_ascii=False) if as_json else facts["text"])


@main.group()
def data() -> None:
    """Look at recordings before a study uses them."""


@data.command("check")
@click.argument("name_path", metavar="NAME=PATH")
@_plugin_option
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


def _command(study: str, data: tuple[str, ...], settings: tuple[str, ...], verb: str = "grid") -> str:
    """Return the command that makes a report, without the paths of this machine."""
    words = ["precursor", verb, Path(study).stem]
    words += [word for path in named_files() for word in ("--plugin", path.name)]
    words += [word for item in data for word in ("--data", item.partition("=")[0] + "=PATH")]
    words += [word for item in settings for word in ("--set", item)]
    return shlex.join(words)


def _request(
    study: str,
    data: tuple[str, ...],
    settings: tuple[str, ...],
    out: Path,
    trials: int | None,
    **how: Any,
) -> Any:
    """Return the request of a search, with the command for reports and as it can be typed here."""
    from bench.tuning import Request

    more = f" --trials {trials}" if trials else ""
    words = ["precursor", "search", study, "--out", str(out)]
    words += [word for path in named_files() for word in ("--plugin", str(path))]
    words += [word for item in data for word in ("--data", item)]
    words += [word for item in settings for word in ("--set", item)]
    command = _command(study, data, settings, "search") + more
    return Request(_load(study, data, settings), out, trials, command, shlex.join(words) + more, **how)


if __name__ == "__main__":
    main()
