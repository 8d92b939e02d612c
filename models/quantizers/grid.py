"""Implicit codebooks: a fixed grid in a few dimensions between two trained projections."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from models.quantizers.quantised import Quantised


class GridQuantizer(nn.Module):
    """Codes are the points of a grid; what is trained is how vectors are laid over it.

    A vector is projected to d = len(levels) coordinates, each is rounded to one of L_i equally
    spaced values of [-1, 1], and the point is projected back. Code k has the digits of k in the mixed
    radix of the levels, the first digit being the least. There is no moving average and no code
    to revive, for a code that nobody uses stays where it is; both modalities share grid and projections.

    Coordinates are divided by sqrt(d), so that the grid lies in the unit ball and a distance means
    what it means on the unit sphere: none between codes exceeds 2. Vectors are taken to be of length
    1 and multiplied by sqrt(D) first. The projections start orthogonal, one the transpose of the
    other, so that the coordinates begin with a spread of 1: with the small weights usual for a layer
    every vector would begin at the centre of the grid.

    Attributes:
        straight_through: False. The gradient skips the rounding exactly, but on its way to the
            semantic vector it passes both projections and the bound.
    """

    straight_through = False
    levels: Tensor
    basis: Tensor
    digits: Tensor

    def __init__(self, levels: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.scale = math.sqrt(width)
        self.radius = 1.0 / math.sqrt(len(levels))
        self.down = nn.Linear(width, len(levels))
        self.up = nn.Linear(len(levels), width)
        nn.init.orthogonal_(self.down.weight)
        with torch.no_grad():
            self.up.weight.copy_(self.down.weight.T)
            self.down.bias.zero_()
            self.up.bias.zero_()
        sizes = torch.tensor(levels)
        basis = torch.cumprod(sizes, 0) // sizes
        # Integers, so that a change of the floating-point type leaves the grid exact.
        self.register_buffer("levels", sizes, persistent=False)
        self.register_buffer("basis", basis, persistent=False)
        codes = torch.arange(math.prod(levels))
        self.register_buffer("digits", codes[:, None] // basis % sizes, persistent=False)

    def bound(self, projected: Tensor) -> Tensor:
        """Map projections ``(..., d)`` to coordinates of the grid over [-1, 1]."""
        raise NotImplementedError

    def commitment(self, coordinates: tuple[Tensor, Tensor], squared: tuple[Tensor, Tensor]) -> Tensor:
        """Return the weighted loss that keeps coordinates ``(B, T, d)`` near their codes: 0.

        Args:
            coordinates: of current and video.
            squared: ``(B, T, K)`` their squared distances to all codes.
        """
        return coordinates[0].new_zeros(())

    def forward(self, current: Tensor, video: Tensor) -> Quantised:
        """Quantise ``(B, T_c, D)`` and ``(B, T_v, D)``."""
        x_c, x_v = self.coordinates(current), self.coordinates(video)
        (p_c, k_c), (p_v, k_v) = self._round(x_c), self._round(x_v)
        # A difference of 0 that carries the gradient: the value stays exactly that of the code.
        q_c, q_v = (self.up(p + (x - x.detach())) for p, x in ((p_c, x_c), (p_v, x_v)))
        d_c, d_v = self._squared_distances(x_c), self._squared_distances(x_v)
        return Quantised(q_c, q_v, k_c, k_v, d_c, d_v, self.commitment((x_c, x_v), (d_c, d_v)))

    def lookup(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Return code vectors ``(..., D)`` and indices ``(...)`` of vectors."""
        points, codes = self._round(self.coordinates(vectors))
        return self.up(points), codes

    @property
    def codebook(self) -> Tensor:
        """All codes ``(K, D)`` as they leave the quantiser; a constant."""
        codes: Tensor = self.up(self._points(self.digits, self.up.weight))
        return codes.detach()

    def coordinates(self, vectors: Tensor) -> Tensor:
        """Return where vectors ``(..., D)`` lie over the grid, ``(..., d)``."""
        projected: Tensor = self.down(self.scale * vectors)
        return self.radius * self.bound(projected)

    def _round(self, coordinates: Tensor) -> tuple[Tensor, Tensor]:
        """Return the nearest points ``(..., d)`` of the grid and their indices ``(...)``."""
        highest = (self.levels - 1).to(coordinates.dtype)
        steps = (0.5 * highest) * (coordinates.detach() / self.radius + 1.0)
        # Where a coordinate is not finite the index is a valid one: the loss is what has to tell.
        digits = torch.minimum(steps.nan_to_num().round().clamp(min=0.0), highest)
        return self._points(digits, coordinates), (digits.long() * self.basis).sum(-1)

    def _points(self, digits: Tensor, like: Tensor) -> Tensor:
        highest = (self.levels - 1).to(like.dtype)
        return self.radius * (2.0 * digits.to(like.dtype) / highest - 1.0)

    def _squared_distances(self, coordinates: Tensor) -> Tensor:
        """Return ``(B, T, K)``, with gradient; one matrix product, so it can be slightly negative."""
        points = self._points(self.digits, coordinates)
        rows = coordinates.flatten(0, 1)
        products = torch.addmm(points.square().sum(1), rows, points.T, alpha=-2.0)
        squared = products + rows.square().sum(1, keepdim=True)
        return squared.view(*coordinates.shape[:-1], len(points))
