"""Canonical correlations as a loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.beside import Beside
from models.contrast.vicreg import covariance, rescaled, undefined
from models.registry import component, param


@dataclass(frozen=True)
class CCAParameters:
    """Parameters of :class:`CCA`."""

    ridge: float = param(
        1e-3,
        low=1e-8,
        high=10.0,
        log=True,
        search=(1e-4, 0.3),
        help="added to the variances, which are 1 on average (r)",
    )


@component("contrast", "cca", parameters=CCAParameters, origin="Deep CCA, ICML 2013")
class CCA(nn.Module):
    """D minus the sum of the canonical correlations of the two modalities over the batch.

    Deep CCA (Andrew et al., ICML 2013, section 3): the singular values of
    ``S_xx^(-1/2) S_xy S_yy^(-1/2)``, with the ridge r added to S_xx and S_yy, are the correlations; their
    sum is to be as large as it can. Published: minus the sum; here D minus it, which is at least 0.
    The whitening is by Cholesky factors, whose singular values are the same, because the gradient of
    an inverse root by eigenvectors is not finite where eigenvalues coincide. In double precision.

    With linear encoders and nothing normalised (``unit_norm: false``, and ``normalise: false`` of the
    pooled alignment) it is linear CCA. It is blind to any linear map of either modality, so that alone it
    does not put them into one space: read it with ``calibration: canonical``.

    When not to use it: batches not well above D windows. With B - 1 <= D any two modalities correlate
    perfectly but for the ridge; a batch of one has no loss. Singular values make a GPU wait for the host.
    """

    def __init__(self, parameters: CCAParameters) -> None:
        super().__init__()
        self.ridge = parameters.ridge

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss of ``(M, B, D)`` vectors; the keywords are not looked at."""
        if predicted.shape[1] == 1:
            return undefined(predicted, target)
        correlations = self.correlations(predicted, target)
        loss: Tensor = (predicted.shape[-1] - correlations.sum(-1)).mean()
        return loss.to(predicted.dtype)

    def correlations(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the canonical correlations ``(M, D)`` of ``(M, B, D)`` vectors, largest first."""
        x, y = rescaled(x.double()), rescaled(y.double())
        left = torch.linalg.solve_triangular(self._factor(x), covariance(x, y), upper=False)
        whitened: Tensor = torch.linalg.solve_triangular(self._factor(y), left.mT, upper=False)
        # LAPACK raises where numbers are not finite; a loss that diverges has to be seen as one.
        finite = whitened.nan_to_num(0.0, 0.0, 0.0)
        values: Tensor = torch.linalg.svdvals(finite)
        return values + 0.0 * whitened.sum(-1)

    def _factor(self, x: Tensor) -> Tensor:
        ridge = self.ridge * torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
        factor: Tensor = torch.linalg.cholesky_ex(covariance(x, x) + ridge).L
        return factor
