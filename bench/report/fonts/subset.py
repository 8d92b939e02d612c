"""Makes the font of the figures from Noto Sans CJK: the characters of simplified Chinese in daily use.

Run by hand, once, where Debian's ``fonts-noto-cjk`` lies:

    python -m bench.report.fonts.subset /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc

The subset has a family name of its own: were it called Noto Sans CJK SC, a computer that has the whole
font would draw with that one, and the bytes of a figure would depend on it.
"""

from __future__ import annotations

import sys
from pathlib import Path

FAMILY = "Precursor Sans CJK SC"
FILE = Path(__file__).with_name("PrecursorSansCJKsc-Regular.otf")
SOURCE = "Noto Sans CJK SC"


def characters() -> str:
    """Return GB 2312 level 1 (3755 characters), its punctuation, and ASCII."""
    # Rows 16 to 55 of GB 2312 are level 1, rows 1 to 3 signs and letters; 94 cells a row.
    cells = ((row, cell) for row in (1, 2, 3, *range(16, 88)) for cell in range(1, 95))
    found = (bytes((row + 0xA0, cell + 0xA0)).decode("gb2312", errors="ignore") for row, cell in cells)
    return "".join(map(chr, range(0x20, 0x7F))) + "".join(found)


def make(source: str | Path, target: str | Path = FILE) -> None:
    """Write the subset of a font collection that holds Noto Sans CJK SC; the same font, the same bytes."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTCollection

    font = next(f for f in TTCollection(str(source)).fonts if f["name"].getDebugName(1) == SOURCE)
    options = Options(
        hinting=False, layout_features=[], name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], recalc_timestamp=False
    )
    subsetter = Subsetter(options)
    subsetter.populate(text=characters())
    subsetter.subset(font)
    for number, name in ((1, FAMILY), (3, FAMILY), (4, FAMILY), (6, FILE.stem)):
        for record in [each for each in font["name"].names if each.nameID == number]:
            record.string = name
    cff = font["CFF "].cff
    cff.fontNames = [FILE.stem]
    cff.topDictIndex[0].FamilyName = cff.topDictIndex[0].FullName = FAMILY
    font.save(str(target))


if __name__ == "__main__":
    make(sys.argv[1])
