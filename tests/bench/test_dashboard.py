"""The dashboard shows what is on record: over HTTP, in a browser, while a search runs and after it."""

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution, distribution_to_json

sys.path.insert(0, str(Path(__file__).parent))
import searched_folder as folder

from bench.dashboard import pictures as drawing
from bench.dashboard import refresh, show_best
from bench.dashboard.notes import OWN
from bench.dashboard.reports import REPORT, find_report
from bench.dashboard.server import listen
from bench.search.journal import FILE, Journal
from bench.search.log import Header, Trial, TrialLog, best
from bench.search.mirror import Mirror
from bench.store import Store
from models.errors import InvalidRequest

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def searched(tmp_path_factory) -> Path:
    """Two finished searches with a report, notes and figures."""
    root = tmp_path_factory.mktemp("searched")
    folder.add_report(root, PNG, folder.fill(root))
    assert refresh(root) is None
    return root


@pytest.fixture
def copied(searched, tmp_path) -> Path:
    """A copy of the searches that a test may spoil."""
    return Path(shutil.copytree(searched, tmp_path / "copy"))


@contextmanager
def served(root: Path) -> Iterator[str]:
    """A real server on a free port; yields its address."""
    with listen(root, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def fetch(url: str, **parts) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, **parts), timeout=20) as answer:
        content: bytes = answer.read()
    return content


def study_of(address: str, number: int) -> dict:
    found: dict = json.loads(fetch(f"{address}/api/studies/{number}"))
    return found


def test_studies_trials_values_and_attributes_come_over_http(searched):
    with served(searched) as address:
        listed = json.loads(fetch(f"{address}/api/studies"))["study_summaries"]
        assert [each["study_name"].split(" · ")[2] for each in listed] == ["infonce", "cwcl"]
        for each in listed:
            study = study_of(address, each["study_id"])
            arm = each["study_name"].split(" · ")[2]
            log = TrialLog(searched, next(h for h in _headers() if h.arm == arm).key)
            assert len(study["trials"]) == len(log.trials()) == 8
            names = {"complete": "Complete", "pruned": "Pruned", "failed": "Fail"}
            for shown, trial in zip(study["trials"], log.trials(), strict=True):
                assert shown["state"] == names[trial.state]
                steps = {str(each["step"]): each["value"] for each in shown["intermediate_values"]}
                assert steps == dict(trial.steps)
                told = {each["key"]: each["value"] for each in shown["user_attrs"]}
                assert [float(told[f"seed {i}"]) for i in range(len(trial.seeds))] == list(trial.seeds)
            assert study["has_intermediate_values"]
            assert study["objective_names"] == [folder.METRIC]


def test_importances_are_there(searched):
    with served(searched) as address:
        (found,) = json.loads(fetch(f"{address}/api/studies/0/param_importances"))["param_importances"]
    assert {each["name"] for each in found} == set(folder.SPACE)


def test_the_note_says_question_best_budget_arms_and_comparison(searched):
    with served(searched) as address:
        body = study_of(address, 0)["note"]["body"]
        leader = best(TrialLog(searched, _headers()[0].key).trials())
        assert leader is not None
        for part in (
            "Which contrastive loss lets the current borrow most from the video?",
            f"[trial {leader.number}](/dashboard/studies/0/trials?numbers={leader.number})",
            "8 trials (5 complete, 2 pruned, 1 failed)",
            "[`cwcl`](/dashboard/studies/1)",
            "| ---: | ---: |",
            "infonce", "8/8", "0.761",
        ):  # fmt: skip
            assert part in body
        assert "Tuning" not in body, "only the results of the report"
        images = re.findall(r"!\[[^]]*\]\((/artifacts/[^)]+)\)", body)
        assert len(images) == 3  # learning curve, codebook, differences
        for image in images:
            assert fetch(address + image).startswith(b"\x89PNG\r\n")
        (page,) = re.findall(rf"\(({REPORT}[^)]+)\)", body)
        assert b"All arms" in fetch(address + page)


def test_the_best_trial_has_a_note_and_figures_of_its_own(searched):
    leader = best(TrialLog(searched, _headers()[0].key).trials())
    with served(searched) as address:
        trial = study_of(address, 0)["trials"][leader.number]
        assert "Best of 8 trials" in trial["note"]["body"]
        assert {each["filename"] for each in trial["artifacts"]} == {"learning curve.png", "codebook.png"}
        for each in trial["artifacts"]:
            image = fetch(f"{address}/artifacts/0/{trial['trial_id']}/{each['artifact_id']}")
            assert image.startswith(b"\x89PNG\r\n")
    (differences,) = study_of_storage(searched)["artifacts"]
    assert differences["filename"] == "differences.png"


