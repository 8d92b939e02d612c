"""Contrastive representation distillation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.beside import Beside
from models.contrast.infonce import cosines
from models.contrast.vicreg import undefined
from models.registry import component, param


@dataclass(frozen=True)
class CRDParameters:
    """Parameters of :class:`CRD`."""

    temperature: float = param(
        0.1, low=0.02, high=2.0, log=True, search=(0.03, 1.0), help="divides the cosines"
    )


@component("contrast", "crd", parameters=CRDParameters, origin="CRD, arXiv 1910.10699")
class CRD(nn.Module):
    """Is this a pair or not? asked of every prediction and target of the batch.

    ``-log h_bb - sum_{j != b} log(1 - h_bj)``, ``h = e^s / (e^s + N Z)``, with s the cosine over the
    temperature (CRD, arXiv 1910.10699, eq. 19: noise-contrastive estimation, N negatives to a pair).
    Z is the mean of e^s in the first batch of the training and constant thereafter, as the authors
    do to normalise the critic; the N/M of eq. 19 is then N Z, for any number M of windows.

    Deviation: the negatives are the other N = B - 1 windows of the batch, not a memory bank of past
    vectors with momentum. The anchors of both directions then give the same sum, which is
    taken once. Published temperature: 0.07. Both sides have a gradient (published: a frozen
    teacher; see ``detach_video`` of the pooled alignment). A batch of one has no negative and no loss.
    """

    log_z: Tensor

    def __init__(self, parameters: CRDParameters) -> None:
        super().__init__()
        self.temperature = parameters.temperature
        self.register_buffer("log_z", torch.tensor(math.nan))

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss of ``(M, B, D)`` predictions; in train mode the first call fixes Z."""
        sets, count, _ = predicted.shape
        if count == 1:
            return undefined(predicted, target)
        similarity = cosines(predicted, target, self.temperature)
        mean = similarity.detach().flatten().logsumexp(0) - math.log(similarity.numel())
        log_z = torch.where(self.log_z.isnan(), mean, self.log_z)
        if self.training:
            self.log_z.copy_(log_z)
        logits = similarity - (log_z + math.log(count - 1))
        pairs = logits.diagonal(dim1=-2, dim2=-1)
        # -log(1 - h) of all, of which the pairs turn into -log h: softplus(x) - x = softplus(-x).
        return (F.softplus(logits).sum() - pairs.sum()) / (sets * count)
