"""The letters of the figures: DejaVu Sans, a subset of Noto Sans CJK SC, and what else a computer has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from bench.report.fonts.subset import FAMILY, FILE

LATIN = "DejaVu Sans"
#: What a browser may use where it lacks the fonts that a figure was laid out with.
STAND_INS = ("Noto Sans SC", "PingFang SC", "Microsoft YaHei", "sans-serif")


@cache
def register() -> None:
    """Make the font beside this file known to matplotlib."""
    from matplotlib.font_manager import fontManager

    fontManager.addfont(str(FILE))


def families(language: str) -> list[str]:
    """Return the families a figure is begun with: each character is drawn by the first that has it."""
    register()
    return [FAMILY, LATIN] if language == "zh" else [LATIN]


def more(text: Iterable[str], begun: Sequence[str]) -> list[str]:
    """Return further families for the characters that those of :func:`families` lack.

    Where neither font has one, a font of this computer draws it, and only such a figure depends on the
    computer; a character that none has stays a box.
    """
    register()
    lacking = {c for c in set("".join(text)) if c.isprintable()}.difference(*map(_letters, begun))
    found = [FAMILY] if FAMILY not in begun and lacking & _letters(FAMILY) else []
    return found + list(_borrowed(frozenset(lacking - _letters(FAMILY))))


@cache
def _letters(family: str) -> frozenset[str]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(map(chr, get_font(findfont(family)).get_charmap()))


@cache
def _borrowed(lacking: frozenset[str]) -> tuple[str, ...]:
    from matplotlib.font_manager import fontManager, get_font

    wanted, found = set(map(ord, lacking)), []
    fonts = fontManager.ttflist if wanted else []
    for entry in sorted(fonts, key=lambda each: (each.name, each.fname)):
        if wanted and (entry.style, entry.weight) == ("normal", 400):
            try:
                has = wanted & get_font(entry.fname).get_charmap().keys()
            except (OSError, RuntimeError):  # a font file that is gone or broken
                continue
            if has:
                found.append(entry.name)
                wanted -= has
    return tuple(found)