def study_of_storage(root: Path) -> dict:
    with served(root) as address:
        return study_of(address, 0)


def test_refreshing_again_draws_and_writes_nothing(copied, monkeypatch):
    before = {path.name: path.read_bytes() for path in (copied / "artifacts").iterdir()}
    journal = (copied / FILE).read_bytes()
    monkeypatch.setattr(drawing, "learning_curve", lambda *_: pytest.fail("drawn again"))
    monkeypatch.setattr(drawing, "codebook", lambda *_: pytest.fail("drawn again"))
    assert refresh(copied) is None
    assert (copied / FILE).read_bytes() == journal
    assert {path.name: path.read_bytes() for path in (copied / "artifacts").iterdir()} == before


def test_a_figure_that_changed_replaces_the_old_one(copied):
    count = len(list((copied / "artifacts").iterdir()))
    report = find_report(copied, _headers()[0])
    report.figures[0].write_bytes(PNG + b"\0")
    refresh(copied)
    assert len(list((copied / "artifacts").iterdir())) == count
    with served(copied) as address:
        (told,) = study_of(address, 0)["artifacts"]
        assert fetch(f"{address}/artifacts/0/{told['artifact_id']}") == PNG + b"\0"


def test_a_deleted_journal_gets_its_notes_and_figures_back(copied):
    with served(copied) as address:
        before = [study_of(address, n) for n in (0, 1)]
        (copied / FILE).unlink()
        assert refresh(copied) is None
        after = [study_of(address, n) for n in (0, 1)]  # the same server, which sees the new file
    for old, new in zip(before, after, strict=True):
        assert old["note"]["body"] == new["note"]["body"]
        assert old["artifacts"] == new["artifacts"]
        assert [t["state"] for t in old["trials"]] == [t["state"] for t in new["trials"]]


def test_what_people_write_below_the_line_is_kept(copied):
    study = optuna.load_study(study_name=_headers()[0].title, storage=Journal(copied).storage())
    from optuna_dashboard import get_note, save_note

    save_note(study, get_note(study).replace("borrow", "BORROW") + " Looks good to me.")
    refresh(copied)
    body = get_note(study)
    assert "BORROW" not in body
    assert body.endswith(f"{OWN} Looks good to me.")


def test_a_study_deleted_in_the_dashboard_can_be_had_again(copied):
    with served(copied) as address:
        fetch(
            f"{address}/api/studies/0",
            method="DELETE",
            data=b"{}",
            headers={"Content-Type": "application/json"},
        )
        assert len(json.loads(fetch(f"{address}/api/studies"))["study_summaries"]) == 1
        assert refresh(copied) is None
        listed = json.loads(fetch(f"{address}/api/studies"))["study_summaries"]
        assert sorted(each["study_name"] for each in listed) == sorted(h.title for h in _headers())
        for each in listed:
            for image in re.findall(
                r"\((/artifacts/[^)]+)\)", study_of(address, each["study_id"])["note"]["body"]
            ):
                assert fetch(address + image).startswith(b"\x89PNG\r\n")


def test_a_new_best_is_shown_at_once_and_the_old_one_says_so(tmp_path):
    (header,) = folder.fill(tmp_path, ("infonce",), trials=0)
    store, rng = Store(tmp_path), np.random.default_rng(0)
    mirror, log = Mirror(tmp_path, on_best=partial(show_best, tmp_path)), TrialLog(tmp_path, header.key)
    with served(tmp_path) as address:
        for number, value in enumerate((0.6, 0.5, 0.7)):
            trial = folder._trial(store, rng, "infonce", number, 3, 2)
            trial = replace(trial, state="complete", values=(value,), seeds=(value, value))
            start = Trial(number, trial.params, trial.cells)
            log.propose(start)
            mirror.begun(header, start)
            assert _trials_now(tmp_path)[number].state.name == "RUNNING"
            log.end(trial)
            mirror.ended(header, trial)
        assert mirror.complaint() is None
        study = study_of(address, 0)
    notes = [trial["note"]["body"].partition("\n")[0] for trial in study["trials"]]
    assert notes == ["# The best when it ended, no longer; see trial 2", "", "# Best of 3 trials so far"]
    assert [len(trial["artifacts"]) for trial in study["trials"]] == [1, 0, 1]
    assert "[trial 2](/dashboard/studies/0/trials?numbers=2)" in study["note"]["body"]


