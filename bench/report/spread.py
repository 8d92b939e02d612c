"""Work of a large report on two cores."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

T = TypeVar("T")

LARGE = 4000
"""Runs from which a report is worth a second process."""
_second = False  # whether this is the second process, which starts no third


def spread(calls: Sequence[Callable[[], T]], *, worth: bool) -> list[T]:
    """Return what the calls return, in order; where it is worth it, a second process takes its share.

    The second process is a copy of this one, so the calls may read anything, and change nothing that
    others read. Each process takes the next call that nobody has taken. Errors come out as they would
    here. Not beside Ray: the copy of a process with threads of others can wait for ever for what they held.

    Args:
        calls: the work, the longest first.
        worth: whether it is worth starting a process.
    """
    alone = len(calls) < 2 or _second or (os.cpu_count() or 1) < 2 or "ray" in sys.modules
    if not worth or alone:
        return [call() for call in calls]
    context = get_context("fork")
    receive, send = context.Pipe(duplex=False)
    taken = context.Value("i", 0)
    process = context.Process(target=_answer, args=(calls, taken, send), daemon=True)
    process.start()
    send.close()
    try:
        found = _work(calls, taken)
        found |= _received(receive)
    except BaseException:
        process.terminate()
        raise
    finally:
        process.join()
        receive.close()
    return [found[i] if i in found else call() for i, call in enumerate(calls)]


def _work(calls: Sequence[Callable[[], T]], taken: Any) -> dict[int, T]:
    found: dict[int, T] = {}
    while True:
        with taken.get_lock():
            place = taken.value
            taken.value += 1
        if place >= len(calls):
            return found
        found[place] = calls[place]()


def _answer(calls: Sequence[Callable[[], Any]], taken: Any, send: Connection) -> None:
    global _second
    _second = True
    try:
        send.send((True, _work(calls, taken)))
    except BaseException as error:
        send.send((False, error))


def _received(receive: Connection) -> dict[int, Any]:
    try:
        fine, value = receive.recv()
    except EOFError:  # it was killed, say for its memory: what it took is done here
        return {}
    if not fine:
        raise value
    return dict(value)
