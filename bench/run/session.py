"""A Ray session: bound to loopback, silent, gone without a trace; or a place in a cluster."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.run.guard import only_driver
from models.errors import InvalidRequest
from models.plugins import VARIABLE

_PREFIX = "precursor-ray-"
_SURELY_LOCKED_SECONDS = 60.0
_OBJECT_STORE_BYTES = 128 * 2**20
_ENVIRONMENT = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else a worker that asks for no GPU cannot see one
    "RAY_AIR_NEW_OUTPUT": "0",  # the older output is the one that can be silent
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_memory_monitor_refresh_ms": "0",  # a kill of its ends the whole fit; cells have their own limit
    "RAY_worker_niceness": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_FUNCTION_THREAD_TIMEOUT_S": "30",  # a stopped cell is killed at once, on a busy machine less so
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
}


@contextlib.contextmanager
def session(workers: int, address: str | None) -> Iterator[str]:
    """Start or join Ray, silently; yield a folder that is deleted with the session.

    Raises:
        InvalidRequest: Ray runs in this process already, or would listen beyond this machine.
    """
    os.environ.update(_ENVIRONMENT)
    if not address:
        # Without this Ray listens on every interface; read when Ray is imported.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        # Other users of the machine stay out, and nothing is written to the home folder.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    import ray

    if ray.is_initialized():
        raise InvalidRequest("Ray runs once a process, and it runs already; stop it or use engine 'local'")
    for name in ("ray", "ray.tune", "ray.train"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    own: dict[str, Any] = {
        "num_cpus": workers,
        "num_gpus": 0,
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
    }
    with _own_folder() as folder:
        try:
            with _handlers_kept():
                own["_temp_dir"] = folder
                try:
                    ray.init(address=address or "local", **quiet, **(_plugins() if address else own))
                except (ValueError, ConnectionError, RuntimeError) as error:
                    if not address:
                        raise
                    reason = " ".join(str(error).split())[:160]
                    raise InvalidRequest(
                        f"address must be that of a running Ray cluster, got {address!r} ({reason}); "
                        "start one with `ray start --head`"
                    ) from None
            _check_loopback(address)
            yield folder
        finally:
            ray.shutdown()


def _plugins() -> dict[str, Any]:
    """Tell the workers of a cluster which plugin files to import; they must lie at the same path there."""
    named = os.environ.get(VARIABLE)
    return {"runtime_env": {"env_vars": {VARIABLE: named}}} if named else {}


def _check_loopback(address: str | None) -> None:
    import ray

    if not address and ray.util.get_node_ip_address() != "127.0.0.1":  # type: ignore[no-untyped-call]
        raise InvalidRequest(
            "Ray must listen on loopback only, and it was imported before this could be set; "
            "start a fresh process or use engine 'local'"
        )


@contextlib.contextmanager
def _own_folder() -> Iterator[str]:
    """Make a temporary folder for the session, and delete those that killed drivers left behind.

    Its name is short, to leave room for Ray's sockets (107 bytes in all).
    """
    base = Path(tempfile.gettempdir())
    base = base if len(str(base)) <= 20 else Path("/tmp")
    for old in base.glob(f"{_PREFIX}*"):
        with contextlib.suppress(InvalidRequest, OSError):
            if time.time() - old.stat().st_mtime > _SURELY_LOCKED_SECONDS:
                with only_driver(old):
                    shutil.rmtree(old, ignore_errors=True)
    folder = tempfile.mkdtemp(prefix=_PREFIX, dir=base)
    try:
        with only_driver(Path(folder)):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _handlers_kept() -> Iterator[None]:
    """Put back the signal handlers that starting Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
