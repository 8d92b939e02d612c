"""What a run leaves for the figures that look inside of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cell.run import run
from bench.grid import prepare_data
from bench.store import pack
from bench.study import load

LIMIT = 50_000  # bytes a run may leave beside its predictions


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], dict[str, Any]]:
    from conftest import TINY  # noqa: PLC0415

    path: Path = tmp_path_factory.mktemp("study") / "tiny.yaml"
    path.write_text(TINY)
    study = load(path)
    data = str(prepare_data(study))
    return {
        (cell.arm, cell.unit.seed): list(run(cell.content, data))[-1]
        for cell in study.cells()
        if (cell.arm, cell.unit.seed) in {("baseline", 0), ("baseline", 1), ("no_pretraining", 0)}
    }


def test_codes_are_counted_on_the_test_part(left: dict[tuple[str, int], dict[str, Any]]) -> None:
    for found in left.values():
        arrays, told = found["predictions"], found["diagnostics"]
        usage, (own, other, often) = arrays["code_usage"], arrays["code_pairs"]
        assert usage.sum() % len(arrays["label"]) == 0 and (usage >= 0).all()
        assert often.sum() == usage[1].sum(), "every step of the video meets one of the current"
        assert often[own == other].sum() / often.sum() == pytest.approx(told["equal_codes"])
        assert list(often) == sorted(often, reverse=True)


def test_one_seed_of_a_method_leaves_a_sample(left: dict[tuple[str, int], dict[str, Any]]) -> None:
    arrays = left["baseline", 0]["predictions"]
    space, rows = arrays["space"], arrays["space_rows"]
    assert space.shape[:3] == (2, 2, len(rows)) and space.dtype == np.float16
    assert np.isfinite(space).all() and (np.diff(rows) > 0).all() and rows[-1] < len(arrays["label"])
    assert not np.allclose(space[0], space[1], atol=0.05), "pre-training moved the windows"
    for other in (("baseline", 1), ("no_pretraining", 0)):
        assert "space" not in left[other]["predictions"]


def test_what_is_left_is_small(left: dict[tuple[str, int], dict[str, Any]]) -> None:
    for found in left.values():
        arrays = found["predictions"]
        plain = {name: arrays[name] for name in ("score", "label", "group", "recording", "end")}
        assert len(pack(arrays)) - len(pack(plain)) < LIMIT
