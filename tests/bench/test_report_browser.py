"""The page in a real browser: on a desk and on a phone, light and dark, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import BROWSER, Browser
from test_report_evidence import METRIC, evidence, run, synthetic

from bench.report.evidence import ArmInfo, Evidence
from bench.report.write import write

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")]

DESK, PHONE = (1280, 800), (390, 844)
LOOKS = [(size, dark, page) for size in (DESK, PHONE) for dark in (False, True) for page in ("", ".zh")]
HELPERS = """
results = document.getElementById("results");
head = key => results.querySelector(`th[data-key=${key}]`);
rows = () => [...results.querySelectorAll("tbody tr")].filter(row => row.offsetHeight > 0);
column = key => rows().map(row => row.cells[head(key).cellIndex].textContent);
sort = key => { head(key).querySelector("button").click(); return head(key).getAttribute("aria-sort"); };
give = (control, value) => { control.value = value; control.dispatchEvent(new Event("input")); };
outside = () => [...document.querySelectorAll("body *")]
  .filter(each => !each.closest(".scroll, svg, nav, .drawing, pre"))
  .filter(each => each.getBoundingClientRect().right > innerWidth + 1)
  .map(each => each.outerHTML.slice(0, 80));
0
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write(synthetic(), folder, "zh")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


def opened(browser: Browser, page: Path, size: tuple[int, int], *, dark: bool = False) -> None:
    browser.open(page, *size, dark=dark)
    browser.run(HELPERS)


def differences(browser: Browser) -> list[float]:
    shown: list[str] = browser.run("column('difference')")
    return [float(text.replace("−", "-")) if text != "–" else float("nan") for text in shown]


@pytest.mark.parametrize(("size", "dark", "language"), LOOKS)
def test_a_reader_sorts_filters_and_follows_an_anchor(
    browser: Browser, report: Path, size: tuple[int, int], dark: bool, language: str
) -> None:
    page = report / f"report{language}.html"
    opened(browser, page, size, dark=dark)
    paper = browser.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(20, 24, 29)" if dark else "rgb(255, 255, 255)")
    assert browser.run("document.documentElement.lang") == ("zh-Hans" if language else "en")

    declared = browser.run("column('arm')")
    for way in ("ascending", "descending"):
        assert browser.run("sort('difference')") == way
        *found, last = differences(browser)
        assert found == sorted(found, reverse=way == "descending") and np.isnan(last), "no number is last"
    assert browser.run("sort('difference')") is None
    assert browser.run("column('arm')") == declared

    browser.run("give(results.querySelector('input'), 'CODES')")
    assert browser.run("column('arm')") == ["codes 32", "codes 400"]
    said = "results.querySelector('output')"
    assert browser.run(f"{said}.textContent") == ("显示 2 行，共 6 行" if language else "2 of 6 rows")
    assert browser.run(f"{said}.getAttribute('aria-live')") == "polite"
    browser.run("give(results.querySelector('input'), '')")
    browser.run(f"give(results.querySelector('select'), '{'更优' if language else 'better'}')")
    assert browser.run("column('arm')") == ["cwcl"]

    browser.run("document.querySelector('nav a[href=\"#methods\"]').click()")
    top = "document.getElementById('methods').getBoundingClientRect().top"
    browser.until(lambda: 0 <= browser.run(top) < 200)
    assert browser.run("document.querySelector('nav').getBoundingClientRect().top") == 0, "contents stay"

    assert browser.run("document.documentElement.scrollWidth") == size[0], "nothing is wider than the window"
    assert browser.run("outside()") == []
    assert browser.logged == []
    assert browser.requested == [page.resolve().as_uri()]


@pytest.mark.parametrize("language", ["", ".zh"])
def test_all_usual_columns_stand_side_by_side(browser: Browser, report: Path, language: str) -> None:
    opened(browser, report / f"report{language}.html", DESK)
    assert browser.run("results.querySelectorAll('thead th').length") > 15
    scroll = "results.querySelector('.scroll')"
    assert browser.run(f"{scroll}.scrollWidth") == browser.run(f"{scroll}.clientWidth")


