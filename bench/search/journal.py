"""The journal file that Optuna's dashboard reads: written by turns, opened anew when it was replaced."""

from __future__ import annotations

import fcntl
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock

FILE = "optuna.journal"
_HEAD = b'{"op_code":'  # what Optuna begins every line with


class Turn(BaseJournalFileLock):
    """The turn to write: a lock that the system takes back from a process that dies.

    Optuna's own lock is a file, which a killed process leaves behind for 30 seconds. Whoever gets the
    turn cuts off a torn last line, since its writer is dead and the next line would be glued to it.
    The same process may take the turn again while it has it.
    """

    def __init__(self, journal: Path) -> None:
        self.torn = False
        self._journal = journal
        self._thread = threading.RLock()
        self._depth = 0
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """Wait for the turn."""
        self._thread.acquire()
        self._depth += 1
        try:
            if self._depth == 1:
                self._file = open(self._journal.with_name(f".{FILE}.turn"), "a")
                fcntl.flock(self._file, fcntl.LOCK_EX)
                self._cut()
        except BaseException:
            self.release()
            raise
        return True

    def release(self) -> None:
        """Give the turn back."""
        self._depth -= 1
        if self._depth == 0 and self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)  # closing would not do if a child has the file, too
            self._file.close()
            self._file = None
        self._thread.release()

    def _cut(self) -> None:
        if not self._journal.is_file():
            return
        with open(self._journal, "rb+") as file:
            content = file.read(len(_HEAD))
            if content != _HEAD:  # empty, or no journal of ours to cut
                return
            file.seek(-1, 2)
            if file.read(1) == b"\n":
                return
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
            self.torn = True


class Journal:
    """The journal of a folder, which may be deleted or replaced at any time."""

    def __init__(self, root: Path) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.path = root / FILE
        self._turn = Turn(self.path)
        self._opened: JournalStorage | None = None
        self._known = (b"", 0)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the only right to write, over several operations."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()

    def storage(self) -> JournalStorage:
        """Return the storage; a new one if another file, or an older state, has taken the journal's place."""
        (head, size), (known, length) = self._glance(), self._known
        if self._opened is None or head != known or size < length:
            self._opened = JournalStorage(JournalFileBackend(str(self.path), lock_obj=self._turn))
        self._known = head, size
        return self._opened

    def mend(self) -> str | None:
        """Make the journal readable; return a sentence if it was not. Call it in turn."""
        damage = self._damage()
        if damage:
            aside = self._free_name()
            self.path.rename(aside)
            return (
                f"{self.path} could not be read ({damage}) and is now {aside.name}; "
                "a new one was made from the record"
            )
        if self._turn.torn:
            self._turn.torn = False
            return (
                f"the last line of {self.path} was torn and has been cut off; nothing of the record is lost"
            )
        return None

    def _damage(self) -> str | None:
        if self.path.exists() and not self.path.is_file():
            return "not a file"
        try:
            if self.path.exists():
                for line in self.path.read_bytes().splitlines():
                    json.loads(line)
            self._opened = None  # a storage that is open may have read past the damage
            self.storage()
        except OSError:
            raise
        except Exception as error:  # whatever a file that is no journal makes Optuna raise
            return type(error).__name__
        return None

    def _free_name(self) -> Path:
        names = (self.path.with_name(f"{FILE}.damaged-{n}") for n in range(1, 1_000_000))
        return next(name for name in names if not name.exists())

    def _glance(self) -> tuple[bytes, int]:
        """Return the first bytes, which hold the unique id of the first writer, and the size."""
        try:
            with open(self.path, "rb") as file:
                return file.read(128), file.seek(0, 2)
        except FileNotFoundError:
            return b"", 0
