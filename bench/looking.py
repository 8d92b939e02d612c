"""What `precursor data` does: a look at recordings, told in words, and examples of them written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

import bench.data.sources  # noqa: F401  (registers every source)
from bench.data.finding import Finding
from bench.data.furnace import FurnaceParameters
from bench.data.source import Share
from bench.reading import overridden
from models import plugins, registry
from models.errors import InvalidRequest, unknown

#: Sources whose published scores are recomputed.
ANCHORED = ("milling", "skab")
MARKS = {"fact": "  ", "odd": "! ", "wrong": "X "}


@contextmanager
def bar(words: str) -> Iterator[Share]:
    """Show how far a long look has come; nothing where there is no terminal."""
    with Progress(
        TextColumn(words), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    ) as shown:  # fmt: skip
        task = shown.add_task("", total=1.0)
        yield lambda share: shown.update(task, completed=share)


def look(place: str, settings: tuple[str, ...] = ()) -> int:
    """Tell what lies at ``[NAME=]PATH``; 2 if it cannot be used, 1 if a published anchor is off.

    Args:
        place: where to look, and as what.
        settings: parameters of the data set, such as ``rate=5``.

    Raises:
        InvalidRequest: a source that does not exist or reads no files, a parameter that it does not have,
            files that none recognises, or nothing there to tell more about than what is wrong.
    """
    name, path = source_of(place)
    found = registry.lookup("dataset", name)
    parameters: Any = registry.read(found.parameters, overridden({}, settings), f"dataset.{name}")
    findings: list[Finding] = []
    with bar("reading recordings") as told:
        findings.extend(found.factory.check(parameters, path, told))
    if len(findings) == 1 and findings[0].kind == "wrong":
        raise InvalidRequest(findings[0].text)
    for line in told_in_words(findings):
        click.echo(_printable(line))
    if any(finding.kind == "wrong" for finding in findings):
        return 2
    return _anchors(name, path) if name in ANCHORED else 0


def source_of(place: str) -> tuple[str, Path]:
    """Return the name of the source and the path that ``[NAME=]PATH`` means.

    Raises:
        InvalidRequest: no such source, or no source recognises what lies there.
    """
    plugins.load()
    known = registry.components("dataset")
    name, sign, rest = place.partition("=")
    if sign and rest and (name in known or not Path(place).expanduser().exists()):
        if name not in known:
            raise unknown("dataset component", name, known)
        return name, Path(rest).expanduser()
    path = Path(place).expanduser()
    if not path.exists():
        raise InvalidRequest(
            f"PATH must be a folder or a file, and there is none at {place!r}; check the path"
        )
    fitting = [name for name, found in known.items() if found.factory.recognises(path)]
    if len(fitting) == 1:
        return fitting[0], path
    named = " or ".join(f"{name}={place}" for name in fitting or ("fmf", "plant"))
    why = "looks like several sources" if fitting else "looks like no known source"
    raise InvalidRequest(f"{place!r} {why}; write {named} to say which it is")


def told_in_words(findings: list[Finding]) -> Iterator[str]:
    """Yield the lines of a look: what is about all first, then file by file, then how it stands.

    ``!`` marks what is odd, ``X`` what is wrong.
    """
    places = sorted({finding.where for finding in findings} - {""}, key=[f.where for f in findings].index)
    for place in ("", *places):
        if place:
            yield place
        for finding in findings:
            if finding.where == place:
                yield f"{'  ' if place else ''}{MARKS[finding.kind]}{finding.text}"
    counts = {kind: sum(finding.kind == kind for finding in findings) for kind in MARKS}
    state = "cannot be used" if counts["wrong"] else "can be used"
    yield f"{state}: {counts['wrong']} wrong (X), {counts['odd']} odd (!)"


def _printable(line: str) -> str:
    """Write bytes of a file name that are no UTF-8 as escapes, where printing them would fail."""
    return line.encode(errors="backslashreplace").decode()


def _anchors(name: str, path: Path) -> int:
    from bench.data.anchors import check  # scikit-learn takes a second to import

    anchors = check(name, path)
    for anchor in anchors:
        mark = "ok " if anchor.holds else "OFF"
        click.echo(
            f"{mark} {anchor.name:<48} published {anchor.expected:.3f} ± {anchor.tolerance:g}  "
            f"here {anchor.measured:.3f}"
        )
    return int(not all(anchor.holds for anchor in anchors))


def write_example(
    target: Path,
    layout: str,
    *,
    world: str,
    seed: int,
    recordings: int,
    hours: float,
    release: str,
    rate: int,
    real_sizes: bool,
) -> str:
    """Write a simulated furnace in a layout of files, and say what was written.

    Raises:
        InvalidRequest: a world that does not exist, hours that are no number, or a target that is in use.
    """
    registry.read(FurnaceParameters, {"world": world, "hours": hours}, "furnace")
    parameters = FurnaceParameters(world=world, seed=seed, recordings=recordings, hours=hours)
    with bar("simulating") as told:
        if layout == "plant":
            from bench.data.plant.simulate import write_plant

            write_plant(target, parameters, progress=told)
            title = parameters.title
        else:
            from bench.data.fmf.simulate import write_fmf

            title = write_fmf(
                target, parameters, release=int(release), rate=rate, real_sizes=real_sizes, progress=told
            )
    # Release 1 holds no clock: who reads it must be told its rate.
    clock = f" --set rate={rate}" if layout == "fmf" and release == "1" and not real_sizes else ""
    return f"{title} written to {target}; `precursor data check {target}{clock}` says what is there"
