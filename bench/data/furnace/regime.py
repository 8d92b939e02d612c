"""The hidden course of one recording: regime, volatility level, and what the camera can see of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bench.data.furnace.process import hold
from bench.data.furnace.world import World

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Regime:
    """Latent course on the grid of ``World.step``; all arrays ``(World.preroll + steps,)``.

    Attributes:
        stage: Erlang stage, normal stages first.
        level: volatility level 0..2 (calm to wild).
        abnormal: 0/1, the condition itself; the current follows it at once, through the level.
        visible: 0/1, the condition as the camera shows it: each episode delayed by its own lead.
        episode: number of the latest visible episode, -1 before the first.
        leads: lead of each episode, s, a multiple of the step.
    """

    stage: Ints
    level: Ints
    abnormal: Ints
    visible: Ints
    episode: Ints
    leads: NDArray[np.float64]


def leave(world: World) -> NDArray[np.float64]:
    """Return the probability of leaving each stage within a step, normal stages first."""
    normal = -math.expm1(-world.normal_stages / world.normal_mean * world.step)
    abnormal = -math.expm1(-world.abnormal_stages / world.abnormal_mean * world.step)
    return np.repeat([normal, abnormal], [world.normal_stages, world.abnormal_stages])


@lru_cache(maxsize=8)
def lead_law(world: World) -> tuple[Ints, NDArray[np.float64]]:
    """Return the possible leads in whole steps, and their probabilities."""
    steps = np.arange(round(world.lead_low / world.step), round(world.lead_high / world.step) + 1)
    mass = np.ones(1)
    if len(steps) > 1:
        from scipy.stats import truncnorm  # slow to import

        low = (world.lead_low - world.lead_mean) / world.lead_sd
        high = (world.lead_high - world.lead_mean) / world.lead_sd
        law = truncnorm(low, high, loc=world.lead_mean, scale=world.lead_sd)
        mass = np.diff(law.cdf((np.append(steps, steps[-1] + 1) - 0.5) * world.step))
        mass /= mass.sum()
    # The law is shared by all callers.
    steps.flags.writeable = mass.flags.writeable = False
    return steps, mass


def simulate(world: World, steps: int, rng: np.random.Generator) -> Regime:
    """Draw one recording of ``steps`` latent steps, and ``world.preroll`` steps before it."""
    total = world.preroll + steps
    stage = _stages(world, total, rng)
    abnormal = (stage >= world.normal_stages).astype(np.int64)
    switched = np.diff(abnormal, prepend=abnormal[0]) != 0
    redrawn = switched | (rng.random(total) >= math.exp(-world.step / world.level_time))
    odds = np.cumsum([world.level_normal, world.level_abnormal], axis=1)[abnormal, :2]
    level = hold(redrawn, (rng.random(total)[:, None] > odds).sum(axis=1))
    starts = np.flatnonzero(np.diff(abnormal, prepend=0) == 1)
    stops = np.flatnonzero(np.diff(abnormal, append=0) == -1) + 1
    possible, chance = lead_law(world)
    leads = rng.choice(possible, p=chance, size=len(starts))
    visible, episode = np.zeros(total, dtype=np.int64), np.full(total, -1)
    for number, (start, stop, lead) in enumerate(zip(starts, stops, leads, strict=True)):
        # An episode that still lasts at the end stays visible to the end.
        visible[start + lead : stop + lead] = 1
        episode[start + lead :] = number
    return Regime(stage, level.astype(np.int64), abnormal, visible, episode, leads * world.step)


def _stages(world: World, total: int, rng: np.random.Generator) -> Ints:
    """Walk round the ring of stages from its stationary law; dwell times are geometric."""
    chance = leave(world)
    first = rng.choice(len(chance), p=(1 / chance) / (1 / chance).sum())
    # Every visit lasts a step or more, so this many visits always suffice.
    ring = (first + np.arange(total)) % len(chance)
    dwell = rng.geometric(chance[ring])
    return np.repeat(ring, np.minimum(dwell, total))[:total]
