"""What a worker far away tells of a cell: an event as JSON, with the arrays it could not put on file."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from bench.run.job import Event
from bench.store import Record, Store, pack, unpack


def seal(event: Event, worker: str, arrays: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return an event as a letter; ``arrays`` if the record of its end is still to be written."""
    letter = {"kind": event.kind, "key": event.job.key, "payload": event.payload, "worker": worker}
    if event.kind == "end" and arrays is not None:
        letter["npz"] = base64.b64encode(pack(arrays)).decode()
    return letter


def keep(letter: Mapping[str, Any], store: Store) -> None:
    """Put the record in a letter into the store, if the worker could not."""
    if "npz" in letter:
        arrays = unpack(base64.b64decode(letter["npz"]))
        store.put(Record(**letter["payload"], predictions=arrays))
