"""What surrounds a run: one driver a store, and signals that ask it to stop."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from models.errors import InvalidRequest


@contextmanager
def only_driver(root: Path) -> Iterator[None]:
    """Hold the store for one driver, so that two do not run the same cells.

    The system releases the lock of a process that dies, however it dies: what the file says about a
    dead driver is simply replaced.

    Raises:
        InvalidRequest: another driver is at work; the sentence says which process, where, since when.
    """
    root.mkdir(parents=True, exist_ok=True)
    with open(root / "driver.lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidRequest(_busy(root, lock)) from None
        now = datetime.now(UTC).isoformat(timespec="seconds")
        lock.truncate(0)
        json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": now}, lock)
        lock.flush()
        yield


def _busy(root: Path, lock: Any) -> str:
    lock.seek(0)
    try:
        who = json.loads(lock.read())
        driver = f"process {who['pid']} on {who['host']} since {who['since']}"
    except ValueError:
        driver = "another process"
    return f"a store is run by one driver at a time, and {root} is run by {driver}; wait for it or stop it"


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C and SIGTERM into a question: yields a function that says whether to stop.

    A second signal acts as it would have without this. Outside the main thread, where signals do not
    arrive, the answer stays no.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    def ask(number: int, frame: FrameType | None) -> None:
        asked.set()
        restore()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        yield asked.is_set
    finally:
        restore()
