"""The figures: what they show, what stands behind them, and that nothing in them overlaps."""

from __future__ import annotations

import io
import itertools
import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_studies import changes, factorial, recorded
from test_report_evidence import BASE, METRIC, evidence, run, synthetic

from bench.cell.traces import code_counts
from bench.report.comparison import compare
from bench.report.drawing import Sketch
from bench.report.evidence import ArmInfo, Evidence
from bench.report.figures import drawings, sketches
from bench.report.figures.agreement import CODES, seriated, shares, together
from bench.report.figures.confusion import count
from bench.report.figures.confusion import shares as class_shares
from bench.report.figures.course import by_last
from bench.report.figures.reliability import binned
from bench.report.figures.space import embed, neighbours, turned
from bench.report.figures.usage import by_rank, perplexity
from bench.report.lang import speaking
from bench.report.style import image, style

SCORES = ["differences", "scores", "slopes"]
INSIDE = [
    "timeline",
    "curves",
    "code_curves",
    "confusion",
    "reliability",
    "code_usage",
    "code_agreement",
    "code_course",
    "space",
]


def drawn(found: Evidence) -> dict[str, Sketch]:
    with style():
        return {each.name: each for each in sketches(compare(found))}


@pytest.fixture(scope="module")
def some() -> dict[str, Sketch]:
    return drawn(changes(4))


@pytest.fixture(scope="module")
def grid() -> dict[str, Sketch]:
    return drawn(factorial())


def test_each_figure_stands_where_the_evidence_supports_it(some: dict[str, Sketch]) -> None:
    assert list(some) == [*SCORES, "critical_difference", "factor_a_factor_with_a_long_name", *INSIDE]
    plain = replace(changes(4), predictions=lambda key: None, curve=lambda key: ())
    assert list(drawn(plain)) == list(some)[:5]
    assert "critical_difference" not in drawn(changes(1, 4)), "two arms have no ranks worth a diagram"
    assert list(drawn(evidence([run("base", s, 0.7 + 0.01 * s) for s in range(3)], (BASE,)))) == ["scores"]


def test_scores_that_are_no_probabilities_are_not_called_at_a_threshold() -> None:
    assert not {"confusion", "reliability"} & set(drawn(synthetic()))
    found = changes(2, 4)
    auroc = replace(found, metric="video.balanced_accuracy")
    assert not {"confusion", "reliability"} & set(drawn(auroc)), "the predictions are the current's"


def test_the_grid_has_factors_and_their_interaction(grid: dict[str, Sketch]) -> None:
    assert {"factor_contrast", "factor_lead", "interaction_lead_contrast"} <= set(grid)
    cells = grid["interaction_lead_contrast"].data
    assert len(cells) == 9 and grid["interaction_lead_contrast"].section == "factors"
    comparison = compare(factorial())
    scores = comparison.evidence.scores(METRIC)
    for row in cells.to_dict("records"):
        arm = f"contrast={row['contrast']}, lead={row['lead']}"
        assert row["mean"] == pytest.approx(scores[arm].mean(), abs=1e-9)
        assert row["low"] < row["mean"] < row["high"]


def test_a_factor_with_a_unit_is_drawn_to_scale(grid: dict[str, Sketch]) -> None:
    axes = grid["factor_lead"].figure.axes[0]
    assert list(axes.get_xticks()) == [0, 120, 240]
    assert axes.get_xlabel() == "lead (s)"
    words = grid["factor_contrast"].figure.axes[0]
    assert list(words.get_xticks()) == [0, 1, 2]


