"""The record store: an append-only folder of finished runs, the only truth about what has been run."""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import io
import math
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bench.identity import canonical
from models.errors import InvalidRequest

OUTCOMES = ("done", "pruned", "invalid", "diverged", "oom", "timeout", "killed", "error")
"""How a run can end: ``done``, ``pruned`` (stopped by a search), or the kind of its failure."""

_NAME = re.compile(r"(?P<key>[A-Za-z0-9_-]+)\.(?P<attempt>\d+)\.json")
_HEAD, _MIDDLE, _TAIL = b'{"checksum":"', b'","record":', b"}\n"
# A listing is kept only if the folder had been still for this long when it was read: the time
# stamp of a folder is too coarse (a few ms) to tell apart two files that appear at the same moment.
_SETTLED_SECONDS = 0.1


@dataclass(frozen=True)
class Record:
    """One attempt at one cell, finished well or badly.

    ``predictions`` are arrays of any shape; a record read back from a store has none, they are
    fetched with :meth:`Store.predictions`. Numbers that are not finite are stored as ``None``.
    """

    key: str
    attempt: int
    outcome: str
    message: str = ""
    cell: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, float | None] = field(default_factory=dict)
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    curve: list[dict[str, Any]] = field(default_factory=list)
    cost: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    predictions: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"an outcome is one of {', '.join(OUTCOMES)}, got {self.outcome!r}")
        if not _NAME.fullmatch(f"{self.key}.{self.attempt}.json"):
            raise ValueError(f"key {self.key!r} and attempt {self.attempt!r} do not make a file name")

    @property
    def done(self) -> bool:
        """Whether the run ended well."""
        return self.outcome == "done"

    def payload(self) -> dict[str, Any]:
        """Return everything but the predictions as plain JSON values."""
        names = [f.name for f in dataclasses.fields(self) if f.name != "predictions"]
        return {name: plain(getattr(self, name)) for name in names}


def plain(value: Any) -> Any:
    """Return a value as plain JSON types; NumPy numbers and arrays are unpacked, NaN and inf are ``None``.

    Raises:
        TypeError: the value has no JSON form, or a mapping has a key that is not text.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise TypeError(f"the keys of a recorded mapping must be text, got {list(value)!r}")
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a record holds numbers, text, lists and mappings, got {type(value).__name__}")


def pack(arrays: Mapping[str, Any]) -> bytes:
    """Return arrays as the bytes of an ``.npz`` file: the same arrays give the same bytes."""
    buffer = io.BytesIO()
    named = {name: np.asarray(arrays[name]) for name in sorted(arrays)}
    np.savez_compressed(buffer, allow_pickle=False, **named)
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, np.ndarray]:
    """Return the arrays in the bytes of an ``.npz`` file."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


