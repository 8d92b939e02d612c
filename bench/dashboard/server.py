"""``precursor dashboard``: Optuna's dashboard on the project's journal, on this machine only."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna_dashboard
from optuna.artifacts import FileSystemArtifactStore
from optuna.storages import JournalStorage

from bench.dashboard.artifacts import FOLDER
from bench.dashboard.refresh import refresh
from bench.dashboard.reports import REPORT
from bench.search.journal import Journal
from bench.search.log import searches
from bench.search.mirror import Mirror
from models.errors import InvalidRequest

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]
_drawing = threading.Lock()


class Application:
    """Optuna's dashboard, begun anew when another file takes the journal's place, and our reports.

    A journal that is lost, replaced or spoiled meanwhile is made again from the record.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._journal = Journal(root)
        self._storage: JournalStorage | None = None
        self._turn = threading.Lock()
        self._app: Wsgi

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        """Answer one request."""
        path = str(environ.get("PATH_INFO", ""))
        if path.startswith(REPORT):
            return self._report(path.removeprefix(REPORT), start)
        with self._turn:
            if not self._same():
                said = self._mended()
                if said:
                    start("503 Service Unavailable", [("Content-Type", "text/plain; charset=utf-8")])
                    return [said.encode()]
            app = self._app
        return app(environ, start)

    def _same(self) -> bool:
        """Whether the journal that is shown is still there and can be read."""
        try:
            storage = self._journal.storage()
            storage.get_all_studies()
        except Exception:  # whatever a file that is no journal makes Optuna raise
            return False
        return storage is self._storage

    def _mended(self) -> str | None:
        """Begin anew with a journal brought to the record; return a sentence if there can be none."""
        mirror = Mirror(self._root)
        damage = mirror.reconcile()
        if damage:
            print(damage, file=sys.stderr)
        again = self._storage is not None
        self._journal = Journal(self._root)
        try:
            self._storage = self._journal.storage()
        except Exception as error:
            return mirror.complaint() or f"the journal cannot be read: {type(error).__name__}: {error}"
        self._app = optuna_dashboard.wsgi(self._storage, FileSystemArtifactStore(self._root / FOLDER))
        if again:
            threading.Thread(target=_refresh, args=(self._root,), daemon=True).start()
        return None

    def _report(self, path: str, start: Any) -> Iterable[bytes]:
        """Answer with a report's page, and with no other file."""
        page = (self._root / path).resolve()
        if page.name != "report.html" or not page.is_relative_to(self._root) or not page.is_file():
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"no such report"]
        start("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [page.read_bytes()]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle of an answer is nothing to tell of."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Not a line for each request."""


def listen(root: Path, host: str, port: int) -> WSGIServer:
    """Return a server that listens and has yet to be started.

    Raises:
        InvalidRequest: the port is taken, or the address is not one of this machine.
    """
    logger = logging.getLogger("optuna_dashboard")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    kind = _Server6 if ":" in host else _Server
    try:
        return make_server(host, port, Application(root), server_class=kind, handler_class=_Quiet)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InvalidRequest(
                f"the dashboard needs a free port, and {port} is taken; use --port 0 for any free one"
            ) from None
        if error.errno == errno.EACCES:
            raise InvalidRequest(
                f"the dashboard may not listen on port {port}; use one above 1023, or --port 0"
            ) from None
        raise InvalidRequest(
            f"--host must be an address of this machine, got {host!r}; use 127.0.0.1"
        ) from None


def serve(root: Path, host: str = "127.0.0.1", port: int = 8080, *, open_browser: bool = False) -> None:
    """Serve the dashboard until Ctrl-C: live while workers write, and of finished searches.

    Args:
        root: folder of the record.
        host: address to listen on; there is no password, so only this machine by default.
        port: port to listen on; 0 for any free one.
        open_browser: whether to show it in the user's browser.

    Raises:
        InvalidRequest: the port is taken, or the address is not one of this machine.
    """
    with suppress(KeyboardInterrupt), listen(root, host, port) as server:
        damage = Mirror(root).reconcile()
        for line in (damage, _open_to_others(host), _nothing_yet(root)):
            if line:
                print(line, file=sys.stderr)
        url = f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}/"
        print(f"dashboard of {root}: {url} (Ctrl-C stops it)", flush=True)
        threading.Thread(target=_refresh, args=(root,), daemon=True).start()
        if open_browser:
            webbrowser.open(url)
        server.serve_forever()


def _refresh(root: Path) -> None:
    with _drawing:
        said = refresh(root)
    if said:
        print(said, file=sys.stderr)


def _open_to_others(host: str) -> str | None:
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if local:
        return None
    return (
        f"warning: whoever reaches {host} can change and delete what the dashboard shows: it has no password"
    )


def _nothing_yet(root: Path) -> str | None:
    if searches(root):
        return None
    return f"no search is on record in {root} yet; run `precursor search STUDY`, and it appears here"
