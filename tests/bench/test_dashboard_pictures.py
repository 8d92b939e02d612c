"""The dashboard's figures: drawn where there is something to see, the same bytes for the same record."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import searched_folder as folder

from bench.dashboard import pictures
from bench.search.log import Trial

HEADER, TRIAL = folder.header("infonce", "a" * 16), Trial(3, {}, ("c0", "c1"))
SIGNATURE = b"\x89PNG\r\n"


def _moving(epochs: int, codes: int, width: int = 4) -> np.ndarray:
    rng = np.random.default_rng(0)
    steps = rng.normal(0, 0.1, size=(epochs, codes, width)).cumsum(axis=0)
    return (rng.normal(size=(1, codes, width)) + steps).astype(np.float16)


def test_the_same_codebook_gives_the_same_bytes():
    first, second = (pictures.codebook(HEADER, TRIAL, _moving(3, 12), "seed 0") for _ in range(2))
    assert first is not None and first == second and first.startswith(SIGNATURE)
    assert first != pictures.codebook(HEADER, TRIAL, _moving(4, 12), "seed 0")


@pytest.mark.parametrize(
    "codebooks",
    [
        np.ones((3, 8, 4), np.float16),
        np.full((3, 8, 4), np.nan, np.float16),
        np.full((3, 8, 4), np.inf, np.float16),
        _moving(1, 4),
    ],
)
def test_a_codebook_in_which_nothing_can_be_seen_is_not_drawn(codebooks):
    assert pictures.codebook(HEADER, TRIAL, codebooks, "seed 0") is None


@pytest.mark.parametrize(("epochs", "codes"), [(1, 5), (2, 3), (30, 7), (2, 300)])
def test_codebooks_of_any_size_are_drawn(epochs, codes):
    drawn = pictures.codebook(HEADER, TRIAL, _moving(epochs, codes), "seed 0")
    assert drawn is not None and drawn.startswith(SIGNATURE)


def test_codes_that_are_apart_are_drawn_apart_and_keep_their_order():
    rng = np.random.default_rng(0)
    groups = np.repeat([[0.0], [50.0]], 15, axis=0)
    shown = groups + rng.normal(size=(3, 30, 6))
    places, trust, hue = pictures._embedded(shown)
    assert places.shape == (3, 30, 2) and trust > 0.9
    centres = [places[:, :15].mean(axis=(0, 1)), places[:, 15:].mean(axis=(0, 1))]
    spread = max(np.linalg.norm(places[:, :15] - centres[0], axis=2).max(), 1e-9)
    assert np.linalg.norm(centres[0] - centres[1]) > spread
    assert sorted(hue) == list(range(30))
    assert {*hue[:15]} in ({*range(15)}, {*range(15, 30)}), "the first axis tells the groups apart"


def test_a_learning_curve_with_gaps_and_of_unequal_length_is_drawn():
    name = f"validation.{folder.METRIC}"
    curves = {
        "seed 0": [{"epoch": 1, "alignment": 2.0, name: None}, {"epoch": 2, "alignment": 1.0, name: 0.7}],
        "seed 1": [{"epoch": 1, "alignment": 2.0}],
        "seed 2": [],
    }
    drawn = pictures.learning_curve(HEADER, TRIAL, curves)
    assert drawn is not None and drawn.startswith(SIGNATURE)
    assert drawn == pictures.learning_curve(HEADER, TRIAL, curves)


def test_nothing_is_drawn_of_a_trial_that_told_nothing():
    assert pictures.learning_curve(HEADER, TRIAL, {"seed 0": []}) is None
    assert pictures.learning_curve(HEADER, TRIAL, {}) is None
