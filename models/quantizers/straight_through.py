"""From semantic vectors to code vectors and back again: values of one, gradient of the other."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Committed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        z: Tensor,
        codebook: Tensor,
        squared: Tensor,
        own: Tensor,
        partner: Tensor,
        known: Tensor | None,
        weights: tuple[float, float],
    ) -> tuple[Tensor, Tensor, Tensor]:
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
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(z, codebook, pull)
        return own.view_as(own), squared.view_as(squared), loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        z, codebook, pull = ctx.saved_tensors
        g_vectors, g_squared, g_loss = gradients
        back = torch.zeros_like(z) if g_loss is None else pull * g_loss
        if g_vectors is not None:
            back.add_(g_vectors)
        if g_squared is not None:
            back.addcmul_(z, g_squared.sum(-1, keepdim=True), value=2.0)
            rows = back.view(-1, z.shape[-1])
            torch.addmm(rows, g_squared.flatten(0, 1), codebook, alpha=-2.0, out=rows)
        return back, None, None, None, None, None, None


def commit(
    z: Tensor,
    codebook: Tensor,
    squared: Tensor,
    own: Tensor,
    partner: Tensor,
    known: Tensor | None,
    weights: tuple[float, float],
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the code vectors with the gradient of ``z``, the distances with theirs, the commitment loss.

    The loss is w_own |z - own|^2 + w_partner |z - partner|^2, averaged over the steps. The codebook
    is a constant: no gradient reaches it. One function, so that the gradients of ``z`` meet in one
    array.

    Args:
        z: ``(B, T, D)`` semantic vectors.
        codebook: ``(K, D)``.
        squared: ``(B, T, K)`` squared distances of ``z`` to the codebook.
        own: ``(B, T, D)`` code vectors they chose.
        partner: ``(B, T, D)`` code vectors the other modality chose beside them.
        known: ``(T,)`` which steps have a partner; None = all.
        weights: of the two squared distances.
    """
    found: tuple[Tensor, Tensor, Tensor] = _Committed.apply(  # type: ignore[no-untyped-call]
        z, codebook, squared, own, partner, known, weights
    )
    return found
