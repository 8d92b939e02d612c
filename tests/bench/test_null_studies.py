"""A few hundred simulated studies: the committed table has thousands (tests/benchmarks/null_studies.py)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests/benchmarks/null_studies.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("null_studies", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for their types
    spec.loader.exec_module(module)
    return module


def test_noise_is_what_it_says(script: ModuleType) -> None:
    generator = np.random.default_rng(0)
    plain = script.NORMAL.scores(generator, 4000, [0.02])
    difference = plain[1:] - plain[0]
    assert difference.std(axis=1) == pytest.approx(script.SD * np.ones(5), rel=0.05)
    assert difference.mean(axis=1) == pytest.approx([0.02, 0, 0, 0, 0], abs=5 * script.SD / 4000**0.5)
    assert np.corrcoef(plain)[0, 1] == pytest.approx(script.SEED_SD**2 / plain[0].var(), abs=0.05)
    unequal = script.UNEQUAL.scores(generator, 4000)
    low = (unequal < 0.6).mean(axis=1)
    assert low == pytest.approx([0.03, 0.1, 0.1, 0.1, 0.1, 0.1], abs=0.02)
    assert (unequal[1:] - unequal[0]).mean() == pytest.approx(script.UNEQUAL.difference, abs=0.004)


@pytest.mark.slow
def test_a_short_run_holds(script: ModuleType) -> None:
    """300 studies: what lies more than three standard errors beyond a bound is wrong.

    A rate of .05 has one of .013; where few studies differ, their spread alone would say too little.
    """
    for row in script.run(300, 1):
        if row.why:
            continue
        slack = 3 * max(row.error / 1.96, 0.013)
        assert row.low - slack <= row.measured <= row.high + slack, row.what


def test_the_same_seed_gives_the_same_page(script: ModuleType) -> None:
    generators = [np.random.default_rng(3) for _ in range(2)]
    first, second = (list(script.null_rows(script.RARE, 20, generator)) for generator in generators)
    assert [row.cells() for row in first] == [row.cells() for row in second]


def test_the_committed_table_holds() -> None:
    text = (ROOT / "results/reference/null_studies.md").read_text(encoding="utf-8")
    assert text.startswith("# Simulated studies")
    assert "2000 studies a line" in text
    assert "--studies 2000 --seed 0 --write results/reference/null_studies.md" in text
    rows = [line for line in text.splitlines() if line.endswith("| yes |")]
    assert len(rows) >= 20
    assert "**no** |" not in text, "a claim that does not hold says why"
    missed = [
        line.rsplit("|", 2)[1].split(": ")[1].strip() for line in text.splitlines() if "**no**: " in line
    ]
    assert set(missed) <= {
        "few pairs do not see what is rare",
        "errs on the safe side",
        "collapses cost power",
    }


def test_a_skewed_null_is_a_null_and_is_not_kept(script: ModuleType) -> None:
    generator = np.random.default_rng(2)
    drawn = script.SKEWED.scores(generator, 40_000)
    assert (drawn[1:] - drawn[0]).mean() == pytest.approx(0, abs=0.001)
    (false, *_) = script.null_rows(script.SKEWED, 60, generator)
    assert false.measured > 0.2 and not false.holds and "**no**: few" in false.cells()[-1]
    both = script.RARE.scores(generator, 40_000)
    assert script.RARE.sd == pytest.approx((both[1] - both[0]).std(), rel=0.03)
