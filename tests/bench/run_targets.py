"""Cells built to behave badly, each in its own way; as a program, a driver that runs such cells.

python run_targets.py '{"root": ..., "engine": "local", "cells": [{"does": "fine", "n": 1}, ...]}'
"""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.run import Job, Options, execute
from bench.store import Store
from models.errors import InvalidRequest

LEAKED: list[str] = []


def run(cell: dict[str, Any], data: str, device: str = "none") -> Iterator[dict[str, Any]]:
    """Note the execution in the file ``data/log``, then do what ``cell["does"]`` names."""
    with open(Path(data) / "log", "a") as log:
        log.write(f"{cell['n']} {os.getpid()} {time.time()}\n")
    yield from DEEDS[cell["does"]](cell, data, device)


def _fine(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    n = cell["n"]
    for epoch in range(cell.get("epochs", 1)):
        time.sleep(cell.get("seconds", 0.0))
        yield {"epoch": epoch + 1, "loss": np.float32(1 / (epoch + 1))}
    yield {
        "scores": {"current.auroc": 0.5 + n / 1000, "validation.current.auroc": 0.9},
        "diagnostics": {"n": np.int64(n), "device": device, "odd": float("nan")},
        "predictions": {"score": np.arange(5) + n, "label": np.zeros(5, dtype=np.int8)},
        "cost": {"parameters": 7},
    }


def _meets(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    """Be fine once the other cell of the pair runs too."""
    (Path(data) / f"meets-{cell['n']}").touch()
    end = time.monotonic() + 120
    while not (Path(data) / f"meets-{cell['other']}").exists():
        if time.monotonic() > end:
            raise RuntimeError("nobody came")
        time.sleep(0.02)
    yield from _fine(cell, data, device)


def _raises(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    yield {"epoch": 1}
    raise KeyError("no such thing")


def _invalid(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    raise InvalidRequest("codes must be at least 2, got 1; raise it")
    yield {}


def _diverges(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    raise FloatingPointError("loss is nan after epoch 1")
    yield {}


def _nan(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    yield {"scores": {"current.auroc": float("nan"), "video.auroc": 0.75}}


def _silent(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    yield {"epoch": 1}


def _objects(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    yield {"scores": {"a": 1.0}, "predictions": {"score": [object()]}}


def _exits(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    os._exit(3)
    yield {}


def _dies(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    os.kill(os.getpid(), signal.SIGKILL)
    yield {}


def _dies_once(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    mark = Path(data) / "died"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    yield from _fine(cell, data, device)


def _crashes(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    os.kill(os.getpid(), signal.SIGSEGV)
    yield {}


def _hangs(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    yield {"epoch": 1}
    # Backtracks for ages inside C, with the interpreter's lock held.
    re.match(r"(a+)+$", "a" * 60 + "b")


def _hoards(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    held = []
    for _ in range(200):
        held.append(np.ones(2**20))
        time.sleep(0.005)
    yield {"scores": {"mib": float(len(held) * 8)}}


def _exhausts(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    raise MemoryError
    yield {}


def _leaks(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    seen = len(LEAKED) + ("LEAKED" in os.environ) + (np.geterr()["divide"] == "raise")
    LEAKED.append("state")
    os.environ["LEAKED"] = "1"
    np.seterr(divide="raise")
    yield {"scores": {"seen": float(seen)}}


def _loud(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    print("on standard output", flush=True)
    os.write(2, b"on standard error\n")
    yield {"scores": {"threads": float(os.environ["OMP_NUM_THREADS"])}}


def _kills_its_worker(cell: dict[str, Any], data: str, device: str) -> Iterator[dict[str, Any]]:
    """Take down the process that runs the cells, as the system would for want of memory."""
    mark = Path(data) / "worker-died"
    if not mark.exists():
        mark.touch()
        time.sleep(1.0)  # let the start be told
        server = os.getppid()
        with open(f"/proc/{server}/stat") as stat:
            worker = int(stat.read().rsplit(")", 1)[1].split()[1])
        os.kill(worker, signal.SIGKILL)
        time.sleep(60)
    yield from _fine(cell, data, device)


DEEDS = {name[1:]: deed for name, deed in list(globals().items()) if name.startswith("_") and callable(deed)}


def job(cell: dict[str, Any], root: Path) -> Job:
    return Job(f"cell-{cell['n']:03d}", 0, cell, str(root))


def main() -> int:
    plan = json.loads(sys.argv[1])
    root = Path(plan.pop("root"))
    cells = plan.pop("cells")
    options = Options(target="run_targets:run", preload=("run_targets",), **plan)
    store = Store(root)
    outcome = execute([job(cell, root) for cell in cells], store, options=options)
    return int(bool(outcome.failed or outcome.missing))


if __name__ == "__main__":
    sys.exit(main())
