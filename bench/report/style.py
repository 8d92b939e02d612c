"""The look that all figures share: colours, titles, legends, and bytes that depend on nothing else."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.report.folding import fold, width
from bench.report.fonts import STAND_INS, families, more
from bench.report.fonts.subset import FAMILY
from bench.report.lang import count, language, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#24292f"  # axes, text and rules; the page maps it to the colour of its own text
BLUE, ORANGE, GREEN, VERMILLION, GREY = "#0173b2", "#de8f05", "#029e73", "#d55e00", "#808890"
_SERIES = (BLUE, ORANGE, GREEN, "#cc78bc", VERMILLION, "#56b4e9", "#ca9161", GREY)
_DASHES = ("-", "--", ":")
_DPI, _TALL = 160, 16.0  # dots an inch, and inches from which on half of them must do
_APART = 1.4  # Chinese letters fill their line, so that lines stand further apart
_CONTROLS = bytes({*range(0x20)} - {0x09, 0x0A, 0x0D})  # what XML cannot hold
MOST_SERIES = len(_SERIES) * len(_DASHES)


def series(place: int) -> tuple[str, str]:
    """Return colour and dash of one of several lines: told apart by either, at least for the first three."""
    return _SERIES[place % len(_SERIES)], _DASHES[place % len(_DASHES)]


def titles(figure: Figure, title: str, data: str, left_out: int = 0) -> None:
    """Put a title and the data's below it."""
    columns = int(figure.get_figwidth() * 11)
    if left_out:
        title = noted(title, count(left_out, "{n} arm not drawn", "{n} arms not drawn"))
    lines = [*fold(title, columns)[:2], *fold(say("Data: {data}", data=data), columns)]
    figure.suptitle("\n".join(lines), x=0.01, ha="left", size=11, color=INK)


def noted(title: str, note: str) -> str:
    """Return a title with a note behind it."""
    return say("{title} ({note})", title=title, note=note)


def legend(figure: Figure, *, fit: bool = False) -> None:
    """Put one legend, of what the first axes hold, below the figure; ``fit`` breaks it into lines."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if handles:
        longest = max(width(line) for label in labels for line in label.splitlines())
        room = max(1, int(figure.get_figwidth() * 11 / (longest + 5)))
        columns = min(len(handles), room) if fit else len(handles)
        figure.legend(handles, labels, loc="outside lower right", frameon=False, ncols=columns, fontsize=9)


def grid(
    panels: int, columns: int, across: float, height: float, *, share: bool = True
) -> tuple[Figure, list[Axes]]:
    """Return a figure ``across`` inches wide, its panels ``height`` inches high, and the panels."""
    from matplotlib.figure import Figure

    rows = -(-panels // columns)
    figure = Figure(figsize=(across, 1.2 + height * rows), layout="constrained")
    found = list(figure.subplots(rows, columns, sharey=share, squeeze=False).flat)
    for spare in found[panels:]:
        spare.remove()
    return figure, found[:panels]


def spaced(figure: Figure, share: float = 0.06) -> None:
    """Leave more room between the panels of a row, as a share of the width of a panel."""
    engine: Any = figure.get_layout_engine()
    engine.set(wspace=share)


def logarithmic(axes: Axes) -> None:
    """Make the horizontal axis logarithmic, with plain numbers on it."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def name_rows(axes: Axes, names: list[str]) -> None:
    """Name the rows of a figure that has one a line, the first on top."""
    axes.set_yticks(range(len(names)), [wrapped(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)


def wrapped(name: str, columns: int = 28, most: int = 2) -> str:
    """Return a name on at most two lines, or as many as are given."""
    lines = fold(name, columns) or [name]
    return "\n".join(lines[:most]) + (" …" if len(lines) > most else "")


@contextmanager
def style() -> Iterator[None]:
    """Draw in the report's style, whatever the reader's own settings are."""
    import matplotlib
    import matplotlib.figure  # which takes a while: before a second process begins to draw
    import seaborn

    ink = dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
    )
    own: Any = {
        **ink,
        "font.family": families(language()),
        "font.size": 9.5,
        "grid.color": INK,
        "grid.alpha": 0.14,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.facecolor": "none",
        "text.parse_math": False,
        "svg.fonttype": "none",
        "text.hinting": "none",  # letters as wide at every resolution, so that one layout fits both images
        "figure.dpi": _DPI,
        "path.simplify": False,
    }
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a reader's own matplotlibrc must not change the bytes
        matplotlib.rcParams.update(seaborn.axes_style("whitegrid"))
        matplotlib.rcParams.update(own)
        yield


def image(figure: Figure, kind: str, name: str) -> bytes:
    """Return a figure as ``svg`` or ``png``; ``name`` seeds the ids inside."""
    import matplotlib

    out = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": name}), warnings.catch_warnings():
        # A character that no font here has is a box in the PNG; in the SVG, text stays text.
        warnings.filterwarnings("ignore", message="Glyph")
        _lay_out(figure)
        if kind == "svg":
            figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
            return _with_stand_ins(out.getvalue())
        dpi = _DPI if figure.get_figheight() < _TALL else _DPI / 2
        figure.savefig(out, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    return out.getvalue()


def _lay_out(figure: Figure) -> None:
    """Place everything once, for both kinds of image."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.text import Text

    engine = figure.get_layout_engine()
    if not isinstance(engine, ConstrainedLayoutEngine):
        return
    engine.execute(figure)  # which gives ticks their labels
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    begun = families(language())
    further = more((text.get_text() for text in texts), begun)
    if further or FAMILY in begun:
        for text in texts:
            text.set_fontfamily([*text.get_fontfamily(), *further])
            text.set_linespacing(_APART)
        engine.execute(figure)
    figure.set_layout_engine(None)


def _with_stand_ins(svg: bytes) -> bytes:
    """Name families that other computers have behind those the text was laid out with."""
    own = ", ".join(f"'{family}'" for family in families(language()))
    # Plain Latin text, as most figures hold alone, needs no list of Chinese fonts at every label.
    wide = re.search("[\u2e80-\U0010ffff]", svg.decode()) is not None
    names = STAND_INS if wide else STAND_INS[-1:]
    quoted = ", ".join(name if name == "sans-serif" else f"'{name}'" for name in names)
    pattern = rf"(font-family: {own}(?:, '[^']*')*)".encode()
    return re.sub(pattern, rb"\1, " + quoted.encode(), svg.translate(None, _CONTROLS))
