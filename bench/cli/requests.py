"""What was typed, as a study or a search, and as the command that a report prints."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.errors import InvalidRequest
from models.plugins import named_files


def load_study(study: str, data: tuple[str, ...], settings: tuple[str, ...]) -> Any:
    """Return the study of a file or a shipped name, with what `--data` and `--set` change."""
    from bench.grid import find_study
    from bench.study import load

    return load(find_study(study), data=paths(data), settings=settings)


def paths(data: tuple[str, ...]) -> dict[str, str]:
    """Return the paths that `--data` gives, by source."""
    pairs = [item.partition("=") for item in data]
    for name, sign, path in pairs:
        if not sign or not name or not path:
            raise InvalidRequest(
                f"--data must read NAME=PATH, got {name + sign + path!r}; write --data skab=PATH"
            )
    return {name: path for name, _, path in pairs}


def shown(study: Any, columns: str | None) -> Any:
    """Return a study whose report shows these columns."""
    from bench.reporting import checked_columns

    if columns is None:
        return study
    chosen = checked_columns(name.strip() for name in columns.split(",") if name.strip())
    return replace(study, reporting=replace(study.reporting, columns=chosen))


def command_line(study: str, data: tuple[str, ...], settings: tuple[str, ...], verb: str = "grid") -> str:
    """Return the command that makes a report, without the paths of this machine."""
    words = ["precursor", verb, Path(study).stem]
    words += [word for path in named_files() for word in ("--plugin", path.name)]
    words += [word for item in data for word in ("--data", item.partition("=")[0] + "=PATH")]
    words += [word for item in settings for word in ("--set", item)]
    return shlex.join(words)


def typed_line(verb: str, study: str, data: tuple[str, ...], settings: tuple[str, ...], out: Path) -> str:
    """Return a command that works where this one was typed."""
    words = ["precursor", verb, study, "--out", str(out)]
    words += [word for path in named_files() for word in ("--plugin", str(path))]
    words += [word for item in data for word in ("--data", item)]
    words += [word for item in settings for word in ("--set", item)]
    return shlex.join(words)


def search_request(
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
    command = command_line(study, data, settings, "search") + more
    typed = typed_line("search", study, data, settings, out) + more
    return Request(load_study(study, data, settings), out, trials, command, typed, **how)
