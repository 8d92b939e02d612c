"""What a run leaves for the figures that look inside of it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cell.album import COUNTED, Album, evenly, stages
from bench.cell.run import run
from bench.grid import prepare_data
from bench.store import pack
from bench.study import load

LIMIT, FIRST_LIMIT = 30_000, 90_000  # bytes a run may leave beside its predictions, and one of seed 0


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[tuple[str, int], dict[str, Any]], str]:
    from conftest import TINY  # noqa: PLC0415

    path: Path = tmp_path_factory.mktemp("study") / "tiny.yaml"
    path.write_text(TINY)
    study = load(path)
    return {(cell.arm, cell.unit.seed): cell.content for cell in study.cells()}, str(prepare_data(study))


@pytest.fixture(scope="module")
def tiny_cell(cells: tuple[dict[tuple[str, int], dict[str, Any]], str]) -> tuple[dict[str, Any], str]:
    return cells[0]["baseline", 0], cells[1]


@pytest.fixture(scope="module")
def left(cells: tuple[dict[tuple[str, int], dict[str, Any]], str]) -> dict[tuple[str, int], dict[str, Any]]:
    found, data = cells
    asked = (("baseline", 0), ("baseline", 1), ("no_pretraining", 0))
    return {name: list(run(found[name], data))[-1] for name in asked}


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
    assert arrays["space_epochs"].tolist() == [0, 1, 2]
    assert space.shape[:3] == (3, 2, len(rows)) and space.dtype == np.float16
    assert np.isfinite(space).all() and (np.diff(rows) > 0).all() and rows[-1] < len(arrays["label"])
    for one, two in itertools.pairwise(space):
        assert not np.allclose(one, two, atol=0.05), "every epoch moved the windows"
    course = arrays["code_course"]
    assert arrays["code_epochs"].tolist() == [0, 1, 2] and course.shape[:2] == (3, 2)
    assert len(set(course[:, 0].sum(axis=1))) == 1 and not (course[0] == course[2]).all()
    for other in (("baseline", 1), ("no_pretraining", 0)):
        assert not {"space", "code_course"} & set(left[other]["predictions"])


def test_the_last_count_is_that_of_the_method_that_is_read(
    left: dict[tuple[str, int], dict[str, Any]],
) -> None:
    arrays = left["baseline", 0]["predictions"]
    assert len(arrays["label"]) <= COUNTED, "all windows are counted"
    np.testing.assert_array_equal(arrays["code_course"][-1], arrays["code_usage"])


def test_looking_changes_nothing(
    left: dict[tuple[str, int], dict[str, Any]],
    tiny_cell: tuple[dict[str, Any], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell, data = tiny_cell
    monkeypatch.setattr("bench.cell.run.album_of", lambda *_: Album())
    blind = list(run(cell, data))[-1]
    assert "space" not in blind["predictions"]
    np.testing.assert_array_equal(
        list(blind["scores"].values()), list(left["baseline", 0]["scores"].values())
    )


def test_each_epoch_tells_how_the_codes_are_used(tiny_cell: tuple[dict[str, Any], str]) -> None:
    cell, data = tiny_cell
    epochs = [told for told in run(cell, data) if "epoch" in told]
    for told in epochs:
        assert told["kappa"] <= told["equal_codes"] <= 1
        assert 1 <= told["perplexity.current"] <= told["active_codes"]
    assert [told["epoch"] for told in epochs] == [1, 2]


def test_what_is_left_is_small(left: dict[tuple[str, int], dict[str, Any]]) -> None:
    for (_, seed), found in left.items():
        arrays = found["predictions"]
        plain = {name: arrays[name] for name in ("score", "label", "group", "recording", "end")}
        assert len(pack(arrays)) - len(pack(plain)) < (LIMIT if seed else FIRST_LIMIT)


def test_what_is_kept_is_bounded_whatever_the_budget() -> None:
    assert stages(30) == (0, 1, 15, 30) and stages(1) == (0, 1)
    assert evenly(31, 9).tolist() == [0, 4, 8, 11, 15, 19, 22, 26, 30]
    assert evenly(3, 9).tolist() == [0, 1, 2]
