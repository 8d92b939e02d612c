"""A figure before and after it is an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from bench.report.style import image

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """A finished figure.

    Attributes:
        name: file stem.
        caption: what it shows, in words.
        svg: the figure as SVG.
        png: the figure as PNG.
        section: key of the table it stands by.
        data: what is drawn, as CSV; its words are English whatever the language of the figure.
    """

    name: str
    caption: str
    svg: bytes
    png: bytes
    section: str = "results"
    data: bytes = b""


@dataclass(frozen=True, eq=False)
class Sketch:
    """A figure that is not an image yet; attributes as of :class:`Drawing`."""

    name: str
    caption: str
    figure: Figure
    data: pd.DataFrame
    section: str = "results"

    def drawing(self, note: str = "") -> Drawing:
        """Return the finished figure; ``note`` ends its caption."""
        csv = self.data.to_csv(index=False, lineterminator="\n", float_format="%.10g").encode()
        images = image(self.figure, "svg", self.name), image(self.figure, "png", self.name)
        return Drawing(self.name, self.caption + note, *images, self.section, csv)
