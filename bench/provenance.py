"""Where a record comes from: code, versions, machine."""

from __future__ import annotations

import functools
import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = ("precursor-bench", "torch", "numpy", "scikit-learn", "ray", "optuna")


@functools.cache
def provenance(device: str) -> dict[str, str]:
    """Return commit, whether it was dirty, versions of what computes, machine and device asked for."""
    versions = {name: metadata.version(name) for name in PACKAGES}
    return {
        "commit": _git("rev-parse", "--short=12", "HEAD") or "unknown",
        "dirty": "yes" if _git("status", "--porcelain", "--", ":/bench", ":/models") else "no",
        "python": platform.python_version(),
        **versions,
        "machine": platform.machine(),
        "device": device,
        "threads": "1",
    }


def _git(*arguments: str) -> str:
    """Return the output of git on the checkout this package runs from; empty outside one."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
