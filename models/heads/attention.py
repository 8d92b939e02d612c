"""Attention over the steps of a window, then a linear map."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.heads.classes import balanced_weights
from models.registry import component, param
from models.transformer import AttentionPooling


@dataclass(frozen=True)
class AttentionHeadParameters:
    """Parameters of :class:`AttentionHead`."""

    hidden: int = param(16, low=1, high=256, log=True, help="width of the hidden layer of the attention")
    ridge: float = param(
        1e-3, low=1e-8, high=1e3, log=True, search=(1e-5, 1e-1), help="penalty of the squared weights"
    )
    steps: int = param(50, low=1, high=1000, help="iterations of L-BFGS")


@component("head", "attention", parameters=AttentionHeadParameters, origin="CLMLF, arXiv 2204.05515")
class AttentionHead:
    """Attention pooling over the steps of a window and a linear map, trained on the codes of the video.

    ``alpha = softmax_t(w_2 GELU(W_1 h_t + b_1))``, ``f = w sum_t alpha_t h_t + b`` with the pooling of
    CLMLF (arXiv 2204.05515). Minimises the class-balanced mean of log(1 + exp(-y f)) + ridge / 2 |all
    weights but b|^2 over vectors scaled as for the linear head, by a fixed number of L-BFGS
    iterations on all windows in float64 from the generator's initial weights: deterministic, but
    not convex. It can say that one step is enough to warn, which the mean over steps dilutes; it can also
    learn which steps of the *video* tell, and a current that tells at others pays for it.

    A fit takes about a second for 3000 windows, and a run fits its head after every epoch: a whole run
    takes some three times the baseline's.
    """

    def __init__(self, parameters: AttentionHeadParameters, *, generator: torch.Generator) -> None:
        self.parameters = parameters
        self.seed = int(torch.randint(2**62, (), generator=generator))
        self.centre = torch.zeros(())
        self.scale = torch.ones(())
        self.net: nn.Module = nn.Identity()

    def fit(
        self, vectors: Tensor, indices: Tensor, labels: Tensor, *, unlabelled: Tensor | None = None
    ) -> AttentionHead:
        """Fit on code vectors ``(N, T, D)`` and labels ``(N,)`` of 0 and 1.

        Neither indices nor ``unlabelled`` vectors are looked at.

        Raises:
            InvalidRequest: one class is missing.
        """
        share = balanced_weights(labels) / len(labels)
        x, y = vectors.detach().double(), labels.double()
        self.centre = x.mean((0, 1))
        self.scale = (x.mean(1) - self.centre).square().mean().sqrt().clamp(min=1e-12)
        x = (x - self.centre) / self.scale
        width = x.shape[-1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            pooling, out = AttentionPooling(width, self.parameters.hidden), nn.Linear(width, 1)
        self.net = nn.Sequential(pooling, out).to(x)
        weights = list(self.net.parameters())
        ridge = 0.5 * self.parameters.ridge
        optimizer = torch.optim.LBFGS(
            weights, max_iter=self.parameters.steps, history_size=20, line_search_fn="strong_wolfe"
        )

        def loss() -> Tensor:
            optimizer.zero_grad()
            fit = F.binary_cross_entropy_with_logits(self.net(x)[:, 0], y, weight=share, reduction="sum")
            total = fit + ridge * torch.stack([w.square().sum() for w in weights[:-1]]).sum()
            total.backward()  # type: ignore[no-untyped-call]
            return total

        with torch.enable_grad():
            optimizer.step(loss)  # type: ignore[no-untyped-call]
        return self

    @torch.no_grad()
    def score(self, vectors: Tensor, indices: Tensor) -> Tensor:
        """Return the probability ``(N,)`` that each window is abnormal."""
        logits: Tensor = self.net((vectors.double() - self.centre) / self.scale)[:, 0]
        return torch.sigmoid(logits)
