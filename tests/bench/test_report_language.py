"""The report in Chinese: every sentence has a translation, and it says the same."""

from __future__ import annotations

import re
import string
from pathlib import Path

import numpy as np
import pytest
from report_searches import searched_evidence
from templates import templates, unsayable
from test_report_evidence import BASE, CHANGE, evidence, run, synthetic

from bench.arms.arm import CONTROLS, REFERENCES
from bench.compare import holm, paired_difference, verdict
from bench.report.comparison import compare
from bench.report.evidence import Evidence
from bench.report.figures import drawings
from bench.report.lang import LANGUAGES, count, join, language, retell, say, speaking
from bench.report.lang.speech import catalogue
from bench.report.methods import methods
from bench.report.page import markdown_page
from bench.report.tables import tables
from bench.report.words import findings
from bench.report.write import terminal, write
from models.errors import InvalidRequest

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def fields(template: str) -> set[tuple[str, str]]:
    """Return name and format of every placeholder."""
    return {(name, form or "") for _, name, form, _ in string.Formatter().parse(template) if name is not None}


def test_every_template_is_translated_and_no_translation_is_dead() -> None:
    said, known = templates(), catalogue("zh")
    assert [f"{said[text]}: {text}" for text in said if text not in known] == []
    assert [text for text in known if text not in said] == []
    assert unsayable() == [], "an f-string is not a template"


@pytest.mark.parametrize("name", [each for each in LANGUAGES if each != "en"])
def test_translations_have_the_same_placeholders_and_are_sorted(name: str) -> None:
    known = catalogue(name)
    assert {text for text, told in known.items() if fields(text) != fields(told)} == set()
    assert list(known) == sorted(known), "one order, so that two people add at one place"


def test_translations_are_chinese_with_full_width_marks() -> None:
    for text, told in catalogue("zh").items():
        words = re.sub(r"\{[^}]*\}", "", told)
        if re.search(r"\b[a-z]{4,}", re.sub(r"\{[^}]*\}", "", text)):  # more than names
            assert CHINESE.search(words), (text, told)
        assert not re.search(r"[\u4e00-\u9fff][,;:!?]", words), told


