"""Random draws as a sampler of Optuna."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler

from bench.search.space import Space, draw_one

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial


class Draws(BaseSampler):
    """Draws every parameter from a stream of its own, named by its key."""

    def __init__(self, seed: int, number: int) -> None:
        self.seed, self.number = seed, number

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> Space:
        """Return nothing: every parameter is drawn for itself."""
        return {}

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: Space) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return the draw of one parameter."""
        return draw_one(param_name, param_distribution, self.seed, self.number)
