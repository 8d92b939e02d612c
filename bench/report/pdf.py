"""The page as PDF, printed by a browser that is on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from models.errors import InvalidRequest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_NODE = re.compile(rb"\(node(\d{8})\)")
_SECONDS = 300.0  # that a page of a thousand arms may take


def find_browser() -> str:
    """Return the browser that prints.

    Raises:
        InvalidRequest: there is none.
    """
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    raise InvalidRequest(
        "a PDF is printed by Chromium or Chrome, and neither is on this machine's PATH; install one (Debian: "
        "apt install chromium), or print report.html from any browser"
    )


def print_page(browser: str, page: Path) -> Path:
    """Print a page beside itself and return the PDF.

    The same page gives the same bytes from the same browser.

    Raises:
        InvalidRequest: the browser made no PDF.
    """
    target = page.with_suffix(".pdf")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "page.pdf")
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-pdf-header-footer",
            f"--user-data-dir={folder}/profile",
            f"--print-to-pdf={made}",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium refuses its sandbox to root
            page.resolve().as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
            said = done.stderr.strip().splitlines()[-1:]
        except subprocess.TimeoutExpired:
            said = [f"it took more than {_SECONDS:.0f} s"]
        if not made.exists():
            raise InvalidRequest(
                f"{browser} printed no PDF ({' '.join(said) or 'it gave no reason'}); print {page} from a "
                "browser instead"
            )
        fresh = target.with_name(f".{target.name}")
        fresh.write_bytes(_settled(made.read_bytes()))
        os.replace(fresh, target)
    return target


def _settled(pdf: bytes) -> bytes:
    """Return a PDF without what differs from print to print, byte for byte as long as before.

    Dates become the epoch. The names of its structure elements carry numbers that skip some when the
    machine is busy; they are numbered anew in the same order, which is what the PDF's name tree is sorted by.
    """
    pdf = re.sub(rb"(/(?:Creation|Mod)Date \(D:)\d{14}", rb"\g<1>19700101000000", pdf)
    rank = {name: b"%08d" % place for place, name in enumerate(sorted(set(_NODE.findall(pdf))))}
    return _NODE.sub(lambda found: b"(node" + rank[found[1]] + b")", pdf)
