"""The page on paper: refused before anything is written where there is no browser, else the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from browser import BROWSER
from test_report_language import small

from bench.publish import publish
from bench.report.pdf import find_browser, print_page
from models.errors import InvalidRequest

FAKE = """#!{python}
import sys, time
(out,) = [a.removeprefix("--print-to-pdf=") for a in sys.argv if a.startswith("--print-to-pdf=")]
assert sys.argv[-1].startswith("file:///") and sys.argv[-1].endswith("report%20of%20a%20page.html")
now = time.strftime("%Y%m%d%H%M%S").encode()
dates = b"%PDF-1.4 /CreationDate (D:" + now + b"+00'00')\\n/ModDate (D:" + now + b"+00'00')"
first = time.time_ns() % 90000000
names = [b"(node%08d)" % n for n in (first, first + 7, first + 9, first + 7)]
open(out, "wb").write(dates + b" ".join(names))
"""


def test_without_a_browser_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidRequest, match=r"neither is on this machine's PATH; install one"):
        publish(small(), tmp_path / "report", pdf=True)
    assert not (tmp_path / "report").exists()


@pytest.fixture
def fake(tmp_path: Path) -> str:
    program = tmp_path / "bin" / "chromium"
    program.parent.mkdir()
    program.write_text(FAKE.format(python=sys.executable))
    program.chmod(0o755)
    return str(program)


def test_a_pdf_tells_neither_time_nor_browser(
    fake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(fake).parent))
    assert find_browser() == fake
    page = tmp_path / "report of a page.html"
    page.write_text("<p>hello</p>")
    made = print_page(fake, page)
    assert made == page.with_suffix(".pdf")
    assert made.read_bytes().count(b"(D:19700101000000+00'00')") == 2
    assert made.read_bytes().endswith(b"(node00000000) (node00000001) (node00000002) (node00000001)")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", page.name, made.name]


def test_a_browser_that_fails_is_one_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "chrome"
    broken.write_text("#!/bin/sh\necho one >&2\necho no display >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(InvalidRequest, match=r"printed no PDF \(no display\); print .* instead"):
        print_page(str(broken), tmp_path / "report.html")
    assert not (tmp_path / "report.pdf").exists()


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_printed_twice_by_a_real_browser(tmp_path: Path) -> None:
    page, _ = publish(small(), tmp_path, "zh", pdf=True)
    assert page == tmp_path / "report.zh.pdf"
    first = page.read_bytes()
    assert first.startswith(b"%PDF-") and len(first) > 20_000
    time.sleep(1.1)
    assert BROWSER is not None
    assert print_page(BROWSER, tmp_path / "report.zh.html").read_bytes() == first
    publish(small(), tmp_path)
    assert not list(tmp_path.glob("*.pdf")), "of an earlier report"


@pytest.mark.slow
def test_the_command_refuses_a_pdf_without_a_browser(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "results"
    command = [sys.executable, "-m", "bench.cli"]
    more = [str(tiny), "--out", str(out)]
    ran = subprocess.run([*command, "grid", *more, "--engine", "local"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.*")}
    empty = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(
        [*command, "report", *more, "--format", "pdf"], capture_output=True, text=True, env=empty
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "install one" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.*")} == before
    shown = subprocess.run([*command, "report", *more, "--lang", "zh"], capture_output=True, text=True)
    assert shown.returncode == 0 and "report.zh.html" in shown.stdout and "基线" in shown.stdout
