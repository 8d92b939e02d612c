"""The command itself: its group, its exit codes, and how a wrong request is told."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import click

from models.errors import InvalidRequest

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
    precursor lead furnace                   how much earlier is the current
    precursor show smoke                     recordings in time, with their alarms

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
