"""A second process that imports what the end of a command needs while its beginning still imports."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, NoReturn, Self

PUBLISHING = "bench.publish"
"""What writes a report: named, because to import it is what is done ahead."""
_LOST = (EOFError, BrokenPipeError, ConnectionResetError)


class Ahead:
    """A process that has imported a module by the time a function of it is called.

    Half of a report's time may go by in imports, PyTorch to read a study and the plots to draw it. There
    is a second process only where it can save something: on two cores, before PyTorch is imported. Else,
    and where that process is lost, the call is done here.

    Args:
        module: what it imports.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: Any = None
        self._before: Any = None

    def __enter__(self) -> Self:
        if not _worth():
            return self
        context = multiprocessing.get_context("fork")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(self._module, there, self._here))
        self._process.start()
        there.close()
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, _leave)  # not without ending the other
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._here.close()
            self._process.terminate()
            self._process.join()
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Return what a function of the module returns, or raise what it raises.

        Args:
            name: the function.
            args: what it takes; it must be possible to pickle this, and what it returns.
            kwargs: what it takes by name.
        """
        answer = None if self._process is None else self._asked(name, args, kwargs)
        if answer is None:
            return _function(self._module, name)(*args, **kwargs)
        fine, value = answer
        if not fine:
            raise value
        return value

    def _asked(self, *request: Any) -> tuple[bool, Any] | None:
        """Return the answer of the other process; None if it is gone, say for its memory."""
        with suppress(*_LOST):
            self._here.send(request)
            answer: tuple[bool, Any] = self._here.recv()
            return answer
        return None


def _worth() -> bool:
    return (os.cpu_count() or 1) > 1 and "torch" not in sys.modules


def _function(module: str, name: str) -> Callable[..., Any]:
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]


def _serve(module: str, there: Connection, here: Connection) -> None:
    here.close()  # so that the end of the first process is seen
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first one is asked, and tells
    signal.signal(signal.SIGTERM, _leave)  # which ends processes of its own, too
    with suppress(*_LOST, ImportError):  # what cannot be imported is told by the first process
        importlib.import_module(module)
        while True:
            name, args, kwargs = there.recv()
            there.send(_answer(_function(module, name), args, kwargs))


def _answer(function: Callable[..., Any], args: Any, kwargs: Any) -> tuple[bool, Any]:
    try:
        return True, function(*args, **kwargs)
    except Exception as error:
        where = "".join(traceback.format_exception(error)).rstrip()
        with suppress(Exception):  # of an error that is not what it was once it is unpacked
            if str(pickle.loads(pickle.dumps(error))) == str(error):
                error.add_note(f"In the other process:\n{where}")
                return False, error
        return False, RuntimeError(where)


def _leave(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)
