import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from bench.lead import estimators
from bench.lead.episodes import Episode
from bench.lead.evidence import Answer
from bench.lead.inquiry import Findings
from bench.lead.scan import Scan
from bench.lead.words import fooled_into_zero, headline, results, sentences
from bench.report.lang import speaking

LEADS = np.arange(-120.0, 740.0, 20.0)
FOUND = Answer(
    "score_scan", True, True, 30, 30, "found", 241.4, 231.2, 252.7, 0.001,
    LEADS, np.zeros(43), np.zeros((2, 43)), 0.1, np.zeros(9),
)  # fmt: skip


def findings(*answers, **changed):
    inquiry = SimpleNamespace(source=SimpleNamespace(title="simulated furnace"), scan=Scan())
    told = {"recordings": ("a",), "left_out": (), "spared": 0, "skipped": (), "episodes": ()} | changed
    return Findings(inquiry, answers=answers, **told)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "precedes the video by 241 s (95 % CI 231 to 253 s; score_scan, 30 recordings"),
        ({"lead": -40.0, "low": -55.0, "high": -22.0}, "follows the video by 40 s (95 % CI of the lead -55"),
        ({"lead": 9.0, "low": -5.0, "high": 22.0}, "Whether the current is earlier cannot be told: lead 9 s"),
        ({"word": "no evidence", "p": 0.4}, "any lead from -120 to 720 s (p = 0.400, score_scan)"),
        ({"word": "at the border"}, "Lead not found"),
        ({"word": "not located", "low": 10.0, "high": 600.0}, "10 to 600 s, spans more than half"),
    ],
)
def test_an_answer_is_said_as_it_is_in_both_languages(changed, said):
    own = replace(FOUND, **changed)
    assert said in headline(own)
    with speaking("zh"):
        chinese = headline(own)
    numbers = [sorted(re.findall(r"\d+(?:\.\d+)?", text)) for text in (headline(own), chinese)]
    assert numbers[0] == numbers[1] and re.search(r"[\u4e00-\u9fff]", chinese)


def test_what_contradicts_the_recommended_estimator_is_named():
    fooled = replace(FOUND, name="cmcm", labels=False, lead=4.0, low=-20.0, high=30.0)
    late = replace(FOUND, name="infonce", labels=False, lead=270.0, low=260.0, high=280.0)
    unsure = replace(fooled, name="cosine", word="no evidence")
    told = " ".join(sentences(findings(FOUND, fooled, late, unsure)))
    assert "At lead 0 against score_scan: cmcm." in told and "Later than score_scan: infonce." in told
    assert not fooled_into_zero(unsure, FOUND)
    assert not fooled_into_zero(fooled, replace(FOUND, lead=30.0, low=-10.0, high=80.0))


def test_everything_that_was_left_out_is_said():
    episodes = tuple(Episode("a", 0.0, 60.0, 200.0 + 10 * i) for i in range(11)) + (
        Episode("a", 0.0, 60.0, None),
    )
    told = " ".join(
        sentences(findings(FOUND, spared=3, left_out=("b",), skipped=("score_scan",), episodes=episodes))
    )
    for part in (
        "3 recordings of the test part",
        "1 recording is too short",
        "Not asked, for want of labels of both classes: score_scan.",
        "(11 of 12): median 250 s, 80 % of them from 210 to 290 s",
    ):
        assert part in told
    assert "All recordings were looked at" in " ".join(sentences(findings(FOUND)))


def test_the_table_shows_a_lead_only_where_one_was_found():
    silent = replace(FOUND, name="perplexity", labels=False, paired=False, word="no evidence", p=1.0)
    table = results(findings(FOUND, silent))
    rows = [dict(zip([c.key for c in table.columns], row, strict=True)) for row in table.texts]
    assert (rows[0]["lead"], rows[0]["interval"], rows[0]["p"]) == ("241", "[231, 253]", "0.001")
    assert (rows[1]["lead"], rows[1]["interval"], rows[1]["p"]) == ("–", "–", "–")
    assert rows[1]["peak"] == "241.4" and rows[0]["what"] == estimators(("score_scan",))[0].summary
