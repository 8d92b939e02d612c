"""The engines that run cells; importing this imports neither Ray nor PyTorch."""

from bench.run.execute import ENGINES, Options, Outcome, execute
from bench.run.job import Event, Job, retryable

__all__ = ["ENGINES", "Event", "Job", "Options", "Outcome", "execute", "retryable"]