def _trials_now(root: Path) -> list[optuna.trial.FrozenTrial]:
    return Journal(root).storage().get_all_trials(0)


def test_several_objectives_are_noted_and_served(tmp_path):
    header = replace(
        folder.header("infonce", "d" * 16),
        objectives=(folder.METRIC, "parameters"),
        directions=("maximize", "minimize"),
    )
    log = TrialLog(tmp_path, header.key)
    log.describe(header)
    for number, values in enumerate(((0.7, 2000.0), (0.6, 1000.0), (0.5, 3000.0))):
        trial = folder._trial(Store(tmp_path), np.random.default_rng(number), "infonce", number, 2, 1)
        log.end(replace(trial, state="complete", values=values, seeds=(values[0],)))
    assert refresh(tmp_path) is None
    with served(tmp_path) as address:
        study = study_of(address, 0)
    assert sorted(trial["number"] for trial in study["best_trials"]) == [0, 1]
    assert study["directions"] == ["maximize", "minimize"]
    assert "Pareto front" in study["note"]["body"]


def test_only_reports_are_served_beside_the_dashboard(searched):
    report = find_report(searched, _headers()[0])
    key = _headers()[0].key
    with served(searched) as address:
        inside = f"searches/{key}/records/header.0.json"
        assert (searched / inside).exists()
        for path in (inside, "../" * 8 + "etc/passwd", "%2e%2e/report.html", "nothing/report.html"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                fetch(f"{address}{REPORT}{path}")
            assert refused.value.code == 404
            refused.value.close()
        assert fetch(f"{address}{REPORT}{report.page.relative_to(searched)}")


DAMAGE = {
    "a directory": None,
    "an unknown operation": b'{"op_code": 99}\n',
    "no text": b"\xff\xfe\x00\x81" * 64,
    "nothing": b"",
}


def spoil(journal: Path, content: bytes | None) -> None:
    """Put something in the journal's place."""
    journal.unlink()
    if content is None:
        journal.mkdir()
    else:
        journal.write_bytes(content)


@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)
def test_refresh_mends_a_bad_journal_and_says_so(copied, content):
    before = Journal(copied).storage().get_all_studies()
    spoil(copied / FILE, content)
    said = refresh(copied)
    aside = copied / f"{FILE}.damaged-1"
    if content == b"":
        assert said is None and not aside.exists()
    else:
        assert said is not None and "could not be read" in said and aside.name in said
        assert aside.is_dir() if content is None else aside.read_bytes() == content
    after = Journal(copied).storage().get_all_studies()
    assert [each.study_name for each in after] == [each.study_name for each in before]
    assert [each.system_attrs for each in after] == [each.system_attrs for each in before]  # notes, figures
    assert refresh(copied) is None


def test_an_operation_unknown_to_optuna_in_the_middle_is_found(copied):
    with open(copied / FILE, "ab") as file:
        file.write(b'{"op_code":99}\n')
    assert "AssertionError" in (refresh(copied) or "")
    assert refresh(copied) is None


def test_a_journal_that_cannot_be_written_and_a_note_that_cannot_be_made_are_said(copied, monkeypatch):
    (copied / "losses" / "simulated-furnace-hard-seed-0-search" / "report.md").write_bytes(b"\xff\xfe")
    said = refresh(copied)
    assert said is not None and said.startswith("notes and figures are not up to date: UnicodeDecodeError")
    (copied / f".{FILE}.turn").unlink()
    (copied / f".{FILE}.turn").mkdir()
    assert "missed 1 update (IsADirectoryError" in (refresh(copied) or "")


@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)
def test_a_journal_spoiled_while_it_is_served_is_mended(copied, content, capfd):
    with served(copied) as address:
        before = [study_of(address, n) for n in (0, 1)]
        spoil(copied / FILE, content)
        after = [study_of(address, n) for n in (0, 1)]
        for old, new in zip(before, after, strict=True):
            assert [(t["state"], t["params"]) for t in old["trials"]] == [
                (t["state"], t["params"]) for t in new["trials"]
            ]
        _wait_for(lambda: study_of(address, 1)["note"]["body"] == before[1]["note"]["body"])
    err = capfd.readouterr().err
    assert "Traceback" not in err
    assert err.count("could not be read") == (content != b"")


