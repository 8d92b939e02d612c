"""The strong, late signal: a small colour picture of the furnace shell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.data.furnace.process import Floats, recursion, wander
from bench.data.furnace.regime import Regime
from bench.data.furnace.world import World

SIDE = 16
CLOUDS = 3
MIST_COLOUR = 0.7
WARM = np.array([1.0, 0.55, 0.2], dtype=np.float32)
Pixels = NDArray[np.float32]


def severity(world: World, regime: Regime, rng: np.random.Generator) -> Floats:
    """Return the strength of the glow at every step of a recording: ``(steps,)``, 0 = none.

    It rises and falls exponentially with the visible condition, times a log-normal severity drawn
    for each episode.
    """
    decay = np.exp(-world.step / np.where(regime.visible == 1, world.rise, world.fall))
    glow = recursion(decay, (1 - decay) * regime.visible)
    strength = np.exp(world.severity_sd * rng.standard_normal(len(regime.leads) + 1))
    return (glow * strength[regime.episode])[world.preroll :]


def render(world: World, regime: Regime, setpoint: Floats, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Render ``(steps, 16, 16, 3)`` RGB frames of one recording.

    A glow at a place of its own per episode goes from red to yellow to white with its strength; a
    static warm spot, glints, drifting mist, camera gain, white balance and (where the world says
    so) the set-point disturb it.

    Args:
        world: the constants of the recording.
        regime: its latent course.
        setpoint: ``(steps,)`` followed set-point at each frame, kA.
        rng: where all else is drawn from.
    """
    steps = len(setpoint)
    strength = severity(world, regime, rng)
    places = rng.uniform(0.2, 0.8, (len(regime.leads) + 1, 2))[regime.episode[world.preroll :]]
    flicker = 1 + world.flicker_sd * rng.standard_normal(steps)
    heat = _spots(places, 0.07 + 0.16 * strength, strength * flicker)
    glow = np.clip(1.5 * heat[..., None] - np.array([0, 0.55, 1.1], dtype=np.float32), 0, 1)
    shell = _shell(rng)
    scene = np.maximum(shell + _warm_spot(rng), glow + 0.5 * shell)
    glinting = np.flatnonzero(rng.random(steps) < world.glint)
    scene[glinting] += _glints(len(glinting), rng)
    mist = _mist(world, steps, rng)[..., None]
    balance = np.exp(world.camera_sd * (rng.standard_normal() + 0.5 * rng.standard_normal(3)))
    brightness = np.exp(world.setpoint_brightness * (setpoint - world.setpoint_mean))
    exposure = (brightness[:, None] * balance).astype(np.float32)[:, None, None, :]
    frames = scene + mist * (MIST_COLOUR - scene)
    frames *= exposure
    frames += np.float32(world.pixel_noise) * rng.standard_normal(frames.shape, dtype=np.float32)
    pictures: NDArray[np.uint8] = np.rint(255 * frames.clip(0, 1)).astype(np.uint8)
    return pictures


def _spots(centre: Floats, radius: Floats | float, height: Floats) -> Pixels:
    """Gaussian spots ``(n, 16, 16)`` at ``centre`` (n, 2), which runs from 0 to 1 over the picture."""
    grid = (np.arange(SIDE) + 0.5) / SIDE
    width = np.broadcast_to(radius, len(centre))[:, None, None]
    bells = np.exp(-((grid - centre[..., None]) ** 2) / (2 * width**2)).astype(np.float32)
    spots: Pixels = bells[:, 0, :, None] * bells[:, 1, None, :] * height.astype(np.float32)[:, None, None]
    return spots


def _shell(rng: np.random.Generator) -> Pixels:
    """Stains of the shell: one smooth grey-brown picture ``(16, 16, 3)``."""
    from scipy.ndimage import gaussian_filter  # slow to import

    stains = gaussian_filter(rng.standard_normal((SIDE, SIDE)), 1.5, mode="wrap")
    tint = 1 + 0.1 * rng.standard_normal(3)
    shell: Pixels = ((0.25 + 0.06 * stains / stains.std())[..., None] * tint).clip(0.02, 1).astype(np.float32)
    return shell


def _warm_spot(rng: np.random.Generator) -> Pixels:
    spot: Pixels = _spots(rng.uniform(0.2, 0.8, (1, 2)), 0.1, rng.uniform(0.1, 0.4, 1))[0, ..., None] * WARM
    return spot


def _glints(count: int, rng: np.random.Generator) -> Pixels:
    heights = rng.uniform(0.3, 0.7, count)
    glints: Pixels = _spots(rng.uniform(0, 1, (count, 2)), 0.08, heights)[..., None] * WARM
    return glints


def _mist(world: World, steps: int, rng: np.random.Generator) -> Pixels:
    """Opacity ``(steps, 16, 16)`` of clouds that drift, thicken and clear within a minute or so."""
    clear = np.ones((steps, SIDE, SIDE), dtype=np.float32)
    for _ in range(CLOUDS):
        centre = 0.5 + 0.3 * wander(rng, (steps, 2), world.step, 60.0)
        density = np.clip(wander(rng, (steps,), world.step, 40.0), 0, 1)
        clear *= 1 - _spots(centre, 0.2, world.mist_opacity * density)
    return 1 - clear
