"""The engines that run cells; importing this imports neither Ray nor PyTorch."""

from bench.run.execute import Outcome, execute
from bench.run.job import Agenda, Event, Job, retryable
from bench.run.options import ENGINES, Options
from bench.run.progress import Standing
from bench.run.pursue import pursue

__all__ = [
    "ENGINES",
    "Agenda",
    "Event",
    "Job",
    "Options",
    "Outcome",
    "Standing",
    "execute",
    "pursue",
    "retryable",
]
