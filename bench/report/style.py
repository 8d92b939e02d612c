"""The look that all figures share: colours, titles, legends, and bytes that depend on nothing else."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#24292f"  # axes, text and rules; the page maps it to the colour of its own text
BLUE, ORANGE, GREEN, VERMILLION, GREY = "#0173b2", "#de8f05", "#029e73", "#d55e00", "#808890"
_SERIES = (BLUE, ORANGE, GREEN, "#cc78bc", VERMILLION, "#56b4e9", "#ca9161", GREY)
_DASHES = ("-", "--", ":")
MOST_SERIES = len(_SERIES) * len(_DASHES)


def series(place: int) -> tuple[str, str]:
    """Return colour and dash of one of several lines: told apart by either, at least for the first three."""
    return _SERIES[place % len(_SERIES)], _DASHES[place % len(_DASHES)]


def titles(figure: Figure, title: str, data: str, left_out: int = 0) -> None:
    """Put a title and the data's below it."""
    columns = int(figure.get_figwidth() * 11)
    if left_out:
        title += f" ({left_out} arm{'s' * (left_out != 1)} not drawn)"
    lines = [*textwrap.wrap(title, columns)[:2], *textwrap.wrap(f"Data: {data}", columns)]
    figure.suptitle("\n".join(lines), x=0.01, ha="left", size=11, color=INK)


def legend(figure: Figure, *, fit: bool = False) -> None:
    """Put one legend, of what the first axes hold, below the figure; ``fit`` breaks it into lines."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if handles:
        longest = max(len(line) for label in labels for line in label.splitlines())
        room = max(1, int(figure.get_figwidth() * 11 / (longest + 5)))
        columns = min(len(handles), room) if fit else len(handles)
        figure.legend(handles, labels, loc="outside lower right", frameon=False, ncols=columns, fontsize=9)


def grid(count: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure with ``count`` panels, each ``height`` inches high, on shared vertical axes."""
    from matplotlib.figure import Figure

    rows = -(-count // columns)
    figure = Figure(figsize=(width, 1.2 + height * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, sharey=True, squeeze=False).flat)
    for spare in panels[count:]:
        spare.remove()
    return figure, panels[:count]


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


def wrapped(name: str, width: int = 28) -> str:
    """Return a name on at most two lines."""
    lines = textwrap.wrap(name, width) or [name]
    return "\n".join(lines[:2]) + (" …" if len(lines) > 2 else "")


@contextmanager
def style() -> Iterator[None]:
    """Draw in the report's style, whatever the reader's own settings are."""
    import matplotlib
    import seaborn

    ink = dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
    )
    own: Any = {
        **ink,
        "font.family": "sans-serif",
        "font.size": 9.5,
        "grid.color": INK,
        "grid.alpha": 0.14,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.facecolor": "none",
        "text.parse_math": False,
        "svg.fonttype": "none",
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
        # A name in a script the bundled font lacks is drawn as boxes in PNG and right in SVG.
        warnings.filterwarnings("ignore", message="Glyph")
        if kind == "svg":
            figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        else:
            figure.savefig(out, format="png", dpi=160, facecolor="white", metadata={"Software": None})
    return out.getvalue()
