"""Wall time of a whole grid over what its cells themselves needed: the price of the harness.

    python tests/benchmarks/overhead.py [STUDY] [--workers N] [--set KEY=VALUE ...]

Runs the study from an empty record (data already prepared, so that the simulator is not counted as
harness) and prints wall / (sum of cell CPU seconds / workers). 1.00 would be no overhead; the bar
is 1.15. Only meaningful on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.grid import find_study, prepare_data
from bench.store import Store
from bench.study import load


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", nargs="?", default="contrastive_loss")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    asked = parser.parse_args()
    study = find_study(asked.study)
    prepare_data(load(study, settings=tuple(asked.settings)))
    settings = [word for setting in asked.settings for word in ("--set", setting)]
    with tempfile.TemporaryDirectory() as out:
        command = ["grid", str(study), "--out", out, "--workers", str(asked.workers), *settings]
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "bench.cli", *command], check=True, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - begin
        records = list(Store(Path(out)).records())
    cpu = sum(record.cost["cpu_seconds"] for record in records)
    cells = sum(record.cost["wall_seconds"] for record in records)
    print(f"{len(records)} cells, {asked.workers} workers: wall {wall:.1f} s")
    print(
        f"sum of cell CPU   {cpu:.1f} s: wall * workers / CPU = {wall * asked.workers / cpu:.3f} (bar 1.15)"
    )
    print(f"sum of cell wall  {cells:.1f} s: wall * workers / it  = {wall * asked.workers / cells:.3f}")


if __name__ == "__main__":
    main()
