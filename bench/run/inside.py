"""What happens inside the process of a cell, from its first instruction to its last message."""

from __future__ import annotations

import ctypes
import importlib
import math
import multiprocessing
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np

from bench.run.job import Job, Settings, classify
from bench.store import plain
from models.errors import InvalidRequest

_PR_SET_PDEATHSIG = 1


def serve(connection: Connection, job: Job, settings: Settings) -> None:
    """Run the cell; this is the whole life of the process."""
    _die_with_the_driver()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    clock = time.monotonic()
    try:
        end = _run(connection, job, settings)
    except BaseException as error:
        end = {"outcome": classify(error), "message": _describe(error)}
    used = resource.getrusage(resource.RUSAGE_SELF)
    measured = {
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "wall_seconds": time.monotonic() - clock,
        "peak_mb": used.ru_maxrss / 1024,
    }
    end["cost"] = {**end.get("cost", {}), **measured}
    connection.send(("end", end))


def _run(connection: Connection, job: Job, settings: Settings) -> dict[str, Any]:
    module, _, name = settings.target.partition(":")
    function = getattr(importlib.import_module(module), name)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    last: Mapping[str, Any] | None = None
    for item in function(job.cell, job.data, **settings.keywords):
        if "scores" in item:
            last = item
        else:
            connection.send(("epoch", plain(item)))
    if last is None:
        raise RuntimeError(f"{settings.target} ended without scores")
    scores = last["scores"]
    wrong = sorted(name for name, value in scores.items() if value is not None and not math.isfinite(value))
    return {
        "outcome": "diverged" if wrong else "done",
        "message": f"scores that are not finite: {', '.join(wrong)}" if wrong else "",
        "scores": plain(scores),
        "diagnostics": plain(last.get("diagnostics", {})),
        "cost": plain(last.get("cost", {})),
        "predictions": {name: _array(name, value) for name, value in last.get("predictions", {}).items()},
    }


def _array(name: str, value: Any) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.hasobject:
        raise TypeError(f"predictions are arrays of numbers or text, got objects for {name!r}")
    return array


def _describe(error: BaseException) -> str:
    if isinstance(error, InvalidRequest):
        return str(error)
    last = traceback.format_tb(error.__traceback__)[-3:]
    return "\n".join([f"{type(error).__name__}: {error}", *(line.rstrip() for line in last)])


def _die_with_the_driver() -> None:
    """Tie this process to its server by the kernel, and the server to the driver alone.

    The kernel's signal reaches a cell that hangs with the interpreter's lock held, which no thread
    could. The server stops when nobody holds its pipe any more: a cell must therefore let go of it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    server: Any = forkserver._forkserver
    os.close(server._forkserver_alive_fd)
    driver = multiprocessing.parent_process()
    if driver is None or wait([driver.sentinel], 0):
        os._exit(1)
