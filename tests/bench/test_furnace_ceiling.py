import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_t
from sklearn.metrics import balanced_accuracy_score

from bench.data.furnace import Furnace, FurnaceParameters, current, regime
from bench.data.furnace.ceiling import OBSERVERS, gains, log_likelihood
from bench.data.furnace.chain import Chain
from bench.data.furnace.inference import Question, answer, predicted
from bench.data.furnace.world import WORLDS
from bench.data.windows import Track, cut

STD = WORLDS["std"]


@pytest.fixture(scope="module")
def tiny():
    """Two stages, two levels, nothing symmetric."""
    transition = np.random.default_rng(0).dirichlet(np.ones(4), 4)
    stationary = np.linalg.matrix_power(transition, 500)[0]
    return Chain(transition, stationary, np.array([0.0, 0.0, 1.0, 1.0]), 2)


def enumerate_paths(chain, logs, weights, moments, shares):
    """P(abnormal at the moments | logs) by summing over every path from the first moment to the last."""
    low, high = min(0, *moments), max(len(logs) - 1, *moments)
    top = bottom = 0.0
    for path in itertools.product(range(4), repeat=high - low + 1):
        chance = chain.stationary[path[0]] * np.prod(chain.transition[path[:-1], path[1:]])
        level = [path[step - low] % 2 for step in range(len(logs))]
        seen = sum(w * np.exp(logs[np.arange(len(logs)), v, level].sum()) for v, w in enumerate(weights))
        bottom += chance * seen
        asked = chain.abnormal[[path[moment - low] for moment in moments]]
        top += chance * seen * (np.array(shares) @ asked)
    return top / bottom


@pytest.mark.parametrize(
    "moments", [(-2, -1), (0, 0), (0, 1), (2, 2), (3, 5), (-1, 4)], ids=lambda moments: str(moments)
)
def test_answer_equals_enumeration_of_all_paths(tiny, moments):
    logs = np.random.default_rng(1).normal(0, 2, (2, 3, 2, 2))
    weights, shares = np.array([0.3, 0.7]), np.array([0.6, 0.4])
    question = Question.at(tiny, 3, np.array(moments), shares)
    found = answer(tiny, question, tiny.stationary, logs, weights)
    expected = [enumerate_paths(tiny, each, weights, moments, shares) for each in logs]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_predicted_equals_enumeration_and_history_can_be_handed_over(tiny):
    logs = np.random.default_rng(2).normal(0, 2, (1, 4, 2))
    prior = predicted(tiny, logs)
    np.testing.assert_allclose(prior.sum(axis=-1), 1, atol=1e-12)
    np.testing.assert_allclose(prior[0, 0], tiny.stationary)
    one = np.ones(1)
    for step in (1, 2, 3):
        expected = enumerate_paths(tiny, logs[0, :step, None], one, (step, step), (1.0, 0.0))
        assert prior[0, step] @ tiny.abnormal == pytest.approx(expected, rel=1e-10)
    # Two steps after a filtered past say the same as all four steps at once.
    short = answer(tiny, Question.at(tiny, 2, np.array([0]), one), prior[:, 2], logs[:, 2:, None], one)
    assert short[0] == pytest.approx(
        enumerate_paths(tiny, logs[0, :, None], one, (2, 2), (1.0, 0.0)), rel=1e-10
    )


def test_answers_for_a_condition_and_its_opposite_sum_to_one(tiny):
    logs = np.random.default_rng(3).normal(0, 30, (50, 40, 2, 2))
    weights, moments = np.array([0.5, 0.5]), np.arange(-5, 60)
    shares = np.full(65, 1 / 65)
    both = [
        answer(c, Question.at(c, 40, moments, shares), c.stationary, logs, weights)
        for c in (tiny, replace(tiny, abnormal=1 - tiny.abnormal))
    ]
    assert (both[0] > 0).all() and (both[0] < 1).all()
    np.testing.assert_allclose(both[0] + both[1], 1, atol=1e-12)


