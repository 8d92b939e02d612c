"""Breaking text into lines where letters of two widths meet: Latin ones and those of Chinese."""

from __future__ import annotations

import re
import unicodedata

_WIDE = "WF"
_JOINTS = "=._-/:,"
# What cannot begin a line stays with the character before it.
_PIECES = re.compile(r"\s+|[^\s\u2e80-\uffef]+|[\u2e80-\uffef][，。、；：！？）》」』】”’…％]*")


def width(text: str) -> int:
    """Return how many columns a text takes: two for a wide character, none for a combining one.

    >>> width("BA 准确率")
    9
    """
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in _WIDE) for c in text
    )


def fold(text: str, columns: int) -> list[str]:
    """Return a text in lines of at most ``columns`` columns, broken at spaces or between wide characters.

    A word longer than a line is cut, behind a sign that joins if it has one.

    >>> fold("按方案的得分，逐单元", 12)
    ['按方案的得', '分，逐单元']
    >>> fold("one two three", 7)
    ['one two', 'three']
    >>> fold("quantizer.codes=100", 17)
    ['quantizer.codes=', '100']
    """
    lines, line = [], ""
    for piece in _PIECES.findall(text):
        while width(line + piece) > columns and not piece.isspace():
            if line.strip():
                lines.append(line.rstrip())
                line = ""
            else:
                head = _head(piece, columns)
                lines.append(piece[:head])
                piece = piece[head:]
        line = (line + piece).lstrip() if not line else line + (" " if piece.isspace() else piece)
    return [*lines, line.rstrip()] if line.strip() else lines


def _head(piece: str, columns: int) -> int:
    """Return how many characters of a long word a line takes, at least one."""
    taken = 1
    while taken < len(piece) and width(piece[: taken + 1]) <= columns:
        taken += 1
    joint = max(piece.rfind(sign, 0, taken) for sign in _JOINTS) + 1
    return joint if joint > taken // 2 else taken
