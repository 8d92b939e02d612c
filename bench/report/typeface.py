"""The letters that a page carries: a computer without Chinese ones shows boxes otherwise."""

from __future__ import annotations

import base64
import io

from bench.report.fonts.subset import FAMILY, FILE
from bench.report.lang import language

_WIDE = 0x2E80  # from here on Unicode has the letters of East Asia


def face(page: str) -> str:
    """Return the style that carries the font of a page; empty where it holds no wide letter.

    In Chinese it has all letters, as the figures are laid out with it; in English only the wide ones, of
    names. Letters that the font lacks are left to the fonts of the reader's computer.
    """
    letters = set(page)
    wide = {c for c in letters if ord(c) >= _WIDE}
    if not wide:
        return ""
    whole = language() == "zh"
    font = base64.b64encode(_subset("".join(sorted(letters if whole else wide)))).decode()
    only = "" if whole else f"unicode-range: U+{_WIDE:X}-10FFFF; "
    return f'@font-face {{ font-family: "{FAMILY}"; {only}src: url(data:font/otf;base64,{font}); }}'


def first(svg: str) -> str:
    """Return an SVG that asks for the font of the page before any other.

    A browser that first draws a letter with a font that lacks it may keep the box once the right one has
    come, so the font that is loaded stands in front; in English it has no letter of the others anyway.
    """
    return svg.replace(f"'DejaVu Sans', '{FAMILY}'", f"'{FAMILY}', 'DejaVu Sans'")


def _subset(text: str) -> bytes:
    from fontTools import subset

    options = subset.Options(layout_features=[], hinting=False, recalc_timestamp=False)
    cutter, out = subset.Subsetter(options), io.BytesIO()
    cutter.populate(text=text)
    with subset.load_font(io.BytesIO(FILE.read_bytes()), options) as font:
        cutter.subset(font)
        font.save(out)
    return out.getvalue()
