"""The live view of searches: Optuna's dashboard on the project's journal, with notes and figures."""

from bench.dashboard.refresh import refresh, show_best
from bench.dashboard.server import serve

__all__ = ["refresh", "serve", "show_best"]
