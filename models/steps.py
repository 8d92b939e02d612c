"""Clocks: how the steps of one window correspond to the steps of another."""

from __future__ import annotations

import torch
from torch import Tensor


def step_map(steps: int, onto: int) -> Tensor:
    """Return, for each of ``steps`` steps, the step of a window of ``onto`` steps it ends in.

    Both windows are read as the same stretch of time, cut into equal steps. Where ``onto`` is the
    finer clock, the steps named are distinct and the last one is the last.

    >>> step_map(4, 4).tolist(), step_map(2, 6).tolist(), step_map(6, 2).tolist()
    ([0, 1, 2, 3], [2, 5], [0, 0, 0, 1, 1, 1])
    """
    return ((torch.arange(steps) + 1) * onto - 1) // steps