def test_the_data_behind_the_pairs(some: dict[str, Sketch]) -> None:
    comparison = compare(changes(4))
    slopes = some["slopes"].data
    arm = comparison.changes[2]
    own = slopes[slopes["arm"] == arm.info.name]
    np.testing.assert_allclose(own["score"], arm.scores, rtol=0, atol=1e-12)
    assert arm.paired is not None
    assert own["difference"].mean() == pytest.approx(arm.paired.mean, abs=1e-9)
    points = some["differences"].data
    mean = points[points["arm"] == arm.info.name]["mean"].unique()
    assert mean == pytest.approx([arm.paired.mean], abs=1e-9)
    ranks = some["critical_difference"].data
    assert list(ranks["mean_rank"]) == sorted(ranks["mean_rank"])
    assert ranks["mean_rank"].sum() == pytest.approx(15)  # 1 + 2 + 3 + 4 + 5


def test_confusion_by_hand() -> None:
    label, score = np.array([0, 0, 0, 1, 1]), np.array([0.1, 0.5, 0.9, 0.2, 0.8])
    counts = count(label, score)  # 0.5 is not above the threshold
    assert counts.tolist() == [[2, 1], [1, 1]]
    other = np.array([[4, 0], [0, 0]])  # a unit without a positive window says nothing of recall
    np.testing.assert_allclose(class_shares(np.stack([counts, other])), [[5 / 6, 1 / 6], [0.5, 0.5]])


def test_confusion_tells_the_balanced_accuracy(some: dict[str, Sketch]) -> None:
    from sklearn.metrics import balanced_accuracy_score

    found = changes(4)
    table = some["confusion"].data
    key = compare(found).baseline.runs[0]
    arrays = found.predictions(key)
    assert arrays is not None
    cells = table[(table["arm"] == "base") & (table["unit"] == "seed0")]
    wide = cells.pivot(index="label", columns="called", values="windows")
    recalls = [wide.loc[name, name] / wide.loc[name].sum() for name in ("normal", "abnormal")]
    expected = balanced_accuracy_score(arrays["label"], arrays["score"] > 0.5)
    assert np.mean(recalls) == pytest.approx(expected, abs=1e-12)


def test_calibration_error_by_hand() -> None:
    # Bins 0 (0.05, 0.05), 5 (0.55) and 9 (0.95, 1.0): gaps |0.5 - 0.05|, |1 - 0.55|, |1 - 0.975|.
    found = binned(np.array([0, 1, 1, 1, 1]), np.array([0.05, 0.05, 0.55, 0.95, 1.0]))
    assert found.count.tolist() == [2, 0, 0, 0, 0, 1, 0, 0, 0, 2]
    assert found.error == pytest.approx((2 * 0.45 + 0.45 + 2 * 0.025) / 5)
    generator = np.random.default_rng(0)
    probability = generator.random(200_000)
    honest = binned(generator.random(200_000) < probability, probability)
    assert honest.error < 0.01


