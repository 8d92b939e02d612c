"""How a run is carried out, checked before anything runs."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass

from bench.provenance import provenance
from bench.run.job import PRELOAD, TARGET, Settings
from models.errors import InvalidRequest, unknown

ENGINES = ("ray", "local")


@dataclass(frozen=True)
class Options:
    """How a run is carried out; none of it changes a score.

    Attributes:
        engine: ``ray`` (Ray Tune) or ``local`` (plain processes).
        workers: cells that run side by side, one thread each; as many as there are cores if ``None``.
        address: Ray cluster to join; a session on this machine if ``None``.
        device: handed to the target, where cells train; not handed over if ``None``.
        timeout: wall seconds a cell may take.
        memory: MiB of private resident memory a cell may use.
        target: function that runs a cell, as ``module:name``.
        preload: modules imported before cells are forked.
    """

    engine: str = "ray"
    workers: int | None = None
    address: str | None = None
    device: str | None = None
    timeout: float | None = None
    memory: float | None = None
    target: str = TARGET
    preload: tuple[str, ...] = PRELOAD

    @property
    def slots(self) -> int:
        """Number of cells that run side by side."""
        return self.workers or len(os.sched_getaffinity(0))

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            InvalidRequest: an unknown engine, a number out of range, a target that is not there.
        """
        if self.engine not in ENGINES:
            raise unknown("engine", self.engine, ENGINES)
        if self.address and self.engine != "ray":
            raise InvalidRequest(f"an address needs engine 'ray', got {self.engine!r}; leave one of them out")
        for name in ("workers", "timeout", "memory"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InvalidRequest(f"{name} must be above 0, got {value!r}; leave it out for the default")
        module, _, function = self.target.partition(":")
        if not (module and function and _importable(module)):
            raise InvalidRequest(
                f"a target must name a function as module:function, got {self.target!r} (default: {TARGET})"
            )

    def settings(self) -> Settings:
        """Return what every cell is run with."""
        return Settings(
            self.target,
            {"device": self.device} if self.device else {},
            self.timeout,
            self.memory,
            provenance(self.device or "cpu") | {"engine": self.engine},
            self.preload,
        )


def _importable(module: str) -> bool:
    """Say whether a module can be found; only the packages it lies in are imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False