class Store:
    """An append-only folder ``root/records``: ``<key>.<attempt>.json``, and ``.npz`` for predictions.

    A file is written beside its place, flushed to disk and renamed, so a record is whole or absent; a
    checksum over its content makes a torn, truncated or altered file read as absent (:meth:`damaged`
    lists it). Writers in several threads, processes and machines take turns by a lock on the folder.
    Reading creates nothing.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        if self.root.exists() and not self.root.is_dir():
            raise InvalidRequest(
                f"records are kept in a folder, and {str(root)!r} is a file; choose another --out"
            )
        self._folder = self.root / "records"
        self._parsed: dict[str, tuple[tuple[int, int], dict[str, Any] | None]] = {}
        self._listing: tuple[int, dict[str, list[int]]] = (-1, {})

    def __reduce__(self) -> tuple[type[Store], tuple[Path]]:
        return Store, (self.root,)  # for another process, without what is remembered here

    def put(self, record: Record) -> Path:
        """Add a record and return the path of the file that holds it.

        Nothing is ever overwritten but a damaged file: for a key that is done the done record stands
        and its path is returned; the same record a second time is not written again; another record
        under a taken attempt gets the next free attempt.
        """
        payload = record.payload()
        npz = pack(record.predictions) if record.predictions else b""
        payload["npz"] = hashlib.sha256(npz).hexdigest() if npz else None
        with self._writing():
            for attempt in self._names().get(record.key, []):
                taken = self._load(record.key, attempt)
                if taken and taken["outcome"] == "done":
                    return self._path(record.key, attempt)
                if taken and attempt == payload["attempt"]:
                    if canonical(taken) == canonical(payload):
                        return self._path(record.key, attempt)
                    payload["attempt"] = attempt + 1
            path = self._path(record.key, payload["attempt"])
            if npz:
                _write(path.with_suffix(".npz"), npz)
            body = canonical(payload).encode()
            checksum = hashlib.sha256(body).hexdigest().encode()
            _write(path, _HEAD + checksum + _MIDDLE + body + _TAIL)
        return path

    def get(self, key: str, *, keep: bool = True) -> Record | None:
        """Return the done record of a key, else its latest attempt, else ``None``.

        What was read is kept for the next time; ``keep=False`` for a look at very many records, once.
        """
        found = self._best(key, keep)
        return _record(found) if found else None

    def scan(self, keys: Iterable[str]) -> Iterator[Record | None]:
        """Yield what :meth:`get` returns for each key, from one listing; nothing is kept.

        For a look at very many records, once: what is written meanwhile may be missed.
        """
        names = self._names()
        for key in keys:
            whole = [found for n in names.get(key, ()) if (found := self._read(key, n))]
            best = _chosen(whole)
            yield _record(best) if best else None

    def records(self) -> Iterator[Record]:
        """Yield every whole record, ordered by key and attempt."""
        for found in self._all():
            yield _record(found)

    def done(self) -> set[str]:
        """Return the keys that have a done record."""
        return {found["key"] for found in self._all() if found["outcome"] == "done"}

    def attempts(self, key: str) -> int:
        """Return the number of the next attempt at a key: 0 for a key without a whole record."""
        whole = [n for n in self._names().get(key, []) if self._load(key, n)]
        return max(whole, default=-1) + 1

    def predictions(self, key: str) -> dict[str, np.ndarray] | None:
        """Return the arrays of the record :meth:`get` returns; ``None`` if absent or damaged."""
        found = self.arrays(key)
        return None if found is None else dict(found)

    def arrays(self, key: str) -> Mapping[str, np.ndarray] | None:
        """Return what :meth:`predictions` returns, each array unpacked only when it is looked at."""
        found = self._best(key, keep=False)
        if not found or not found["npz"]:
            return None
        content = self._npz(found)
        return np.load(io.BytesIO(content), allow_pickle=False) if content else None

    def curve(self, key: str) -> list[dict[str, Any]]:
        """Return what the record :meth:`get` returns tells of each epoch; nothing if it is absent."""
        record = self.get(key, keep=False)
        return record.curve if record is not None else []

    def damaged(self) -> list[str]:
        """Return the names of all torn, altered or missing files; reads the predictions as well."""
        names = []
        for key, attempts in sorted(self._names().items()):
            for attempt in attempts:
                path, found = self._path(key, attempt), self._load(key, attempt)
                if not found:
                    names.append(path.name)
                elif found["npz"] and not self._npz(found):
                    names.append(path.with_suffix(".npz").name)
        return names

    def _path(self, key: str, attempt: int) -> Path:
        return self._folder / f"{key}.{attempt}.json"

    def _npz(self, found: Mapping[str, Any]) -> bytes | None:
        try:
            content = self._path(found["key"], found["attempt"]).with_suffix(".npz").read_bytes()
        except FileNotFoundError:
            return None
        return content if hashlib.sha256(content).hexdigest() == found["npz"] else None

    def _best(self, key: str, keep: bool = True) -> dict[str, Any] | None:
        whole = [found for n in self._names().get(key, []) if (found := self._load(key, n, keep))]
        return _chosen(whole)

    def _all(self) -> Iterator[dict[str, Any]]:
        for key, attempts in sorted(self._names().items()):
            for attempt in attempts:
                if found := self._load(key, attempt):
                    yield found

    def _names(self) -> dict[str, list[int]]:
        """Return the attempts on file for every key, from the last listing if the folder is unchanged."""
        try:
            changed = self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if self._listing[0] == changed:
            return self._listing[1]
        names: dict[str, list[int]] = {}
        for name in os.listdir(self._folder):
            if match := _NAME.fullmatch(name):
                names.setdefault(match["key"], []).append(int(match["attempt"]))
        for attempts in names.values():
            attempts.sort()
        if time.time() - changed / 1e9 > _SETTLED_SECONDS:
            self._listing = (changed, names)
        return names

    def _load(self, key: str, attempt: int, keep: bool = True) -> dict[str, Any] | None:
        """Return the payload of a record file, or ``None`` if it is not whole; parsed once per version."""
        path = self._path(key, attempt)
        try:
            status = path.stat()
            version = (status.st_mtime_ns, status.st_size)
            cached = self._parsed.get(path.name)
            if cached and cached[0] == version:
                return cached[1]
        except FileNotFoundError:
            return None
        found = self._read(key, attempt)
        if keep:
            self._parsed[path.name] = (version, found)
        return found

    def _read(self, key: str, attempt: int) -> dict[str, Any] | None:
        try:
            with open(f"{self._folder}/{key}.{attempt}.json", "rb") as file:
                found = _parse(file.read())
        except FileNotFoundError:
            return None
        return found if found and (found["key"], found["attempt"]) == (key, attempt) else None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the only right to write; the system takes it back from a process that dies."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with open(self._folder / ".lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


_DECODER = msgspec.json.Decoder()  # three times as fast as json: thousands of records are read at once


def _parse(content: bytes) -> dict[str, Any] | None:
    start = len(_HEAD) + 64
    body = content[start + len(_MIDDLE) : -len(_TAIL)]
    checksum = hashlib.sha256(body).hexdigest().encode()
    if content != _HEAD + checksum + _MIDDLE + body + _TAIL:
        return None
    found: dict[str, Any] = _DECODER.decode(body)
    return found


def _chosen(attempts: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the attempt that counts: the done one, else the last."""
    done = (found for found in attempts if found["outcome"] == "done")
    return next(done, attempts[-1] if attempts else None)


def _record(found: Mapping[str, Any]) -> Record:
    return Record(**{name: value for name, value in found.items() if name != "npz"})


def _write(path: Path, content: bytes) -> None:
    # The fixed name is safe under the store's lock, and what a killed writer left is used again.
    beside = path.with_name(f"{path.name}.tmp")
    with open(beside, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
