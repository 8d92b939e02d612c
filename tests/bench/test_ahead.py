"""A process that imports ahead: it does what is called, or what is called is done here."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import ahead
from bench.ahead import Ahead

WAITS = """
import sys
from bench.ahead import Ahead
with Ahead("time") as other:
    print(other._process.pid, flush=True)
    other.call("sleep", 600)
"""
REPORTS = """
import os, sys
os.cpu_count = lambda: {cores}
from bench.cli import main
main()
"""


@pytest.fixture
def worth(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a command that has only begun."""
    monkeypatch.setattr(ahead, "_worth", lambda: True)


@pytest.mark.usefixtures("worth")
def test_what_is_called_is_done_by_the_other_process() -> None:
    with Ahead("os") as other:
        first, second = other.call("getpid"), other.call("getpid")
        assert first == second != os.getpid()
        assert other.call("fsdecode", b"as it is") == "as it is"
    assert _gone(first)


@pytest.mark.usefixtures("worth")
def test_errors_come_out_as_they_would_here() -> None:
    with Ahead("math") as other:
        with pytest.raises(ValueError, match=r"\S") as there:
            other.call("sqrt", -1)
        with pytest.raises(ValueError, match=r"\S") as here:
            math.sqrt(-1)
        assert str(there.value) == str(here.value)
        assert other.call("sqrt", 4) == 2, "and it goes on"


@pytest.mark.usefixtures("worth")
def test_what_a_lost_process_had_to_do_is_done_here() -> None:
    with Ahead("os") as other:
        os.kill(other.call("getpid"), signal.SIGKILL)
        assert other.call("getpid") == os.getpid()


def test_there_is_none_where_it_can_save_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setitem(sys.modules, "torch", object())  # type: ignore[arg-type]
    with Ahead("os") as other:
        assert other.call("getpid") == os.getpid()
    monkeypatch.delitem(sys.modules, "torch")
    with Ahead("os") as other:
        assert other.call("getpid") != os.getpid()
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with Ahead("os") as other:
        assert other.call("getpid") == os.getpid()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_the_first_process(number: signal.Signals) -> None:
    script = WAITS.replace("600", "3") if number == signal.SIGKILL else WAITS
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            os.kill(process.pid, number)  # who is killed cannot tell: the other finishes what it does
        assert process.wait(30) == {signal.SIGTERM: 143, signal.SIGKILL: -9}.get(number, process.returncode)
        end = time.monotonic() + 30
        while not _gone(pid) and time.monotonic() < end:
            time.sleep(0.05)
        assert _gone(pid)


BREAKS = """
class Two(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def key():
    return {}["no such key"]


def two():
    raise Two("this", "that")


def local():
    class Local(ValueError): ...
    raise Local("of this call alone")


def end():
    import os
    global times
    times = globals().get("times", 0) + 1
    raise EOFError(f"call {times} of process {os.getpid()}")
"""


@pytest.mark.usefixtures("worth")
def test_no_error_is_lost_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "breaks_here.py").write_text(BREAKS)
    monkeypatch.syspath_prepend(tmp_path)
    with Ahead("breaks_here") as other:
        with pytest.raises(KeyError, match="no such key") as found:
            other.call("key")
        assert "breaks_here.py" in "".join(found.value.__notes__), "where it was"
        for name, said in (("two", "Two: this and that"), ("local", "Local: of this call alone")):
            with pytest.raises(RuntimeError, match=said):
                other.call(name)
        with pytest.raises(EOFError, match=rf"call 1 of process {other._process.pid}$"):
            other.call("end")


@pytest.mark.usefixtures("worth")
def test_what_cannot_be_imported_is_said_once(capfd: pytest.CaptureFixture[str]) -> None:
    with Ahead("no_such_module") as other, pytest.raises(ModuleNotFoundError):
        other.call("anything")
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_report_is_the_same_from_one_process_and_from_two(tiny: Path, tmp_path: Path) -> None:
    made = []
    grid = [sys.executable, "-m", "bench.cli", "grid", str(tiny), "--out", str(tmp_path)]
    subprocess.run(grid, check=True, capture_output=True)
    for cores in (1, 2):
        command = [sys.executable, "-c", REPORTS.format(cores=cores), "report", str(tiny)]
        ended = subprocess.run(
            [*command, "--out", str(tmp_path), "--lang", "zh"], check=True, capture_output=True, text=True
        )
        files = sorted(
            path for path in tmp_path.rglob("*/*/*") if path.is_file() and "records" not in str(path)
        )
        made.append((ended.stdout, ended.stderr, {path: path.read_bytes() for path in files}))
    assert made[0] == made[1]
    assert any(path.name == "report.zh.html" for path in made[0][2])


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