def test_likelihood_is_the_trivariate_t_of_the_equations():
    course = regime.simulate(STD, 5, np.random.default_rng(0))
    signal = current.simulate(STD, course, np.random.default_rng(0))
    gain = np.array([0.8, 1.3])
    found = log_likelihood(STD, signal, gain)
    assert found.shape == (5, 2, 3)
    expected = np.zeros((5, 2, 3))
    for sample, g, m in itertools.product(range(20), range(2), range(3)):
        rho, nu = STD.noise_correlation[m], STD.noise_freedom
        sd = gain[g] * STD.noise_sd[m] * signal.setpoint[sample] / 10
        shape = sd**2 * ((1 - rho) * np.eye(3) + rho) * (nu - 2) / nu
        innovation = signal.noise[1 + sample] - STD.noise_decay[m] * signal.noise[sample]
        expected[sample // 4, g, m] += multivariate_t.logpdf(innovation, np.zeros(3), shape, nu)
    constant = expected - found
    np.testing.assert_allclose(constant, np.broadcast_to(constant[:, :1, :1], constant.shape), atol=1e-9)


def test_nodes_integrate_the_gain():
    node, weight = gains(STD)
    assert weight.sum() == pytest.approx(1)
    assert weight @ node == pytest.approx(np.exp(STD.gain_sd**2 / 2), rel=1e-4)
    assert weight @ np.log(node) ** 2 == pytest.approx(STD.gain_sd**2, rel=2e-3)


class Unrendered:
    """Windows of a furnace and their ceilings, without a picture being drawn."""

    def __init__(self, world, recordings, lead=None, **spec):
        self.source = Furnace(FurnaceParameters(world=world, seed=11, recordings=recordings, lead=lead))
        self.spec = replace(self.source.windows, **spec)
        label, tracks = [], []
        for i in range(recordings):
            law = self.source.world
            visible = regime.simulate(law, 3600, law.generator(11, i, "regime")).visible[law.preroll :]
            frames = visible.reshape(1200, 3)
            label.append(np.stack([frames.mean(axis=1), frames[:, -1]], axis=1))
            name = f"batch-{i:03d}"
            tracks.append(Track(name, name, -1, 0.0, 0.0, 1200 * i, 1200, 0.0, 1200 * i, 1200, 0.0))
        self.tracks, self.label = tuple(tracks), np.concatenate(label)

    def at(self, lead):
        windows = cut(self.tracks, self.label, self.spec, lead)
        return windows, self.source.ceiling(self.tracks, windows, self.spec)


@pytest.fixture(scope="module")
def std():
    return Unrendered("std", 40)


@pytest.fixture(scope="module")
def at_240(std):
    return std.at(240.0)


def miscalibration(windows, chance):
    """|observed - predicted| in bins, in standard errors; windows of one recording are not independent."""
    found = []
    edges = np.array([0.06, 0.2, 0.4, 0.6, 0.8, 0.94])
    for each in range(len(edges) + 1):
        rows = np.digitize(chance, edges) == each
        excess = np.bincount(windows.recording[rows], (windows.label - chance)[rows])
        binomial = (chance * (1 - chance))[rows].sum()
        found.append(abs(excess.sum()) / np.sqrt(max((excess**2).sum(), binomial)))
    return max(found)


@pytest.mark.parametrize("observer", OBSERVERS)
def test_posteriors_are_calibrated_and_the_test_would_notice_if_not(at_240, observer):
    windows, found = at_240
    chance = found[observer]
    assert (chance > 0).all() and (chance < 1).all()
    assert miscalibration(windows, chance) < 3.5
    assert miscalibration(windows, chance**1.6) > 4
    assert miscalibration(windows, np.clip(1.3 * chance - 0.15, 0.001, 0.999)) > 4


@pytest.mark.slow
@pytest.mark.parametrize("lead", [30.0, 520.0])
def test_posteriors_are_calibrated_whatever_the_mean_lead(lead):
    plant = Unrendered("std", 40, lead=lead)
    windows, found = plant.at(lead)
    for observer in OBSERVERS:
        assert miscalibration(windows, found[observer]) < 3.5, observer
    right, wrong = scores(windows, found), scores(*plant.at(lead + 240.0 if lead < 300 else lead - 240.0))
    assert right["window_u"] == pytest.approx(0.89, abs=0.035) and wrong["window_u"] < right["window_u"] - 0.1


def scores(windows, found):
    base = windows.label.mean()
    return {name: balanced_accuracy_score(windows.label, chance > base) for name, chance in found.items()}


def test_knowing_more_is_never_worse_and_the_right_lead_is_the_best(std, at_240):
    right = scores(*at_240)
    assert right["window_u"] <= right["window"] + 0.005 <= right["full"] + 0.01
    assert right["window_u"] == pytest.approx(0.89, abs=0.025)
    assert right["full"] == pytest.approx(0.916, abs=0.025)
    none, long = (scores(*std.at(lead)) for lead in (0.0, 600.0))
    assert max(none["window"], none["window_u"], *long.values()) < 0.66
    # The whole past holds the cause of what is on video now, wherever it lies.
    assert none["full"] > 0.9


def test_hard_is_harder():
    hard = scores(*Unrendered("hard", 40).at(240.0))
    assert hard["window_u"] == pytest.approx(0.83, abs=0.025)
    assert hard["full"] == pytest.approx(0.86, abs=0.025)


def test_ceiling_of_other_cuts_is_calibrated_too():
    odd = Unrendered("std", 12, current_seconds=45.0, current_steps=9, label="last", stride=18.0)
    windows, found = odd.at(233.0)
    assert set(found) == set(OBSERVERS)
    assert miscalibration(windows, found["window_u"]) < 3.5
    assert scores(windows, found)["window_u"] > 0.85


def test_a_window_has_the_ceiling_it_has_alone(std, at_240):
    windows, found = at_240
    keep = np.flatnonzero(np.isin(windows.recording, (3, 20)))[::7]
    columns = (getattr(windows, name) for name in windows.__dataclass_fields__)
    alone = type(windows)(*(None if column is None else column[keep] for column in columns))
    again = std.source.ceiling(std.tracks, alone, std.spec)
    for name in OBSERVERS:
        np.testing.assert_allclose(again[name], found[name][keep], atol=1e-12)


def test_full_reads_from_the_first_second_when_the_margin_is_small():
    early = Unrendered("std", 12, margin=0.0)
    windows, found = early.at(0.0)
    assert windows.begin.min() == 0
    assert miscalibration(windows, found["full"]) < 3.5
