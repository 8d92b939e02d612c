"""From semantic vectors to code vectors and back again: values of one, gradient of the other."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Committed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, z: Tensor, own: Tensor, partner: Tensor, known: Tensor | None, weights: tuple[float, float]
    ) -> tuple[Tensor, Tensor]:
        rows = z.shape[0] * z.shape[1]
        to_own = z - own
        loss = (weights[0] / rows) * torch.dot(to_own.flatten(), to_own.flatten())
        pull = to_own.mul_(2.0 * weights[0] / rows)
        if weights[1]:
            to_partner = z - partner
            pulled = to_partner
            if known is not None:
                # Averaged over the steps that have a partner.
                share = known.to(z.dtype)
                pulled = to_partner * (share / share.mean())[:, None]
            loss.add_(torch.dot(pulled.flatten(), to_partner.flatten()), alpha=weights[1] / rows)
            pull.add_(pulled, alpha=2.0 * weights[1] / rows)
        ctx.save_for_backward(pull)
        return own.view_as(own), loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (pull,) = ctx.saved_tensors
        return torch.addcmul(gradients[0], pull, gradients[1]), None, None, None, None


def commit(
    z: Tensor, own: Tensor, partner: Tensor, known: Tensor | None, weights: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """Return the code vectors with the gradient of ``z``, and the commitment loss.

    The loss is w_own |z - own|^2 + w_partner |z - partner|^2, averaged over the steps.

    Args:
        z: ``(B, T, D)`` semantic vectors.
        own: ``(B, T, D)`` code vectors they chose.
        partner: ``(B, T, D)`` code vectors the other modality chose beside them.
        known: ``(T,)`` which steps have a partner; None = all.
        weights: of the two squared distances.
    """
    vectors, loss = _Committed.apply(z, own, partner, known, weights)  # type: ignore[no-untyped-call]
    return vectors, loss
