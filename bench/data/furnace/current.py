"""The weak, early signal: three-phase arc current."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.furnace.process import Floats, hold, recursion, wander
from bench.data.furnace.regime import Regime
from bench.data.furnace.world import World

PHASES = 3


@dataclass(frozen=True)
class Current:
    """Currents of one recording from second 0, at ``World.current_rate``.

    Attributes:
        values: ``(samples, 3)`` float32, kA: what a method sees.
        setpoint: ``(samples,)`` followed set-point, kA.
        noise: ``(1 + samples, 3)`` the arc noise alone, kA, from the sample before second 0 on.
        gain: noise gain of the recording.
    """

    values: NDArray[np.float32]
    setpoint: Floats
    noise: Floats
    gain: float


def simulate(world: World, regime: Regime, rng: np.random.Generator) -> Current:
    """Draw the currents that go with a latent course.

    ``I_k = S (1 + b_k) + drift_k - feed_k + x_k`` with ``x_t = phi_m x_{t-1} + e_t`` and ``e_t``
    multivariate t with covariance ``(g sigma_m S / 10)^2 R(rho_m)``: variance, autocorrelation
    and phase correlation follow the level ``m`` and nothing else follows the regime.
    """
    level = np.repeat(regime.level, world.samples)
    setpoint = _setpoint(world, len(level), rng)
    imbalance = world.imbalance_sd * rng.standard_normal(PHASES)
    gain = math.exp(world.gain_sd * rng.standard_normal())
    drift = world.drift_sd * wander(rng, (len(level), PHASES), 1 / world.current_rate, world.drift_time)
    spread = gain * setpoint / 10
    noise = recursion(np.array(world.noise_decay)[level], spread[:, None] * _innovations(world, level, rng))
    values = setpoint[:, None] * (1 + imbalance) + drift - _feed(world, len(level), rng) + noise
    first = world.preroll * world.samples
    return Current(values[first:].astype(np.float32), setpoint[first:], noise[first - 1 :], gain)


def _setpoint(world: World, samples: int, rng: np.random.Generator) -> Floats:
    mean = world.setpoint_mean + world.batch_setpoint_sd * rng.standard_normal()
    redrawn = rng.random(samples) < 1 / (world.setpoint_time * world.current_rate)
    wanted = hold(redrawn, mean + world.setpoint_sd * rng.standard_normal(samples))
    decay = math.exp(-1 / (world.setpoint_lag * world.current_rate))
    drive = (1 - decay) * wanted
    drive[0] = wanted[0]
    return recursion(decay, drive)


def _innovations(world: World, level: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Multivariate t innovations at gain 1 and 10 kA: ``(samples, 3)``."""
    rho = np.array(world.noise_correlation)[level][:, None]
    # Equal correlations are a part common to the phases plus a part of each phase.
    common, own = rng.standard_normal((len(level), 1)), rng.standard_normal((len(level), PHASES))
    normal = np.sqrt(rho) * common + np.sqrt(1 - rho) * own
    heavy = np.sqrt((world.noise_freedom - 2) / rng.chisquare(world.noise_freedom, len(level)))
    scale = heavy * np.array(world.noise_sd)[level]
    innovations: Floats = normal * scale[:, None]
    return innovations


def _feed(world: World, samples: int, rng: np.random.Generator) -> Floats:
    fed = rng.random((samples, 1)) < 1 / (world.feed_interval * world.current_rate)
    depth = rng.gamma(world.feed_shape, world.feed_depth / world.feed_shape, (samples, PHASES))
    return recursion(math.exp(-1 / (world.feed_recovery * world.current_rate)), fed * depth)