def test_the_keyboard_reaches_sorting_filtering_and_the_table(browser: Browser, report: Path) -> None:
    opened(browser, report / "report.html", DESK)
    browser.run("results.querySelector('input').focus()")
    where = []
    for _ in range(3):
        browser.press("Tab", 9)
        where.append(browser.run("document.activeElement.tagName"))
    assert where == ["SELECT", "DIV", "BUTTON"], "the choice of verdicts, the table, its first column"
    assert browser.run("results.querySelector('.scroll').getAttribute('role')") == "region"
    browser.run("head('mean').querySelector('button').focus()")
    for key, code, text, way in (("Enter", 13, "\r", "ascending"), (" ", 32, " ", "descending")):
        browser.press(key, code, text)
        assert browser.run("head('mean').getAttribute('aria-sort')") == way


def test_heads_and_names_stay_in_sight(browser: Browser, report: Path) -> None:
    opened(browser, report / "report.html", PHONE)
    browser.run("results.querySelector('.scroll').scrollTo(400, 0)")
    left = "results.querySelector('{}').getBoundingClientRect().left"
    assert abs(browser.run(left.format("tbody th")) - browser.run(left.format(".scroll"))) <= 2


def test_without_a_script_every_row_is_there(browser: Browser, report: Path) -> None:
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened(browser, report / "report.html", DESK)
        assert browser.run("results.querySelectorAll('button, input').length") == 0
        assert len(browser.run("column('arm')")) == 6
    finally:
        browser.ask("Emulation.setScriptExecutionDisabled", value=False)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Evidence]:
    """A study whose runs are too many to be spelled out in every cell."""
    rng = np.random.default_rng(0)
    infos = (ArmInfo("base", "baseline"), *(ArmInfo(f"arm {i}", "grid") for i in range(400)))
    rows = [
        run(arm.name, s, 0.7 + rng.normal(0, 0.02), key=f"{0xA0 + i:08x}{s:08x}")
        for i, arm in enumerate(infos)
        for s in range(4)
    ]
    folder, found = tmp_path_factory.mktemp("large"), evidence(rows, infos)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.report.hover._TITLES", 1000)
        write(found, folder)
    return folder / "report.html", found


def test_long_tables_begin_with_a_hundred_rows_and_paper_has_all(
    browser: Browser, large: tuple[Path, Evidence]
) -> None:
    page, found = large
    opened(browser, page, DESK)
    assert browser.run("rows().length") == 100
    assert browser.run("results.querySelector('output').textContent") == "100 of 401 rows"
    assert browser.run("results.querySelector('.more').textContent") == "Show all 401 rows"
    for count in (401, 100):
        browser.run("results.querySelector('.more').click()")
        assert browser.run("rows().length") == count
    browser.run("sort('mean')")
    least = found.finished.groupby("arm")[METRIC].mean().min()
    assert abs(float(browser.run("column('mean')")[0]) - least) < 1e-3, "sorting is over all rows"
    browser.ask("Emulation.setEmulatedMedia", media="print")
    assert browser.run("rows().length") == 401
    browser.ask("Emulation.setEmulatedMedia", media="")


def test_a_cell_of_a_large_study_names_its_runs_when_pointed_at(
    browser: Browser, large: tuple[Path, Evidence]
) -> None:
    page, found = large
    opened(browser, page, DESK)
    browser.run("cell = results.querySelectorAll('tbody td[data-runs]')[20]; 0")
    browser.run("cell.dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))")
    arm = browser.run("cell.parentElement.cells[0].textContent")
    keys = list(found.runs.loc[found.runs["arm"] == arm, "key"])
    assert set(keys) <= set(browser.run("cell.title").split()) - {"runs:"} <= set(found.runs["key"])


def test_the_command_can_be_copied(browser: Browser, report: Path) -> None:
    opened(browser, report / "report.html", DESK)
    browser.run("document.querySelector('pre + button').click()")
    browser.until(lambda: browser.run("document.querySelector('pre + button').textContent") == "Copied")
    assert browser.logged == []
