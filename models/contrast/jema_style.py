"""A contrast by process metadata, in the style of JEMA."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.beside import Beside
from models.contrast.supcon import over_others, soft_cross_entropy
from models.errors import InvalidRequest
from models.registry import component, param
from models.vectors import TINY


@dataclass(frozen=True)
class JEMAStyleParameters:
    """Parameters of :class:`JEMAStyle`."""

    temperature: float = param(
        0.1, low=0.02, high=2.0, log=True, search=(0.03, 1.0), help="divides the cosines"
    )
    bandwidth: float | None = param(
        None, low=0.01, high=100.0, log=True, help="of the kernel (unset: median distance in the batch)"
    )
    metadata_weight: float = param(
        1.0, low=0.0, high=100.0, log=True, search=(0.1, 10.0), help="weight of predicting the metadata"
    )


@component(
    "contrast",
    "jema_style",
    parameters=JEMAStyleParameters,
    origin="reconstruction after arXiv 2410.23988; kernel of arXiv 2106.08808",
    needs=("metadata",),
)
class JEMAStyle(nn.Module):
    """Draw windows together as far as their process metadata are near, and predict the metadata.

    A reconstruction in the style of JEMA (arXiv 2410.23988), whose aims are known from its abstract
    and whose equations are not followed: a supervised contrast on metadata over all views, and
    metadata that can be read off the embedding. With metadata g, the 2B stacked unit vectors z of both
    modalities and k_ij = exp(-|g_i - g_j|^2 / (2 sigma^2)) (arXiv 2106.08808):

    L = -mean_i sum_{j != i} (k_ij / sum_{l != i} k_il) log softmax_{j != i}(z_i z_j / T)
        + weight * mean |W z_i + b - g_i|^2

    sigma is the median distance of two windows of the batch unless ``bandwidth`` is given; the
    partner of the other modality has the same metadata, hence the full weight.

    When not to use it: metadata of a few set-points make the kernel nearly an indicator, and the
    contrast is :class:`SupCon` on set-points (exactly so where the median distance is 0); metadata
    that are constant within a recording teach which recording a window is from.

    Notes ``metadata_r2``, the share of the variance of the metadata in the batch that the linear
    layer explains, both modalities together; 0 where the metadata do not vary.
    """

    def __init__(self, parameters: JEMAStyleParameters, *, width: int, metadata_width: int) -> None:
        super().__init__()
        self.settings = parameters
        self.predict = nn.Linear(width, metadata_width)
        self.logs: dict[str, Tensor] = {}

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss.

        Args:
            predicted: ``(M, B, D)``.
            target: ``(M, B, D)``.
            beside: its metadata are used.
            toward_video: not looked at; both modalities are anchors.
        """
        if beside.metadata is None:
            raise InvalidRequest(
                "contrast.jema_style needs process metadata of each window, got none; "
                "give metadata or choose another contrast"
            )
        stacked = torch.cat([predicted, target], dim=1)
        weights = over_others(self.kernel(beside.metadata))
        contrast = soft_cross_entropy(stacked, weights, self.settings.temperature)
        return contrast + self.settings.metadata_weight * self._regression(stacked, beside.metadata)

    def kernel(self, metadata: Tensor) -> Tensor:
        """Return the similarities ``(B, B)`` of windows by their metadata ``(B, G)``."""
        # Not by products of matrices: their rounding keeps equal windows apart.
        distance = torch.cdist(metadata, metadata, compute_mode="donot_use_mm_for_euclid_dist")
        sigma = self.settings.bandwidth or self._median(distance)
        return (distance / sigma).square().mul(-0.5).exp()

    def _median(self, distance: Tensor) -> Tensor:
        count = len(distance)
        if count == 1:
            return distance.new_ones(())
        row, column = torch.triu_indices(count, count, offset=1, device=distance.device)
        return distance[row, column].median().clamp(min=TINY)

    def _regression(self, stacked: Tensor, metadata: Tensor) -> Tensor:
        truth = metadata.repeat(2, 1)
        error = F.mse_loss(self.predict(stacked), truth.expand(len(stacked), -1, -1))
        spread = (metadata - metadata.mean(0)).square().mean()
        explained = 1.0 - error.detach() / spread.clamp(min=TINY)
        self.logs = {"metadata_r2": torch.where(spread > 0.0, explained, 0.0)}
        return error
