"""What a look at a copy of the benchmark finds: what is there, what is odd and what is wrong, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bench.data.finding import Finding
from bench.data.fmf.alike import copies
from bench.data.fmf.batch import FIRST_RELEASE, Batch, join, read_first
from bench.data.fmf.content import Content, decoded
from bench.data.fmf.layout import Layout, faults, find
from bench.data.fmf.lists import Parts, read_lists
from bench.data.fmf.mat import Mat, look
from bench.data.fmf.table import read_currents, read_stamps
from bench.data.fmf.told import about, counted, strangers
from bench.data.source import Share
from models.errors import InvalidRequest

if TYPE_CHECKING:
    from bench.data.fmf.source import FmfParameters

T = TypeVar("T")


@dataclass
class Look:
    """Collects what is wrong instead of stopping at the first of it."""

    layout: Layout
    faults: list[Finding]

    def try_(self, path: Path, read: Callable[[], T]) -> T | None:
        """Return what is read, or None, and keep why not."""
        try:
            return read()
        except InvalidRequest as error:
            self.faults.append(Finding("wrong", self.layout.name(path), str(error)))
            return None


def check(parameters: FmfParameters, path: Path, progress: Share) -> Iterator[Finding]:
    """Yield findings about every file, then about all together; each frame and mask is decoded once."""
    try:
        layout = find(path.expanduser())
    except InvalidRequest as error:
        yield Finding("wrong", "", str(error))
        return
    yield Finding(
        "fact", "", f"release {layout.release} of the FMF layout: {counted(len(layout.stems), 'batch', 'es')}"
    )
    yield from strangers(layout, path.expanduser())
    missing = faults(layout)
    yield from (Finding("wrong", "", fault) for fault in missing)
    seen = Look(layout, [])
    batches = [batch for batch in _joined(seen, parameters) if batch]
    yield from seen.faults
    total, done = sum(batch.mat.frames for batch in batches), 0
    contents: list[tuple[Batch, Content]] = []
    for batch in batches:
        damaged = len(seen.faults)
        told = partial(_share, progress, done, total)
        content = seen.try_(batch.mat.path, partial(decoded, batch.mat, told))
        yield from seen.faults[damaged:]
        done += batch.mat.frames
        if content is not None:
            contents.append((batch, content))
            yield from about(layout, batch, content)
    same = list(copies(layout, contents))
    yield from same
    if not (missing or seen.faults or same):
        from bench.data.fmf.usable import usable

        yield from usable(parameters, path, batches, [content.label for _, content in contents])


def _joined(seen: Look, parameters: FmfParameters) -> Iterator[Batch | None]:
    layout = seen.layout
    if layout.release == 1:
        for stem in layout.stems:
            path = layout.video(stem)
            mat = seen.try_(path, partial(look, path, FIRST_RELEASE))
            if mat is not None:
                yield seen.try_(path, partial(read_first, stem, mat, parameters.rate))
        return
    mats = {stem: seen.try_(layout.video(stem), partial(look, layout.video(stem))) for stem in layout.stems}
    known = {stem: mat for stem, mat in mats.items() if mat is not None}
    parts: dict[str, Parts] | None = None
    if len(known) == len(mats):
        frames = {stem: mat.frames for stem, mat in known.items()}
        parts = seen.try_(layout.lists[0], partial(read_lists, layout.lists, frames))
    for stem, mat in known.items():
        yield _second(seen, stem, mat, (parts or {}).get(stem))


def _second(seen: Look, stem: str, mat: Mat, parts: Parts | None) -> Batch | None:
    paths = seen.layout.currents(stem), seen.layout.stamps(stem)
    if not all(path.is_file() for path in paths):
        return None  # told already
    currents = seen.try_(paths[0], partial(read_currents, paths[0]))
    stamps = seen.try_(paths[1], partial(read_stamps, paths[1]))
    if currents is None or stamps is None:
        return None
    return seen.try_(mat.path, partial(join, stem, mat, currents, stamps, parts))


def _share(progress: Share, done: int, total: int, frames: int) -> None:
    progress((done + frames) / total)