def test_saying_falls_back_to_english_and_the_language_ends_with_its_block() -> None:
    with speaking("zh"):
        assert language() == "zh"
        assert say("never translated {n}", n=3) == "never translated 3"
        assert join(["a", "b", "c"]) == "a、b 和 c"
        with speaking("en"):
            assert join(["a", "b", "c"]) == "a, b and c"
        assert language() == "zh"
    assert language() == "en"
    assert join([]) == "" and join(["a"]) == "a"
    assert [count(n, "{n} run", "{n} runs") for n in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
    with pytest.raises(InvalidRequest, match="zh"), speaking("zhh"):
        pass


def _notes() -> list[str]:
    """Every note that a verdict can have."""
    rng = np.random.default_rng(0)

    def word(difference: list[float], family: int = 1, adjusted: float | None = None) -> str:
        pair = paired_difference(difference, np.zeros(len(difference)), rng)
        p = float(holm([pair.sign_flip.p])[0]) if adjusted is None else adjusted
        return verdict(pair, p, 0.01, family).note

    return [
        word([]),
        word([0.1]),
        word([0.0, 0.0, 0.0]),
        word([0.1] * 8),
        word([0.1, 0.2, 0.3]),
        word([0.1, 0.2, 0.3], family=5),
        word([0.9, -0.1, 0.1, 0.0], adjusted=0.01)
        or word([0.9, 0.01, 0.02, 0.01, 0.01, 0.01], adjusted=0.01),
    ]


def test_notes_of_statistics_and_arms_are_retold() -> None:
    notes = _notes()
    assert all(notes), notes
    with speaking("zh"):
        for note in (*notes, *CONTROLS.values(), *REFERENCES.values(), "as declared"):
            told = retell(note)
            assert CHINESE.search(told), note
            assert sorted(re.findall(r"\d+\.?\d*", told)) == sorted(re.findall(r"\d+\.?\d*", note))
            assert not re.search(r"[a-z]{5,}", told), told
        assert retell("quantizer.codes: 32") == "quantizer.codes: 32", "what people wrote stays"
        both = retell("pre-trained on current and video of different windows; the label leaks into its video")
        assert "；" in both and "video" in both
    assert [retell(note) for note in notes] == notes


def numbers(sentences: list[str]) -> list[str]:
    return sorted(re.findall(r"\d+(?:\.\d+)?", " ".join(sentences)))


@pytest.mark.parametrize("made", [synthetic, searched_evidence], ids=["study", "search"])
def test_both_languages_say_the_same_numbers_of_the_same_arms(made) -> None:
    comparison = compare(made())
    english = findings(comparison)
    with speaking("zh"):
        chinese = findings(comparison)
    assert len(english) == len(chinese)
    for one, other in zip(english, chinese, strict=True):
        assert CHINESE.search(other), other
        # A template for one thing may spell out its 1 in words.
        assert set(numbers([one])) - {"1"} == set(numbers([other])) - {"1"}, (one, other)
    names = [arm.info.name for arm in comparison.changes]
    for name in names:
        assert (name in " ".join(english)) == (name in " ".join(chinese))


def test_methods_cite_the_same_in_both_languages() -> None:
    comparison = compare(synthetic())
    with speaking("zh"):
        chinese = methods(comparison)
    years = r"[A-Z][\w&. ]+? \d{4}"
    assert {"Holm 1979", "Schuirmann 1987"} <= set(re.findall(years, methods(comparison)))
    assert sorted(re.findall(r"\b(?:19|20)\d\d\b", chinese)) == sorted(
        re.findall(r"\b(?:19|20)\d\d\b", methods(comparison))
    )


def small(**more) -> Evidence:
    rows = [run(arm, s, 0.7 + 0.01 * s * (arm == "b")) for arm in ("base", "b") for s in range(4)]
    return evidence(rows, (BASE, CHANGE), **more)


def test_the_chinese_edition_stands_beside_the_english_one_which_does_not_change(tmp_path: Path) -> None:
    alone, both = tmp_path / "alone", tmp_path / "both"
    write(small(), alone)
    write(small(), both, "zh")
    mine, more = (
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (alone, both)
    )
    assert {name: more.pop(name) for name in mine} == mine
    figures = {path.name for path in (alone / "figures").iterdir()}
    assert set(more) == {"report.zh.html", "report.zh.md", *(f"figures.zh/{name}" for name in figures)}
    page = (both / "report.zh.html").read_text(encoding="utf-8")
    assert '<html lang="zh-Hans">' in page and '<h2 id="findings">主要发现</h2>' in page
    assert "precursor report ablations/contrast.yaml --lang zh" in page
    assert "figures.zh/differences.svg" in (both / "report.zh.md").read_text(encoding="utf-8")
    assert "的差" in (both / "figures.zh" / "differences.svg").read_text(encoding="utf-8")
    write(small(), both)
    assert not list(both.rglob("*.zh.*")) and not list((both / "figures.zh").glob("*"))


@pytest.mark.parametrize("made", [synthetic, searched_evidence], ids=["study", "search"])
def test_a_chinese_page_has_no_english_sentence_left(made) -> None:
    comparison = compare(made())
    with speaking("zh"):
        text = markdown_page(comparison, tables(comparison), drawings(comparison))
    # Literature, questions, names and commands stay as they are written.
    kept = re.sub(r"(?s)## 参考文献.*?(?=## )|```.*?```|`[^`]*`|!\[[^\]]*\]", "", text)
    found = comparison.evidence
    for part in (found.question, found.data, *(a.name for a in found.arms), *(a.change for a in found.arms)):
        kept = kept.replace(part.replace("_", "\\_"), "").replace(part, "") if part else kept
    left = [line for line in kept.splitlines() if re.search(r"(?:[A-Za-z]{2,} ){3,}", line)]
    left = [line for line in left if "Labels used in pre-training" not in line and "loss is NaN" not in line]
    assert left == []


def test_the_terminal_speaks_chinese_within_its_width() -> None:
    import unicodedata

    with speaking("zh"):
        lines = terminal(synthetic()).splitlines()
    assert any("基线" in line for line in lines)
    for line in lines:
        wide = sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in line)
        assert wide <= 110, line
