"""Letters: every one a report says has a shape, and lines break where they may."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.folding import fold, width
from bench.report.fonts import LATIN, families, more
from bench.report.fonts.subset import FAMILY, FILE, characters
from bench.report.style import image, style, titles, wrapped

SOME = st.text(st.sampled_from("ab =._炉次，。（）Δ±→ 中文"), max_size=60)


@given(SOME, st.integers(4, 30))
def test_lines_are_short_and_lose_nothing(text: str, columns: int) -> None:
    lines = fold(text, columns)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(line == line.rstrip() and line for line in lines)
    # A closing sign may stand one letter beyond the end, since none begins a line.
    assert all(width(line.rstrip("，。）")) <= columns for line in lines)


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("", 10, []),
        ("按方案的得分，逐单元", 12, ["按方案的得", "分，逐单元"]),
        ("abcdefgh", 4, ["abcd", "efgh"]),
        ("lead 240 秒", 8, ["lead 240", "秒"]),
    ],
)
def test_lines_by_hand(text: str, columns: int, lines: list[str]) -> None:
    assert fold(text, columns) == lines


def test_a_name_takes_two_lines_at_most() -> None:
    assert wrapped("one two three", 3) == "one\ntwo …"
    assert wrapped("一二三四", 4) == "一二\n三四"
    assert wrapped("", 4) == ""


def test_every_letter_of_the_catalogue_has_a_shape() -> None:
    said = files("bench.report.lang").joinpath("zh.yaml").read_text(encoding="utf-8")
    assert more([said], families("zh")) == []
    assert len(set(characters()) & set("熵阈值炉码")) == 5
    assert more(["Δ ± → R²"], families("en")) == [] and more(["熵"], families("en")) == [FAMILY]
    assert families("en") == [LATIN] and families("zh") == [FAMILY, LATIN]


def test_the_font_keeps_its_licence() -> None:
    from matplotlib.font_manager import get_font

    licence = FILE.with_name("OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence and "Copyright 2014-2021 Adobe" in licence
    assert get_font(str(FILE)).family_name == FAMILY, "a name that no font of a computer has"


@pytest.mark.parametrize("name", ["한글 이름", "עברית", "ชื่อ", "😀 漢字", "\u0000\u200b x", "عربى"])
def test_a_letter_that_no_font_has_is_no_error(name: str) -> None:
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(4, 2), layout="constrained")
        figure.subplots().set_xlabel(name)
        titles(figure, name, name)
        assert image(figure, "png", "x").startswith(b"\x89PNG")
        assert b"<svg" in image(figure, "svg", "x")