def test_an_older_journal_put_back_while_it_is_served_is_brought_to_the_record(copied):
    lines = (copied / FILE).read_bytes().splitlines(keepends=True)
    with served(copied) as address:
        (copied / FILE).write_bytes(b"".join(lines[:12]))
        assert [len(study_of(address, n)["trials"]) for n in (0, 1)] == [8, 8]
        (copied / FILE).write_bytes(b"".join(lines[:12]))
        assert [len(study_of(address, n)["trials"]) for n in (0, 1)] == [8, 8]


def test_a_journal_that_cannot_be_mended_is_one_sentence(copied):
    with served(copied) as address:
        assert study_of(address, 0)
        (copied / f".{FILE}.turn").unlink()
        (copied / f".{FILE}.turn").mkdir()
        spoil(copied / FILE, None)
        with pytest.raises(urllib.error.HTTPError) as refused:
            fetch(f"{address}/api/studies")
        assert refused.value.code == 503
        assert b"missed 1 update" in refused.value.read()
        refused.value.close()
        (copied / f".{FILE}.turn").rmdir()
        assert len(study_of(address, 0)["trials"]) == 8


def _wait_for(seen: Callable[[], bool]) -> None:
    for _ in range(600):
        if seen():
            return
        time.sleep(0.05)
    pytest.fail("it never came")


def test_a_report_is_shown_for_the_searches_it_tells_of_only_the_newest_first(copied):
    one, two = _headers()
    assert find_report(copied, replace(one, key="e" * 16)) is None
    page = folder.add_report(copied, PNG, [one], "simulated-furnace-hard-seed-0-2-trials-search")
    older = copied / "losses" / "simulated-furnace-hard-seed-0-search" / "trials.csv"
    os.utime(older, ns=(1, 1))
    found, other = find_report(copied, one), find_report(copied, two)
    assert found is not None and found.page == page and found.keys == {one.key}
    assert other is not None and other.page == older.with_name("report.html")
    assert other.keys == {one.key, two.key}
    os.utime(older.parent.parent / page.parent.name / "trials.csv", ns=(0, 0))
    assert find_report(copied, one) == other


def test_a_search_with_other_settings_stands_apart(copied):
    """The same arm searched with other ranges, and once more with other trainings (which no header tells)."""
    one, _ = _headers()
    narrow = {**one.space, "quantizer.codes": distribution_to_json(IntDistribution(16, 32))}
    longer, narrowed = replace(one, key="1" * 16), replace(one, key="2" * 16, space=narrow)
    trial = TrialLog(copied, one.key).trials()[0]
    for each in (longer, narrowed):
        log = TrialLog(copied, each.key)
        log.describe(each)
        log.end(replace(trial, params={**trial.params, "quantizer.codes": 20}))
    assert refresh(copied) is None
    assert _arms(copied, one) == ["**`infonce`**", "[`cwcl`](/dashboard/studies/1)"]
    assert "Comparison on fresh seeds" in _note(copied, one)
    for each in (longer, narrowed):
        assert "Comparison on fresh seeds" not in _note(copied, each)
    assert [name.partition("]")[0] for name in _arms(copied, longer)] == [
        "**`infonce` (111111)**", f"[`infonce` ({one.key[:6]})", "[`cwcl`",
    ]  # fmt: skip
    assert _arms(copied, narrowed) == ["**`infonce`**"]


def test_of_an_arm_with_parameters_of_its_own_the_shared_ones_count(tmp_path):
    one, two = folder.fill(tmp_path, ("infonce",), trials=1)[0], folder.header("cwcl", "b" * 16)
    ranges = {key: text for key, text in two.space.items() if key != "head.name"}
    ranges["contrast.margin"] = distribution_to_json(FloatDistribution(0.1, 0.2))
    other = {**ranges, "alignment.steps": distribution_to_json(IntDistribution(2, 3))}
    for each in (replace(two, space=ranges), replace(two, key="c" * 16, space=other)):
        TrialLog(tmp_path, each.key).describe(each)
    assert refresh(tmp_path) is None
    assert _arms(tmp_path, one) == ["**`infonce`**", "[`cwcl`](/dashboard/studies/1)"]


def _note(root: Path, header: Header) -> str:
    from optuna_dashboard import get_note

    return get_note(optuna.load_study(study_name=header.title, storage=Journal(root).storage()))