def test_codes_by_hand() -> None:
    current, video = np.array([[0, 1], [2, 2]]), np.array([[0, 0], [2, 1]])
    counts = code_counts(current, video, 4)
    assert counts["code_usage"].tolist() == [[1, 1, 2, 0], [2, 1, 1, 0]]
    assert sorted(map(tuple, counts["code_pairs"].T.tolist())) == [(0, 0, 1), (1, 0, 1), (2, 1, 1), (2, 2, 1)]
    share = by_rank(counts["code_usage"])
    assert share.tolist() == [[0.25, 0.5, 0.25, 0], [0.5, 0.25, 0.25, 0]]
    assert perplexity(np.array([0.5, 0.5, 0, 0])) == pytest.approx(2)
    codes, matrix = together(counts["code_pairs"], counts["code_usage"])
    assert codes.tolist() == [0, 1, 2], "0 and 2 never meet: 1 lies between them"
    assert matrix.tolist() == [[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert shares(matrix)[0].tolist() == [0.5, 0.5, 0, 0]
    assert code_counts(current, video, 1) == {}


def test_codes_that_are_taken_together_lie_together() -> None:
    generator = np.random.default_rng(1)
    group = np.repeat([0, 1], 8)
    counts = 1 + 40 * (group[:, None] == group) * generator.random((16, 16))
    hidden = generator.permutation(16)
    order = seriated(counts[np.ix_(hidden, hidden)])
    assert sorted(order) == list(range(16))
    assert len(list(itertools.groupby(group[hidden][order]))) == 2
    assert seriated(np.zeros((3, 3))).tolist() == [0, 1, 2]


def test_codes_agree_with_the_diagnostics() -> None:
    from bench.cell.scores import code_diagnostics

    generator = np.random.default_rng(2)
    current, video = generator.integers(0, 40, (300, 12)), generator.integers(0, 40, (300, 6))
    counts, told = code_counts(current, video, 40), code_diagnostics(current, video, 40)
    own, other, often = counts["code_pairs"]
    assert often[own == other].sum() / often.sum() == pytest.approx(told["equal_codes"])
    share = by_rank(counts["code_usage"])
    assert perplexity(share[0]) == pytest.approx(told["perplexity.current"])
    assert perplexity(share[1]) == pytest.approx(told["perplexity.video"])
    codes, matrix = together(counts["code_pairs"], counts["code_usage"])
    assert len(codes) == CODES and matrix.sum() == often.sum()


def test_neighbours_and_their_picture() -> None:
    generator = np.random.default_rng(0)
    group = np.repeat([0, 1], 30)
    mixed = generator.normal(size=(60, 5))
    apart = mixed + 50 * group[:, None]
    assert neighbours(apart, group) == 1.0
    assert 0.35 < neighbours(mixed, group) < 0.65
    flat = embed(apart)
    np.testing.assert_array_equal(flat, embed(apart))
    turn = np.array([[0.6, -0.8], [-0.8, -0.6]])  # which mirrors, too
    np.testing.assert_allclose(turned(flat @ turn + 3, flat), flat - flat.mean(axis=0), atol=1e-6)
    centres = [flat[group == g].mean(axis=0) for g in (0, 1)]
    assert np.linalg.norm(centres[0] - centres[1]) > 3 * flat[group == 0].std()
    assert embed(np.ones((40, 5))).tolist() == [[0.0, 0.0]] * 40


def test_a_map_of_codes_by_hand() -> None:
    counts = np.array([[[4, 0, 0, 0], [1, 3, 0, 0]], [[2, 1, 1, 0], [0, 1, 3, 0]]])
    codes, share = by_last(counts)
    assert codes.tolist() == [2, 1, 0], "by use of the video at the end; a code that nobody takes is left out"
    np.testing.assert_allclose(share[0], [[0, 0, 1], [0, 0.75, 0.25]])
    np.testing.assert_allclose(share[1], [[0.25, 0.25, 0.5], [0.75, 0.25, 0]])


def test_records_of_before_show_two_stages() -> None:
    def before(key: str) -> dict[str, Any]:
        arrays = recorded(key, 1.0, True)
        arrays["space"] = arrays["space"][:2]
        return {name: value for name, value in arrays.items() if name not in ("space_epochs", "code_course")}

    found = drawn(replace(changes(2, 3), predictions=before))
    titles = [axes.get_title(loc="left").splitlines()[0] for axes in found["space"].figure.axes]
    assert titles == ["before pre-training", "after pre-training"] and "code_course" not in found


def test_collapsed_and_tiny_records_are_drawn() -> None:
    found = changes(2, 3)

    def collapsed(key: str) -> dict[str, Any]:
        one = np.zeros((400, 6), dtype=int)
        flat = {"space": np.zeros((4, 2, 40, 8), dtype=np.float16), "score": np.full(400, 0.5)}
        return recorded(key, 1.0, True) | code_counts(one, one, 48) | flat

    assert set(INSIDE) <= set(drawn(replace(found, predictions=collapsed)))
    few = drawn(replace(found, predictions=lambda key: {"score": np.array([0.2]), "label": np.array([0])}))
    assert "confusion" in few and "space" not in few


CASES = [
    (2, "en"),
    *(pytest.param(*case, marks=pytest.mark.slow) for case in ((12, "en"), (12, "zh"), ("grid", "en"))),
]


@pytest.mark.parametrize(("kind", "language"), CASES)
def test_no_text_of_a_figure_overlaps_or_leaves_it(kind: Any, language: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    found = factorial() if kind == "grid" else changes(kind)
    with speaking(language), style():
        for sketch in sketches(compare(found)):
            figure, name = sketch.figure, sketch.name
            image(figure, "svg", name)  # which lays it out
            FigureCanvasAgg(figure).draw()
            unseen = []
            for axes in figure.axes:
                for axis in (axes.xaxis, axes.yaxis):
                    low, high = sorted(axis.get_view_interval())
                    ticks = axis.get_major_ticks()
                    unseen += [t.label1 for t in ticks if not low - 1e-9 <= t.get_loc() <= high + 1e-9]
            boxes = [
                (t.get_text(), t.get_window_extent())
                for t in figure.findobj(Text)
                if isinstance(t, Text) and t.get_visible() and t.get_text().strip() and t not in unseen
            ]
            canvas = figure.bbox
            for said, box in boxes:
                inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= canvas.x1 + 1 and box.y1 <= canvas.y1 + 1
                assert inside, (name, said)
            for (one, a), (other, b) in itertools.combinations(boxes, 2):
                width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
                assert width <= 1 or height <= 1, (name, one, other)


def test_huge_studies_draw_what_fits_and_say_so() -> None:
    infos = (BASE, *(ArmInfo(f"g{i:03}", "grid") for i in range(84)))
    rows = [
        run(a.name, s, 0.6 + 0.001 * i + 0.002 * s * (i % 3)) for i, a in enumerate(infos) for s in range(3)
    ]
    found = drawn(evidence(rows, infos))
    titles = {name: str(each.figure.get_suptitle()) for name, each in found.items()}
    assert "20 arms not drawn" in titles["differences"]
    assert "arms not drawn" in titles["scores"]
    assert "78 arms not drawn" in titles["slopes"]
    assert math.isclose(found["differences"].figure.get_figwidth(), 8.0)
    size = {arm.info.name: arm.paired.mean for arm in compare(evidence(rows, infos)).changes if arm.paired}
    most = sorted(size, key=lambda name: -abs(size[name]))[:6]
    assert set(found["slopes"].data["arm"]) == set(most), "those that differ most"


@pytest.mark.slow
def test_images_name_the_data_and_hold_their_table() -> None:
    comparison = compare(changes(2, 4))
    found = drawings(comparison)
    for drawing in found:
        assert "real arcs of a plant" in drawing.svg.decode()
        assert drawing.svg == drawing.svg.replace(b"<image", b""), "no pixels inside a vector figure"
        table = pd.read_csv(io.BytesIO(drawing.data))
        assert len(table) and not any(str(column).startswith("Unnamed") for column in table.columns)
    assert drawings(comparison) == found, "the same evidence, the same bytes"


def test_chinese_is_text_in_the_vector_figure_and_no_box_in_the_other() -> None:
    names = ("去掉特定编码器", "熵与阈值")
    infos = (BASE, *(ArmInfo(name, "change") for name in names))
    rows = [run(a.name, s, 0.7 + 0.01 * i + 0.003 * s) for i, a in enumerate(infos) for s in range(4)]
    found = {each.name: each for each in drawings(compare(evidence(rows, infos, data="电熔镁炉")))}
    svg = found["differences"].svg.decode()
    assert all(name in svg for name in names)
    assert "Microsoft YaHei" in svg and svg.index("DejaVu Sans") < svg.index("Microsoft YaHei")
    plain = drawings(compare(evidence(rows[:4], (BASE,))))[0].svg.decode()
    assert "YaHei" not in plain and re.search(r"font-family: 'DejaVu Sans'", plain)
