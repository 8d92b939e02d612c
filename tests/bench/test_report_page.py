"""The page: one file that asks for nothing, in which every anchor leads somewhere and every run is named."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from report_searches import searched_evidence
from test_report_evidence import BASE, METRIC, evidence, run, synthetic

from bench.report.citations import cited
from bench.report.comparison import compare
from bench.report.evidence import ArmInfo, Evidence
from bench.report.figures import drawings
from bench.report.hover import Hover
from bench.report.lang import speaking
from bench.report.methods import methods
from bench.report.page import html_page
from bench.report.render import html_table
from bench.report.seeds import undecided
from bench.report.table import Cell, Column, Table
from bench.report.tables import tables
from bench.report.write import write


class Parts(HTMLParser):
    """Tags with their attributes, and whether every one that is opened is closed."""

    VOID = {"meta", "link", "br", "img", "input", "path", "use", "image", "rect"}

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def parsed(page: str) -> Parts:
    parts = Parts()
    parts.feed(page)
    assert parts.open == []
    return parts


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    write(synthetic(), folder)
    return (folder / "report.html").read_text(encoding="utf-8")


def test_nothing_is_asked_for_and_only_the_pages_own_script_may_run(page: str) -> None:
    parts = parsed(page)
    for _, attributes in parts.tags:
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            assert str(attributes.get(name) or "#").startswith(("#", "data:")), attributes
        assert not [name for name in attributes if name.startswith("on")], "no inline handler"
    assert "@import" not in page and not re.findall(r"url\((?!#)([^)]*)\)", page)
    (policy,) = [a["content"] for t, a in parts.tags if t == "meta" and "http-equiv" in a]
    assert str(policy).startswith("default-src 'none'")
    (script,) = re.findall(r"<script>(.*?)</script>", page, flags=re.S)
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{allowed}'" in str(policy)


def test_every_anchor_leads_somewhere_and_ids_are_unique(page: str) -> None:
    parts = parsed(page)
    ids = [str(attributes["id"]) for _, attributes in parts.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [str(a["href"]) for tag, a in parts.tags if tag == "a"]
    assert {link.removeprefix("#") for link in links} <= set(ids)
    titled = [str(a["id"]) for tag, a in parts.tags if tag == "h2"]
    assert [link.removeprefix("#") for link in links] == titled, "every section is in the contents, in order"
    used = set(re.findall(r"url\(#([^)]+)\)", page)) | set(re.findall(r'href="#([^"]+)"', page))
    assert used <= set(ids)


def test_the_page_says_what_it_must(page: str) -> None:
    for said in (
        "Which contrastive loss lets the current borrow most from the video?",
        "The data are simulated",
        "cwcl is better than the baseline",
        "disentanglement &amp; 50 % less_data",
        "loss is NaN at epoch 3",
        "Holm S (1979)",
        "<code>precursor report ablations/contrast.yaml</code>",
        "0123abc",
        "prefers-color-scheme: dark",
        "@media print",
    ):
        assert said in page, said
    visible = re.sub(r"<script.*?</script>|<style>.*?</style>|<[^>]+>", " ", page, flags=re.S)
    assert not re.search(r"\bnan\b", visible)


def test_the_first_figures_are_open_and_the_others_folded(page: str) -> None:
    assert page.count("<svg") == page.count('<figure class="drawing">') + page.count(
        '<details class="drawing">'
    )
    first = page[page.index('id="section-figures"') :].split("<h2 ")[0]
    assert first.count('<figure class="drawing">') == 4
    assert first.rindex('<figure class="drawing">') < first.index('<details class="drawing">')


NASTY = '</script><img src=x onerror=alert(1)> & "quotes" {{ 7*7 }} `tick` $x$ \u202e中文'


def test_names_are_text_whatever_is_in_them(tmp_path: Path) -> None:
    arms = (BASE, ArmInfo(NASTY, "change", NASTY, note=NASTY))
    rows = [run(arm.name, s, 0.7 + 0.01 * s) for arm in arms for s in range(3)]
    rows[-1] |= {"outcome": "error", "message": NASTY, METRIC: np.nan}
    write(evidence(rows, arms, question=NASTY, provenance={NASTY: (NASTY,)}), tmp_path, "zh")
    for name in ("report.html", "report.zh.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        tags = parsed(text).tags
        assert not [attributes for tag, attributes in tags if tag == "img"]
        assert len([tag for tag, _ in tags if tag == "script"]) == 2
        assert "{{ 7*7 }}" in text


def many(arms: int, seeds: int) -> Evidence:
    generator = np.random.default_rng(0)
    infos = (BASE, *(ArmInfo(f"arm {i}", "grid", f"codes: {i}") for i in range(arms - 1)))
    rows = [
        run(arm.name, s, 0.7 + generator.normal(0, 0.02), key=f"{i:08x}{s:08x}")
        for i, arm in enumerate(infos)
        for s in range(seeds)
    ]
    return evidence(rows, infos)


def test_a_cell_names_its_runs_however_many_there_are() -> None:
    columns = (Column("arm", "Arm"), Column("mean", "Mean", "score"))
    keys = [f"{i:016x}" for i in range(70_000)]
    chosen = [tuple(keys[i] for i in (*range(5, 9), 3, 60, 61)), (), tuple(keys)]
    rows = tuple((Cell(f"arm {i}"), Cell(0.5, runs)) for i, runs in enumerate(chosen))
    table = Table("results", "many", columns, rows)
    hover = Hover.of([table])
    assert len(hover.names) == 70_000
    told = re.findall(r'<td class="score"([^>]*)>', html_table(table, hover.attribute))
    assert told[1] == ""
    for attribute, runs in ((told[0], chosen[0]), (told[2], chosen[2])):
        ranges = re.fullmatch(r' data-runs="([\d -]+)"', attribute)
        assert ranges is not None
        ends = [tuple(map(int, part.split("-"))) for part in ranges[1].split(" ")]
        assert runs == tuple(name for end in ends for name in hover.names[end[0] : end[-1] + 1])
    few = Table("results", "few", columns, rows[:2])
    assert Hover.of([few]) == Hover()
    assert f'title="runs: {" ".join(chosen[0])}"' in html_table(few, Hover.of([few]).attribute)


@pytest.mark.slow
def test_a_study_of_a_thousand_arms_is_a_page_of_less_than_5_mb() -> None:
    comparison = compare(many(1000, 12))
    page = html_page(comparison, tables(comparison), [])
    assert len(page.encode()) < 5_000_000
    told = json.loads(re.findall(r'<script type="application/json" id="told">(.*?)</script>', page)[0])
    assert _keys(told["runs"]) >= set(comparison.evidence.runs["key"])


def _keys(told: str | list[str]) -> set[str]:
    if isinstance(told, list):
        return set(told)
    packed = base64.b64decode(told)
    return {packed[i : i + 8].hex() for i in range(0, len(packed), 8)}


def test_keys_are_packed_where_they_are_sixteen_digits() -> None:
    keys = ("00ff10a2b3c4d5e6", "f" * 16, "0" * 16)
    packed = Hover(keys).told
    assert packed == "AP8QorPE1eb//////////wAAAAAAAAAA"
    assert _keys(packed) == set(keys)
    assert Hover((*keys, "run-3")).told == [*keys, "run-3"]
    assert Hover(("ABCDEF0123456789",)).told == ["ABCDEF0123456789"], "upper case would come back lower"


def test_only_what_the_methods_say_is_in_the_literature() -> None:
    study, search = (methods(compare(each)) for each in (synthetic(), searched_evidence()))
    assert "Li et al. 2020" not in study and "Li et al. 2020" in search
    for said in (study, search):
        names = [entry.split("(")[0].split()[0] for entry in cited(said)]
        assert names == sorted(names)
        assert all(re.search(rf"\b{re.escape(name)}\b", said) for name in names)
    alone = evidence([run("base", s, 0.7) for s in range(3)], (BASE,))
    assert "Holm" not in methods(compare(alone)) and cited(methods(compare(alone))) == []


def test_what_is_undecided_says_how_many_seeds_would_decide() -> None:
    from bench.compare import seeds_for_equivalence, seeds_needed

    rng = np.random.default_rng(3)
    arms = (BASE, *(ArmInfo(f"arm {i}", "change") for i in range(20)))
    rows = [
        run(a.name, s, 0.7 + rng.normal(0, 0.02 + 0.001 * i)) for i, a in enumerate(arms) for s in range(8)
    ]
    few = [row for row in rows if row["arm"] in ("base", "arm 0", "arm 1")]
    comparison = compare(evidence(few, arms[:3]))
    (said,) = undecided(comparison)
    for arm in comparison.changes:
        assert arm.paired is not None and arm.verdict is not None and arm.verdict.word == "undecided"
        found = seeds_needed(arm.paired.sd, 0.01, 0.05, family=2)
        none = seeds_for_equivalence(arm.paired.sd, 0.01)
        assert f"{arm.info.name} {found} or {none}" in said
    (said,) = undecided(compare(evidence(rows, arms)))
    assert re.search(r"\b20 arms \d+ to (\d+|>1000) or \d+ to \d+", said)
    assert list(undecided(compare(evidence(few, arms[:3], rope=0.0)))) == []
    (said,) = undecided(compare(evidence([row for row in few if row["seed"] == 0], arms[:3])))
    assert said == (
        "How many seeds would decide arm 0 and arm 1 cannot be told: there is no spread to plan with."
    )


@pytest.mark.parametrize("made", [synthetic, searched_evidence], ids=["study", "search"])
def test_a_chinese_page_carries_every_letter_it_shows(made) -> None:
    from fontTools.ttLib import TTFont

    comparison = compare(made())
    assert "@font-face" not in html_page(comparison, tables(comparison), [])
    with speaking("zh"):
        page = html_page(comparison, tables(comparison), [])
        assert page == html_page(comparison, tables(comparison), []), "the same bytes"
    (font,) = re.findall(r"src: url\(data:font/otf;base64,([^)]+)\)", page)
    with TTFont(io.BytesIO(base64.b64decode(font))) as carried:
        has = carried.getBestCmap()
    told = json.loads(re.findall(r'<script type="application/json" id="told">(.*?)</script>', page)[0])
    shown = page + "".join(told["words"].values())
    assert {c for c in shown if ord(c) >= 0x2E80} - set(map(chr, has)) == set()


def test_an_english_page_carries_the_wide_letters_of_names_alone() -> None:
    rows = [run(arm, s, 0.7 + 0.01 * s * (arm != "base")) for arm in ("base", "电弧") for s in range(4)]
    comparison = compare(evidence(rows, (BASE, ArmInfo("电弧", "change"))))
    page = html_page(comparison, tables(comparison), drawings(comparison))
    assert re.search(r"@font-face \{[^}]*unicode-range: U\+2E80-10FFFF;", page)
    families = set(re.findall(r"font-family: ([^;\"]+)", page[page.index("<body>") :]))
    assert families and all(found.startswith("'Precursor Sans CJK SC'") for found in families)