def _arms(root: Path, header: Header) -> list[str]:
    """The first column of the arms side by side."""
    table = _note(root, header).split("## Arms side by side\n\n")[1].split("\n\n")[0]
    return [re.split(r"\s\|", row)[0].removeprefix("| ") for row in table.splitlines()[2:]]


def test_a_taken_port_is_one_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InvalidRequest, match=f"{port} is taken; use --port 0"):
            listen(tmp_path, "127.0.0.1", port)


def test_an_address_of_another_machine_is_one_sentence(tmp_path):
    with pytest.raises(InvalidRequest, match="--host must be an address of this machine, got '192.0.2.1'"):
        listen(tmp_path, "192.0.2.1", 0)


def _headers() -> list:
    return [folder.header(arm, f"{n + 10:x}{'0' * 14}{n}") for n, arm in enumerate(("infonce", "cwcl"))]


SERVE = "from pathlib import Path; from bench.dashboard import serve; serve(Path({!r}), {!r}, 0)"


@contextmanager
def command(root: Path, host: str = "127.0.0.1") -> Iterator[tuple[subprocess.Popen, str]]:
    """The dashboard as a process of its own; yields it and its address."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error::ResourceWarning", "-c", SERVE.format(str(root), host)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        line = process.stdout.readline()
        found = re.search(r"http://[\d.]+:(\d+)", line)
        assert found, line + process.stderr.read()
        yield process, f"http://127.0.0.1:{found[1]}"
    finally:
        process.kill()
        process.communicate()


def test_an_empty_folder_is_served_shows_studies_as_they_appear_and_ends_on_ctrl_c(tmp_path):
    root = tmp_path / "none yet"
    with command(root) as (process, address):
        assert json.loads(fetch(f"{address}/api/studies"))["study_summaries"] == []
        folder.fill(root, ("infonce",), trials=2, epochs=2)
        Mirror(root).reconcile()
        listed = json.loads(fetch(f"{address}/api/studies"))["study_summaries"]
        assert [each["study_name"].split(" · ")[2] for each in listed] == ["infonce"]
        assert b"<html" in fetch(f"{address}/dashboard")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out == ""
    assert err.strip() == (
        f"no search is on record in {root} yet; run `precursor search STUDY`, and it appears here"
    )


@pytest.mark.slow
def test_an_address_that_others_reach_is_warned_of(copied):
    with command(copied, "0.0.0.0") as (process, address):
        assert fetch(f"{address}/api/studies")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert err.count("\n") == 1 and "no password" in err


def test_a_server_without_torch_and_ray(searched):
    program = "import sys, bench.dashboard; print({'torch', 'ray'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((path for name in BROWSERS if (path := shutil.which(name))), None)


def page(address: str, profile: Path) -> str:
    """Return a page as a browser shows it; without a browser, what one would ask the server for."""
    if BROWSER is None:
        return without_browser(address)
    shown = subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--disable-dev-shm-usage", "--window-size=1400,2000", f"--user-data-dir={profile}",
            "--virtual-time-budget=20000", "--dump-dom", address,
        ],
        capture_output=True, text=True, timeout=180, check=True,
    )  # fmt: skip
    return shown.stdout


def without_browser(address: str) -> str:
    base, _, path = address.partition("/dashboard")
    content = fetch(address)
    if "/artifacts/" in address:
        return f"({int.from_bytes(content[16:20])}×{int.from_bytes(content[20:24])})"
    assert b"<html" in content
    number = re.search(r"studies/(\d+)", path)
    told = json.loads(fetch(f"{base}/api/studies{f'/{number[1]}' if number else ''}"))
    drawn = "Intermediate values" if told.get("has_intermediate_values") else ""
    return drawn + json.dumps(told, ensure_ascii=False)


@pytest.mark.slow
def test_in_a_real_browser(searched, tmp_path):
    with served(searched) as address:
        home = page(f"{address}/dashboard", tmp_path)
        for header in _headers():
            assert header.title in home
        study = page(f"{address}/dashboard/studies/0", tmp_path)
        assert _headers()[0].title in study and "Intermediate values" in study
        note = page(f"{address}/dashboard/studies/0/note", tmp_path)
        assert "Which contrastive loss lets the current borrow most" in note
        image = re.search(r"/artifacts/0/\d+/[0-9a-f]{32}", note)
        # A browser that has decoded an image says its size in the title of the page.
        size = re.search(r"\((\d+)×(\d+)\)", page(address + image[0], tmp_path))
        assert int(size[1]) > 500 and int(size[2]) > 300
