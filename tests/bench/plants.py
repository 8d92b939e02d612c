"""Small folders of a plant, written by hand for the tests."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

SECONDS = 900
RATE, FRAMES = 2.0, 0.5
BEGIN = pd.Timestamp("2026-03-02T08:00:00+08:00")
LABELS = [(300.0, 420.0, "abnormal"), (600.0, 700.0, "abnormal")]


def lay(root: Path, count: int = 2, *, wall: bool = False, labels=LABELS, said=None) -> Path:
    """Write recordings a, b, ...: noise at 2 Hz, 8 x 8 pictures every two seconds, two intervals."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "plant.yaml").write_text(yaml.safe_dump(said or {"video": {"offset": 0, "fps": FRAMES}}))
    for number in range(count):
        folder = root / "abcdefgh"[number]
        folder.mkdir()
        generator = np.random.default_rng(number)
        write_current(folder, generator.normal(10, 1, (round(SECONDS * RATE), 3)), wall=wall)
        pictures = generator.integers(0, 256, (round(SECONDS * FRAMES), 8, 8, 3), dtype=np.uint8)
        np.save(folder / "video.npy", pictures)
        write_labels(folder, labels, wall=wall)
    return root


def times(seconds, *, wall: bool = False) -> list:
    """Seconds, or the same on a clock on the wall."""
    return [(BEGIN + pd.Timedelta(seconds=s)).isoformat() if wall else s for s in np.asarray(seconds, float)]


def write_current(
    folder: Path, values, seconds=None, *, wall: bool = False, name: str = "current.csv"
) -> None:
    seconds = np.arange(len(values)) / RATE if seconds is None else seconds
    columns = dict(zip(("Ia", "Ib", "Ic"), np.asarray(values).T, strict=False))
    pd.DataFrame({"time": times(seconds, wall=wall), **columns}).to_csv(folder / name, index=False)


def write_labels(folder: Path, rows, *, wall: bool = False) -> None:
    begin, end, kind = zip(*rows, strict=True) if rows else ((), (), ())
    table = {"begin": times(begin, wall=wall), "end": times(end, wall=wall), "class": kind}
    pd.DataFrame(table).to_csv(folder / "labels.csv", index=False)
