"""The exact ceiling: P(abnormal on video | current), from the equations that made the data."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.furnace.chain import chain
from bench.data.furnace.current import PHASES, Current
from bench.data.furnace.inference import Question, answer, predicted
from bench.data.furnace.process import Floats
from bench.data.furnace.regime import lead_law
from bench.data.furnace.world import World

Ints = NDArray[np.int64]

OBSERVERS = ("full", "window", "window_u")

#: Gauss-Hermite nodes over the log gain; the likelihood of a window is about a quarter as wide as the
#: prior, so that few nodes would step over it.
NODES = 31
#: Nodes that weigh less than this change nothing.
NEGLIGIBLE = 1e-5
#: Weights of a gain that is known.
KNOWN = np.ones(1)


def gains(world: World) -> tuple[Floats, Floats]:
    """Return Gauss-Hermite nodes of a recording's noise gain, and their weights (sum 1)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    kept = weights > NEGLIGIBLE * weights.sum()
    return np.exp(world.gain_sd * nodes[kept]), weights[kept] / weights[kept].sum()


def log_likelihood(world: World, current: Current, gain: Floats) -> Floats:
    """Return log p(samples of a latent step | level, gain): ``(steps, gains, levels)``, up to a constant.

    A product of trivariate t densities of ``x_t - phi_m x_{t-1}``; set-point, imbalance, drift and
    feed are taken as known, and so is the sample before.
    """
    x, before = current.noise[1:], current.noise[:-1]
    by_level = []
    for sd, decay, rho in zip(world.noise_sd, world.noise_decay, world.noise_correlation, strict=True):
        shape = (1 - rho) * np.eye(PHASES) + rho
        scaled = (x - decay * before) / (sd * current.setpoint[:, None] / 10)
        distance = np.einsum("tk,kl,tl->t", scaled, np.linalg.inv(shape), scaled)
        tail = np.log1p(distance[:, None] / ((world.noise_freedom - 2) * gain**2))
        size = PHASES * np.log(sd * gain) + 0.5 * math.log(np.linalg.det(shape))
        by_level.append(-size - (world.noise_freedom + PHASES) / 2 * tail)
    each = np.stack(by_level, axis=-1)
    blocks: Floats = each.reshape(-1, world.samples, *each.shape[1:]).sum(axis=1)
    return blocks


@dataclass(frozen=True)
class Observed:
    """Current windows of one recording, and when each one's label is read; in latent steps.

    Attributes:
        stop: ``(windows,)`` step after the last observed one.
        moment: ``(windows,)`` step at which the video is asked for.
    """

    stop: Ints
    moment: Ints


def ceiling(
    worlds: list[World], currents: list[Current], windows: list[Observed], steps: int
) -> dict[str, Floats]:
    """Return P(video abnormal at the moment asked for | current) of each window, by observer.

    ``full`` knows all of the recording up to the end of the current window, and its gain;
    ``window`` knows the window of ``steps`` latent steps and the gain; ``window_u`` knows the
    window only. All of them know set-point, imbalance, drift and feed, so that each is an upper
    bound on what a method with the same view can do. Exact but for one thing: two
    episodes so near to each other that their delayed pictures overlap are counted twice.

    Args:
        worlds: constants of each recording; they may differ in anything but the chain.
        currents: the currents of each recording, equally long.
        windows: the windows of each recording.
        steps: length of a window.
    """
    links = chain(worlds[0])
    nodes = [gains(world) for world in worlds]
    logs = [
        log_likelihood(world, current, np.append(current.gain, node))
        for world, current, (node, _) in zip(worlds, currents, nodes, strict=True)
    ]
    leads, mass = lead_law(worlds[0])
    gaps = [np.unique(each.moment - each.stop) for each in windows]
    # Steps before second 0 tell nothing; with them, looking back never runs out of the recording.
    lead_in = _reach(leads, min((int(gap[0]) for gap in gaps if len(gap)), default=0))
    known = np.pad(np.stack([log[:, 0] for log in logs]), ((0, 0), (lead_in, 0), (0, 0)))
    priors = predicted(links, known)
    found = []
    for index, each in enumerate(windows):
        own = np.empty((len(OBSERVERS), len(each.stop)))
        for gap in gaps[index]:
            rows = np.flatnonzero(each.moment - each.stop == gap)
            stop, back = each.stop[rows], _reach(leads, gap)
            first = lead_in + stop - back
            whole = known[index][first[:, None] + np.arange(back), None]
            inside = logs[index][(stop - steps)[:, None] + np.arange(steps)]
            # Moment 0 of a question is the first observed step.
            far = Question.at(links, back, back + gap - leads, mass)
            near = Question.at(links, steps, steps + gap - leads, mass)
            own[0, rows] = answer(links, far, priors[index, first], whole, KNOWN)
            own[1, rows] = answer(links, near, links.stationary, inside[:, :, :1], KNOWN)
            own[2, rows] = answer(links, near, links.stationary, inside[:, :, 1:], nodes[index][1])
        found.append(own)
    return dict(zip(OBSERVERS, np.concatenate(found, axis=1), strict=True))


def _reach(leads: Ints, gap: int) -> int:
    """Return how many steps must be looked back for the longest lead; at least one."""
    return max(int(leads[-1]) - int(gap), 1)
