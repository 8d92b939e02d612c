"""What a look at any source finds, by reading it as a study would: every recording and its features."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.asking import build_source, fingerprint_of, recordings_of
from bench.data.contract import Contract, name_of
from bench.data.finding import Finding
from bench.data.recording import Recording
from bench.data.rendering import current_arrays, joined, track_of, video_pieces
from bench.data.usable import Looked, whole, windows
from models.errors import InvalidRequest

if TYPE_CHECKING:
    from bench.data.source import Source


def findings(owner: Any, parameters: Any, path: Path, progress: Callable[[float], None]) -> Iterator[Finding]:
    """Yield what there is to say about every recording, then about all of them.

    A recording that is wrong does not hide what is wrong with the next, unless the source stops there.

    Args:
        owner: class of the source.
        parameters: what it is built with, as ``path``.
        path: where the recordings lie.
        progress: told the share of recordings that have been read, if the source says how many there are.
    """
    try:
        source = build_source(partial(owner, parameters, path), owner)
        _require_lasting(source)
    except InvalidRequest as error:
        yield Finding("wrong", "", str(error))
        return
    contract, looked, wrong = Contract(source), [], 0
    coming = recordings_of(source)
    while True:
        where = ""
        try:
            recording = next(coming, None)
            if recording is None:
                break
            where = str(recording.name)
            looked.append(_looked(source, contract, recording))
            progress(min(len(looked) / (source.count or np.inf), 1.0))
        except InvalidRequest as error:
            wrong += 1
            yield Finding("wrong", where, str(error))
    yield from whole(source.title, looked, f", fingerprint {source.fingerprint()[:16]}")
    if not wrong:
        yield from windows(source.windows, source.lead, looked)


def _require_lasting(source: Source) -> None:
    """Refuse a fingerprint that is another one when asked again: nothing would ever be found again."""
    if fingerprint_of(source) != fingerprint_of(source):
        raise InvalidRequest(
            f"{name_of(source)}: fingerprint() must return the same text whenever it is asked, and does not; "
            "make it of the files and of all that decides how they are read"
        )


def _looked(source: Source, contract: Contract, recording: Recording) -> Looked:
    """Read one recording as preparing it would, and keep its labels."""
    contract.require(recording)
    spec = source.windows
    current = current_arrays(source, recording, spec)
    contract.require_rows(recording, current)
    chunks = []
    for make in video_pieces(source, recording, spec.video_step):
        found = make()
        contract.require_rows(recording, found)
        chunks.append({"label": found["label"]})
    label = joined(chunks)["label"]
    track = track_of(recording, (0, 0), (len(current["current"]), len(label)))
    hours = len(recording.label.values) / recording.label.rate / 3600
    return Looked(hours, float(label[:, 0].mean()) if len(label) else 0.0, (track,), label)
