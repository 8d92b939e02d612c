"""A matrix of shares as shaded cells: vectors, few paths, and legible on light and dark paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.report.style import BLUE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEVELS = 20  # shades, so that a panel has twenty paths and not six hundred
Floats = NDArray[np.float64]


def shade(axes: Axes, share: Floats) -> None:
    """Fill the cell of row r and column c, centred on (c, r), the fuller the larger its share (0 to 1).

    The first row is on top. A share below half a level leaves its cell empty, so that the paper shows,
    whatever its colour.
    """
    from matplotlib.patches import PathPatch, Rectangle
    from matplotlib.path import Path

    rows, columns = share.shape
    level = np.round(share * _LEVELS).astype(int)
    for each in range(1, _LEVELS + 1):
        cells = [Rectangle((c - 0.5, r - 0.5), 1, 1) for r, c in np.argwhere(level == each)]
        if cells:
            paths = [cell.get_transform().transform_path(cell.get_path()) for cell in cells]
            whole = Path.make_compound_path(*paths)
            axes.add_patch(PathPatch(whole, color=BLUE, alpha=_alpha(each / _LEVELS), lw=0))
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.grid(False)
    axes.spines["bottom"].set_visible(False)


def name_shades(axes: Axes, shown: dict[float, str]) -> None:
    """Put shares into the legend, each under its name."""
    for share, name in shown.items():
        axes.fill_between([], [], color=BLUE, alpha=_alpha(share), lw=0, label=name)


def _alpha(share: float) -> float:
    return float(share**0.7)  # a small share can be seen
