import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.store import Record, Store, plain


def record(key="a1", attempt=0, outcome="done", **parts) -> Record:
    scores = parts.pop("scores", {"current.auroc": 0.75})
    return Record(key, attempt, outcome, cell={"arm": {"lead": 240.0}}, scores=scores, **parts)


def arrays() -> dict[str, np.ndarray]:
    return {"score": np.linspace(0, 1, 50, dtype=np.float32), "label": np.arange(50) % 2}


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def test_a_record_comes_back_whole(store):
    given = record(
        message="fine",
        diagnostics={"perplexity": np.float64(3.5), "codes": np.int64(7), "table": np.eye(2), "ok": True},
        curve=[{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": None}],
        cost={"cpu_seconds": 1.5},
        provenance={"commit": "abc", "text": "naïve – ü"},
        predictions=arrays(),
    )
    store.put(given)
    found = Store(store.root).get("a1")
    assert found is not None and found.done
    assert found.payload() == given.payload()
    assert found.diagnostics == {"perplexity": 3.5, "codes": 7, "table": [[1.0, 0.0], [0.0, 1.0]], "ok": True}
    kept = store.predictions("a1")
    assert kept is not None and set(kept) == {"score", "label"}
    for name, array in arrays().items():
        np.testing.assert_array_equal(kept[name], array)
        assert kept[name].dtype == array.dtype


def test_the_checksums_are_sha256_of_what_is_on_disk(store):
    path = store.put(record(predictions=arrays()))
    text = path.read_text()
    body = text[text.index('"record":') + len('"record":') : -2]
    content = json.loads(text)
    assert content["checksum"] == hashlib.sha256(body.encode()).hexdigest()
    assert content["record"]["npz"] == hashlib.sha256(path.with_suffix(".npz").read_bytes()).hexdigest()


def test_numbers_that_are_not_finite_are_never_numbers(store):
    path = store.put(record(scores={"a": float("nan"), "b": np.inf, "c": 0.5}, curve=[{"loss": -np.inf}]))
    found = store.get("a1")
    assert found is not None
    assert found.scores == {"a": None, "b": None, "c": 0.5} and found.curve == [{"loss": None}]
    json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} on disk"))


@pytest.mark.parametrize("value", [{1: 2}, {"a": object()}, {"a": {1, 2}}, {"a": b"x"}])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(TypeError):
        plain(value)


@pytest.mark.parametrize("wrong", [{"outcome": "fine"}, {"key": "../up"}, {"key": ""}, {"attempt": -1}])
def test_records_that_make_no_file_name_or_outcome_are_refused(wrong):
    with pytest.raises(ValueError):
        record(**wrong)


def test_put_twice_writes_once(store):
    path = store.put(record(predictions=arrays()))
    before = path.stat()
    assert store.put(record(predictions=arrays())) == path
    assert path.stat().st_ino == before.st_ino and path.stat().st_mtime_ns == before.st_mtime_ns
    assert len(list(store.records())) == 1


def test_a_done_record_stands(store):
    path = store.put(record())
    content = path.read_bytes()
    for other in (record(scores={"a": 1.0}), record(attempt=1), record(attempt=5, outcome="error")):
        assert store.put(other) == path
    assert path.read_bytes() == content
    assert [found.attempt for found in store.records()] == [0]


def test_another_record_under_a_taken_attempt_gets_the_next(store):
    store.put(record(outcome="killed"))
    assert store.put(record(outcome="timeout")).name == "a1.1.json"
    assert store.put(record()).name == "a1.2.json"
    assert [found.outcome for found in store.records()] == ["killed", "timeout", "done"]


def test_get_prefers_done_then_the_latest(store):
    assert store.get("a1") is None and store.attempts("a1") == 0
    store.put(record(outcome="killed"))
    store.put(record(attempt=1, outcome="timeout"))
    latest = store.get("a1")
    assert latest is not None and latest.outcome == "timeout"
    assert store.attempts("a1") == 2 and store.done() == set()
    store.put(record(attempt=2))
    done = store.get("a1")
    assert done is not None and done.done and store.done() == {"a1"} and store.attempts("a1") == 3


def test_records_come_in_one_order(store):
    for key, attempt in [("b", 0), ("a", 2), ("a", 10), ("c", 0), ("a", 1)]:
        store.put(record(key, attempt, "error"))
    order = [(found.key, found.attempt) for found in Store(store.root).records()]
    assert order == [("a", 1), ("a", 2), ("a", 10), ("b", 0), ("c", 0)]


def test_a_torn_file_reads_as_absent(store):
    path = store.put(record())
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        fresh = Store(store.root)
        assert fresh.get("a1") is None and fresh.damaged() == ["a1.0.json"]
    path.write_bytes(content)
    assert Store(store.root).done() == {"a1"}


def test_an_altered_byte_reads_as_absent(store):
    path = store.put(record())
    content = path.read_bytes()
    for at in range(len(content)):
        altered = bytearray(content)
        altered[at] ^= 1
        path.write_bytes(altered)
        fresh = Store(store.root)
        assert not fresh.done() and fresh.attempts("a1") == 0 and fresh.damaged() == ["a1.0.json"]


def test_a_store_that_has_read_a_file_sees_it_change(store):
    path = store.put(record())
    assert store.done() == {"a1"}
    path.write_bytes(path.read_bytes()[:-5])
    assert store.done() == set()


def test_a_renamed_file_is_not_believed(store):
    path = store.put(record())
    path.rename(path.with_name("b2.0.json"))
    assert store.get("b2") is None and store.damaged() == ["b2.0.json"]


def test_a_damaged_file_makes_room_for_the_attempt(store):
    path = store.put(record())
    path.write_bytes(b"{")
    assert store.put(record()) == path and store.done() == {"a1"} and store.damaged() == []


@pytest.mark.parametrize("harm", ["missing", "altered"])
def test_predictions_are_checked_when_read_and_only_then(store, harm):
    arrays_file = store.put(record(predictions=arrays())).with_suffix(".npz")
    if harm == "missing":
        arrays_file.unlink()
    else:
        content = bytearray(arrays_file.read_bytes())
        content[len(content) // 2] ^= 1
        arrays_file.write_bytes(content)
    assert store.done() == {"a1"} and len(list(store.records())) == 1
    assert store.predictions("a1") is None
    assert store.damaged() == ["a1.0.npz"]


def test_a_record_without_predictions_has_none(store):
    path = store.put(record())
    assert store.predictions("a1") is None and not path.with_suffix(".npz").exists()


def test_objects_are_not_predictions(store):
    with pytest.raises(ValueError):
        store.put(record(predictions={"score": np.array([object()])}))
    assert list(store.records()) == []


def test_another_writer_is_seen_at_once(store):
    other = Store(store.root)
    for n in range(20):
        other.put(record(f"k{n}"))
        assert len(store.done()) == n + 1


def test_reading_creates_nothing(tmp_path):
    store = Store(tmp_path / "new")
    assert store.done() == set() and store.get("a1") is None and store.attempts("a1") == 0
    assert list(store.records()) == [] and store.damaged() == [] and store.predictions("a1") is None
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_a_killed_writer_are_not_records(store):
    (store.root / "records").mkdir()
    (store.root / "records" / "a1.0.json.tmp").write_bytes(b'{"checksum":"')
    (store.root / "records" / "a1.0.npz").write_bytes(b"torn")
    assert list(store.records()) == [] and store.damaged() == []
    store.put(record(predictions=arrays()))
    assert store.damaged() == [] and store.predictions("a1") is not None


WRITER = """
import sys
from bench.store import Record, Store
store = Store(sys.argv[1])
for n in range(25):
    store.put(Record(f"k{n}", 0, "killed", provenance={"writer": sys.argv[2]}))
    store.put(Record(f"k{n}", 1, "done", scores={"writer": float(sys.argv[2])}))
"""


def test_concurrent_writers_lose_and_double_nothing(store):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", WRITER, str(store.root)]
    writers = [subprocess.Popen([*command, str(n)], env=environment) for n in range(4)]
    assert [writer.wait() for writer in writers] == [0] * 4
    found = list(store.records())
    assert store.damaged() == [] and store.done() == {f"k{n}" for n in range(25)}
    assert sum(each.done for each in found) == 25
    for key in store.done():
        attempts = [each for each in found if each.key == key]
        assert attempts[0].outcome == "killed" and attempts[-1].done
        assert [each.attempt for each in attempts] == list(range(len(attempts)))
