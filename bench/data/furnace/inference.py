"""Exact inference on a hidden Markov chain: what is known of a moment before or after what was observed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.furnace.chain import Chain
from bench.data.furnace.process import Floats


def predicted(chain: Chain, logs: Floats) -> Floats:
    """Return P(state at a step | all steps before it): ``(recordings, steps, states)``.

    Args:
        chain: the latent chain; it starts in its stationary law.
        logs: ``(recordings, steps, levels)`` log likelihood.
    """
    seen = np.tile(np.exp(logs - logs.max(axis=-1, keepdims=True)), len(chain.stationary) // chain.levels)
    prior = np.empty_like(seen)
    now = np.tile(chain.stationary, (len(seen), 1))
    for step in range(seen.shape[1]):
        prior[:, step] = now
        now = now * seen[:, step]
        now = (now / now.sum(axis=1, keepdims=True)) @ chain.transition
    return prior


@dataclass(frozen=True)
class Question:
    """A mixture of moments at which the regime is asked for, relative to the observed steps.

    The answer is ``sum_i share_i P(abnormal at moment i | observed)``.

    Attributes:
        within: ``(steps,)`` share of each observed step.
        before: ``(states,)`` part of the answer from moments before the first step, given its state.
        after: ``(states,)`` the same for moments after the last step, given its state.
    """

    within: Floats
    before: Floats
    after: Floats

    @classmethod
    def at(cls, chain: Chain, steps: int, moments: NDArray[np.int64], shares: Floats) -> Question:
        """Return the question for shares of moments; moment 0 is the first of ``steps`` observed."""
        within = np.zeros(steps)
        before, after = np.zeros_like(chain.stationary), np.zeros_like(chain.stationary)
        for moment, share in zip(moments.tolist(), shares.tolist(), strict=True):
            if moment < 0:
                before += share * np.linalg.matrix_power(chain.reverse, -moment) @ chain.abnormal
            elif moment < steps:
                within[moment] += share
            else:
                after += share * np.linalg.matrix_power(chain.transition, moment - steps + 1) @ chain.abnormal
        return cls(within, before, after)


def answer(chain: Chain, question: Question, prior: Floats, logs: Floats, weights: Floats) -> Floats:
    """Answer a question for many stretches at once: ``(windows,)`` probabilities.

    One backward pass carries the likelihood of what was observed and, beside it, the same
    multiplied by the answer.

    Args:
        chain: the latent chain.
        question: what is asked.
        prior: ``(windows, states)`` or ``(states,)``: law of the state at the first observed step.
        logs: ``(windows, steps, variants, levels)`` log likelihood under each variant of an unknown
            constant.
        weights: ``(variants,)`` prior probability of each variant.
    """
    stages = len(chain.stationary) // chain.levels
    windows, steps, variants, _ = logs.shape
    shape = (2, windows, variants, len(chain.stationary))
    pair = np.empty(shape)
    pair[0], pair[1] = 1.0, question.after
    for step in reversed(range(steps)):
        if step < steps - 1:
            pair = (pair.reshape(-1, shape[-1]) @ chain.transition.T).reshape(shape)
        pair[1] += question.within[step] * chain.abnormal * pair[0]
        now = logs[:, step]
        # One scale for all variants and states keeps the products in range and cancels in the end.
        pair *= np.tile(np.exp(now - now.max(axis=(1, 2), keepdims=True)), stages)
        pair /= pair[0].max(axis=(1, 2), keepdims=True)
    start = weights[:, None] * np.broadcast_to(prior, (windows, shape[-1]))[:, None, :]
    likelihood, joint = start * pair
    joint += question.before * likelihood
    return np.asarray(joint.sum(axis=(1, 2)) / likelihood.sum(axis=(1, 2)))
