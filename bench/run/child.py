"""One cell in one fresh process: no state leaks in or out, it can be stopped at any time, it cannot raise.

The process is forked from a server that has imported the heavy modules, which costs milliseconds
instead of the seconds of a new interpreter. It dies with the process that started it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing import forkserver, resource_tracker
from typing import Any

from bench.run import inside
from bench.run.job import STOPPED, Job, Settings, classify_exit
from bench.store import Record

_CONTEXT = multiprocessing.get_context("forkserver")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20
# A cell owns one core; libraries read these when they are loaded, which is in the server.
LEAN = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # Large pages for the heap, where the C library knows them: some percent off every training step.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


class Child:
    """A running cell: its connection tells epochs and the end, :meth:`overdue` enforces the limits.

    Standard output and error of the cell go nowhere; what went wrong is in the message of the record.
    """

    def __init__(self, job: Job, settings: Settings, worker: str = "0") -> None:
        self.job, self.worker, self._settings = job, worker, settings
        self._curve: list[dict[str, Any]] = []
        self._peak = 0.0
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self.connection, theirs = _CONTEXT.Pipe(duplex=False)
        self._process = _CONTEXT.Process(target=inside.serve, args=(theirs, job, settings), daemon=True)
        with _unseen_main(), theirs:
            _start_server(settings.preload)
            self._process.start()
        self._clock = time.monotonic()

    def receive(self) -> dict[str, Any] | Record:
        """Return the next epoch, or the record when the cell has ended; waits for either."""
        try:
            kind, body = self.connection.recv()
        except (EOFError, OSError):
            self._process.join(1)
            return self._record(*classify_exit(self._process.exitcode))
        if kind == "epoch":
            self._curve.append(body)
            epoch: dict[str, Any] = body
            return epoch
        self._process.join(1)
        return self._record(**body)

    def overdue(self) -> Record | None:
        """Return the record of a cell that is over its time or memory and must be killed, else ``None``."""
        timeout, limit = self._settings.timeout, self._settings.memory_mb
        if timeout and time.monotonic() - self._clock > timeout:
            return self._record("timeout", f"the cell ran longer than its limit of {timeout:g} s")
        if limit:
            self._peak = max(self._peak, _private_mb(self._process.pid))
            if self._peak > limit:
                used = f"{self._peak:.0f} MiB of its limit of {limit:g} MiB"
                return self._record("oom", f"the cell used {used} of memory")
        return None

    def stopped(self) -> Record:
        """Return the record of a cell that must be killed now: it holds the epochs received so far."""
        return self._record("pruned", STOPPED)

    def kill(self) -> None:
        """End the process now, if it has not ended, and free what it held."""
        if self._process.exitcode is None:
            self._process.kill()
        self._process.join()
        self._process.close()
        self.connection.close()

    def _record(self, outcome: str, message: str, **parts: Any) -> Record:
        seen = {"wall_seconds": time.monotonic() - self._clock}
        if self._peak:
            seen["peak_mb"] = self._peak
        parts["cost"] = seen | parts.get("cost", {})
        provenance = {"host": socket.gethostname(), "started": self._started}
        return Record(
            key=self.job.key,
            attempt=self.job.attempt,
            outcome=outcome,
            message=message,
            cell=self.job.cell,
            curve=self._curve,
            provenance={**self._settings.provenance, **provenance},
            **parts,
        )


def refused(job: Job, error: Exception) -> Record:
    """Return the record of a cell whose process could not be started.

    A server that hangs up was killed, with its driver as a rule: the cell may be tried again.
    """
    outcome = "killed" if isinstance(error, EOFError | ConnectionError) else "error"
    message = f"the process of the cell could not be started: {type(error).__name__}: {error}"
    return Record(job.key, job.attempt, outcome, message, cell=job.cell)


def _start_server(preload: tuple[str, ...]) -> None:
    """Start the server of this process, once: deaf to signals to stop, one thread, the driver's search path.

    A shell sends Ctrl-C, and a batch system SIGTERM, to all processes of a run; what becomes of the
    cells is for the driver to decide. A blocked signal is inherited by every cell from its first
    instruction on. The preload of the first call holds.
    """
    _CONTEXT.set_forkserver_preload([inside.__name__, *preload])
    resource_tracker.ensure_running()  # otherwise started below, and it unblocks them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        with _environment(LEAN | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}):
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _unseen_main() -> Iterator[None]:
    """Hide the main module: a new process would import it again (a script, pytest, a worker of Ray)."""
    main: Any = sys.modules["__main__"]
    hidden = {name: main.__dict__[name] for name in ("__spec__", "__file__") if name in main.__dict__}
    main.__dict__.pop("__file__", None)
    main.__spec__ = None
    try:
        yield
    finally:
        main.__dict__.update(hidden)


def _private_mb(pid: int | None) -> float:
    """Return the resident memory in MiB that is the process's own: without mapped files and libraries."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            _, resident, shared, *_ = file.read().split()
    except OSError:
        return 0.0
    return (int(resident) - int(shared)) * _PAGE_MB
