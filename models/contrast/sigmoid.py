"""The pairwise sigmoid contrast."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.beside import Beside
from models.contrast.infonce import cosines
from models.registry import component, param


@dataclass(frozen=True)
class SigmoidParameters:
    """Parameters of :class:`Sigmoid`."""

    scale: float = param(
        10.0, low=0.1, high=200.0, log=True, search=(2.0, 50.0), help="multiplies the cosines at the start"
    )
    bias: float = param(-10.0, low=-50.0, high=50.0, search=(-10.0, 0.0), help="of the logits at the start")


@component("contrast", "sigmoid", parameters=SigmoidParameters, origin="SigLIP, arXiv 2303.15343")
class Sigmoid(nn.Module):
    """Tell of each pair alone whether it belongs together (SigLIP, arXiv 2303.15343, section 3.2).

    L = -1/B sum_ij log sigma(y_ij (s cos_ij + b)), y_ij = 1 on the diagonal and -1 elsewhere, with
    scale s = exp(t) and bias b learned with the rest. The bias starts low, since all but one of B
    pairs are wrong. No soft-max runs over the batch, so that a pair costs the same in any batch; it
    was made for small ones. The loss is summed over the partners of a window and averaged over windows.

    When not to use it: with windows of two classes and long normal stretches many "wrong" pairs are
    alike, and each is pushed apart with its full weight, where a soft-max shares one weight among them.

    Notes the scale and the bias.
    """

    def __init__(self, parameters: SigmoidParameters) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(parameters.scale)))
        self.bias = nn.Parameter(torch.tensor(parameters.bias))
        self.logs: dict[str, Tensor] = {}

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss of ``(M, B, D)`` predictions; the keywords are not looked at."""
        scale = self.log_scale.exp()
        self.logs = {"scale": scale.detach(), "bias": self.bias.detach().clone()}
        logits = scale * cosines(predicted, target) + self.bias
        signs = 2.0 * torch.eye(logits.shape[-1], dtype=logits.dtype, device=logits.device) - 1.0
        return -F.logsigmoid(signs * logits).sum(-1).mean()
