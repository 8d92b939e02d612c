"""The latent course as a Markov chain over stage x level: what exact filtering needs of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bench.data.furnace.process import Floats
from bench.data.furnace.regime import leave
from bench.data.furnace.world import World


@dataclass(frozen=True)
class Chain:
    """States are ``stage * levels + level``.

    Attributes:
        transition: ``(states, states)``, row = from.
        stationary: ``(states,)`` long-run share of each state.
        abnormal: ``(states,)`` 1 where the regime is abnormal.
        levels: number of levels.
    """

    transition: Floats
    stationary: Floats
    abnormal: Floats
    levels: int

    @property
    def reverse(self) -> Floats:
        """Transition of the stationary chain read backwards in time."""
        return self.transition.T * self.stationary / self.stationary[:, None]


def chain(world: World) -> Chain:
    """Return the chain of a world: 7 stages x 3 levels = 21 states in the named ones."""
    chance = leave(world)
    stages = len(chance)
    regime = (np.arange(stages) >= world.normal_stages).astype(np.int64)
    draws = np.array([world.level_normal, world.level_abnormal])
    levels = draws.shape[1]
    stay = math.exp(-world.step / world.level_time)
    transition = np.zeros((stages, levels, stages, levels))
    for stage in range(stages):
        after = (stage + 1) % stages
        kept = stay * np.eye(levels) + (1 - stay) * draws[regime[stage]]
        transition[stage, :, stage] = (1 - chance[stage]) * kept
        # The level is drawn anew whenever the regime changes.
        entered = kept if regime[after] == regime[stage] else np.tile(draws[regime[after]], (levels, 1))
        transition[stage, :, after] += chance[stage] * entered
    # The level is drawn from its regime's law on entry and at each redraw: the shares multiply.
    stationary = ((1 / chance) / (1 / chance).sum())[:, None] * draws[regime]
    states = stages * levels
    abnormal = np.repeat(regime, levels).astype(float)
    return Chain(transition.reshape(states, states), stationary.ravel(), abnormal, levels)
