"""CMA-ES as a sampler of Optuna that needs no memory but the trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cmaes  # type: ignore[import-untyped]
import numpy as np
from optuna.study import StudyDirection
from optuna.trial import TrialState

from bench.search.draws import Draws
from bench.search.space import Space, place, share_of

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial


class Replayed(Draws):
    """CMA-ES in the unit cube, told everything that has ended."""

    def __init__(self, draws: Draws, seed: int, space: Space, startup: int) -> None:
        super().__init__(draws.seed, draws.number)
        self._rng, self._space, self._startup = seed, space, startup

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> Space:
        """Return the parameters that are numbers."""
        return self._space

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: Space) -> dict[str, Any]:
        """Return a draw from the distribution that the ended trials lead to."""
        sign = 1.0 if study.direction == StudyDirection.MINIMIZE else -1.0
        ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        points = [(self._point(each.params), sign * float(each.values[0])) for each in ended]
        known = sum(each.number < self._startup for each in ended)
        dimensions = len(self._space)
        start = min(points[:known], key=lambda point: point[1])[0] if known else np.full(dimensions, 0.5)
        optimizer = cmaes.CMA(
            mean=start,
            sigma=1 / 6,
            bounds=np.tile([0.0, 1.0], (dimensions, 1)),
            n_max_resampling=10 * dimensions,
            seed=self._rng,
        )
        size = optimizer.population_size
        for begin in range(known, len(points) - size + 1, size):
            optimizer.tell(points[begin : begin + size])
        shares = optimizer.ask()
        return {
            key: place(distribution, float(share))
            for (key, distribution), share in zip(self._space.items(), shares, strict=True)
        }

    def _point(self, params: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([share_of(distribution, params[key]) for key, distribution in self._space.items()])
