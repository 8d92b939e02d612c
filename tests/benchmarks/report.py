"""Wall time and peak memory of a whole ``precursor report`` over many records.

    python tests/benchmarks/report.py [--records 10000] [--seeds 50] [--keep FOLDER]

Makes a study of (records / seeds) arms, writes one record a cell into a temporary store (scores,
diagnostics, curves and provenance as a cell writes them; predictions of 8760 windows in 40 recordings)
and times the command as a user types it. The bars: 10,000 records in 10 s, 100,000 in 60 s, below
2 GB. ``--profile`` prints instead where the time of one call goes. Only meaningful on an otherwise
idle machine.
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import os
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.identity import canonical
from bench.store import Record, pack
from bench.study import Cell, load

MODALITIES = ("ceiling", "code_table.current", "code_table.video", "current", "probe.current", "video")
MEASURES = ("accuracy", "auprc", "auroc", "balanced_accuracy", "f1", "false_alarm_rate", "mcc", "recall")
WINDOWS, GROUPS, KINDS = 8760, 40, 32
STUDY = """
question: Which learning rate?
dataset: {{name: furnace, world: hard, seed: 0}}
seeds: {seeds}
baseline: {{optimizer: {{name: adam, learning_rate: 0.001}}}}
changes:
{changes}
controls: [shuffled_pairs]
references: [supervised_current]
"""


def main() -> None:
    """Make the records, run the command, print times and memory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--keep", type=Path, help="make the records here, or use those made before")
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        study = folder / "many.yaml"
        if not study.exists():
            make(folder, asked.records, asked.seeds)
        if asked.profile:
            profile(study, folder)
        else:
            measure(study, folder)


def make(folder: Path, records: int, seeds: int) -> None:
    """Write a study and a record for each of its cells, in an order that is no order."""
    arms = max(1, records // seeds - 2)
    rates = [0.0011 + 0.001 * i / arms for i in range(arms - 1)]
    changes = "\n".join(
        f"  rate {i:04}: {{optimizer.learning_rate: {rate:.8f}}}" for i, rate in enumerate(rates)
    )
    text = STUDY.format(seeds=seeds, changes=changes if changes else "  {}")
    store = folder / "records"
    store.mkdir(parents=True)
    (folder / "many.yaml").write_text(text)
    cells = load(folder / "many.yaml").cells()
    generator = np.random.default_rng(0)
    made = list(predictions(generator))
    for i, (payload, _) in enumerate(made):
        (folder / f"{i}.npz").write_bytes(payload)
    digests = [hashlib.sha256(payload).hexdigest() for payload, _ in made]
    for place in generator.permutation(len(cells)):
        cell, kind = cells[place], int(generator.integers(KINDS))
        score = 0.5 if cell.arm == "shuffled_pairs" else made[kind][1]
        write(store, cell, score, digests[kind], generator)
        os.link(folder / f"{kind}.npz", store / f"{cell.key}.0.npz")


def write(store: Path, cell: Cell, score: float, digest: str, generator: np.random.Generator) -> None:
    """Write one record as the store does, without its locks and flushes."""
    scores = {f"{m}.{name}": float(generator.uniform(0.5, 0.9)) for m in MODALITIES for name in MEASURES}
    scores |= {"current.balanced_accuracy": score, "ceiling.balanced_accuracy": 0.825}
    names = ("alignment", "code_matching", "commitment", "effective_rank.current", "retrieval")
    names += tuple(f"validation.current.{name}" for name in MEASURES)
    curve = [{"epoch": e, **{name: float(generator.uniform()) for name in names}} for e in range(1, 7)]
    record = Record(
        cell.key,
        0,
        "done",
        cell=cell.content,
        scores=scores,
        diagnostics={name: float(generator.uniform()) for name in ("kappa", "overlap", "retrieval")},
        curve=curve,
        cost={"cpu_seconds": 6.0, "wall_seconds": 7.0, "peak_mb": 500.0, "parameters": 56152},
        provenance={"commit": "6545006b05ae", "dirty": "no", "numpy": "2.4.6", "torch": "2.13.0+cpu"},
    )
    payload: dict[str, Any] = {**record.payload(), "npz": digest}
    body = canonical(payload).encode()
    checksum = hashlib.sha256(body).hexdigest().encode()
    (store / f"{cell.key}.0.json").write_bytes(b'{"checksum":"' + checksum + b'","record":' + body + b"}\n")


def predictions(generator: np.random.Generator) -> Iterator[tuple[bytes, float]]:
    """Yield the predictions of some runs on one test part, with their balanced accuracy."""
    label = (generator.random(WINDOWS) < 0.4).astype(np.int8)
    group = np.repeat(np.arange(GROUPS), WINDOWS // GROUPS).astype(np.int32)
    for _ in range(KINDS):
        score = 1 / (1 + np.exp(-generator.normal(1.2 * (label - 0.5), 1.0)))
        called = score > 0.5
        balanced = (called[label == 1].mean() + (~called)[label == 0].mean()) / 2
        arrays = pack(
            {
                "score": score.astype(np.float32),
                "label": label,
                "group": group,
                "recording": group,
                "end": np.arange(WINDOWS) * 5.0,
            }
        )
        yield arrays, float(balanced)


def measure(study: Path, folder: Path) -> None:
    """Run the command twice and print time, memory and whether the bytes are the same."""
    count = sum(1 for _ in (folder / "records").glob("*.json"))
    seen = []
    for _ in range(2):
        begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "bench.cli", "report", str(study), "--out", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - begin
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"{count} records: {wall:.1f} s ({cpu:.1f} s of CPU), at most {after.ru_maxrss / 1024:.0f} MiB")
        report = next((folder / "many").glob("*/report.html")).parent
        seen.append({path: path.read_bytes() for path in sorted(report.rglob("*")) if path.is_file()})
    print(f"same bytes twice: {'yes' if seen[0] == seen[1] else 'NO'}")
    for path, content in sorted(seen[0].items(), key=lambda item: -len(item[1]))[:6]:
        print(f"  {len(content) / 1e6:6.2f} MB  {path.relative_to(report)}")


def profile(study: Path, folder: Path) -> None:
    """Print where the time of one call goes."""
    from click.testing import CliRunner

    from bench.cli import main as command

    with cProfile.Profile(time.process_time) as recorded:
        CliRunner().invoke(command, ["report", str(study), "--out", str(folder)], catch_exceptions=False)
    pstats.Stats(recorded).sort_stats("cumulative").print_stats(70)


if __name__ == "__main__":
    main()
