"""How the numbers of a report were made, in one paragraph with its citations."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bench.compare.paired import EXACT_PAIRS
from bench.report.comparison import ALPHA, CEILING, Comparison
from bench.report.lang import say
from bench.report.metric import readable
from bench.report.search import search_methods


def methods(comparison: Comparison) -> str:
    """Return the paragraph that says how the numbers were made; only what was done is said and cited."""
    parts = [
        *_scores(comparison),
        *_pairs(comparison),
        *_details(comparison),
        *_many(comparison),
        *_around(comparison),
        *search_methods(comparison),
    ]
    return say(" ").join(parts)


def _scores(comparison: Comparison) -> Iterator[str]:
    yield say(
        "The score is {metric}, read once on the test split.", metric=readable(comparison.evidence.metric)
    )
    if math.isfinite(comparison.ceiling):
        yield say("The exact ceiling is the {ceiling}.", ceiling=say(CEILING))


def _pairs(comparison: Comparison) -> Iterator[str]:
    if not comparison.changes:
        return
    yield say(
        "Arms are compared with the baseline on the units (data, split, seed) they share; runs of one arm on "
        "one unit are averaged first, and a unit counts only where both arms have a score."
    )
    yield say(
        "Δ is the mean paired difference with its 95 % t interval (Student 1908); p is the two-sided "
        "sign-flip permutation test on that mean (Fisher 1935), enumerated up to {pairs} pairs and sampled "
        "beyond (Phipson & Smyth 2010); step-down Holm (Holm 1979) adjusts over all changes and grid arms, "
        "those without a result included.",
        pairs=EXACT_PAIRS,
    )
    yield say(
        "An arm is equivalent where the 90 % interval lies within ±{rope:g} (fixed before the run; two "
        "one-sided tests, Schuirmann 1987), else better or worse where Holm p ≤ {alpha:g} and the 95 % "
        "interval excludes 0, else undecided.",
        rope=comparison.evidence.rope,
        alpha=ALPHA,
    )
    yield say(
        "Detectable gaps and numbers of units are those that the rules of the verdict find with 80 % power "
        "in the hardest step of Holm (noncentral t averaged over the critical values of the sign-flip test, "
        "Hoeffding 1952), given normal differences with the spread seen here: they plan a next study and are "
        "no evidence on this one."
    )
    yield say(
        "Bold are the arm ahead and those that sign-flip tests with Holm do not tell apart from it "
        "(comparisons with the best, Hsu 1984): a guide, no claim."
    )


def _details(comparison: Comparison) -> Iterator[str]:
    """Yield what report.csv has beside the tests that decide."""
    found = [arm.details for arm in comparison.changes if arm.details]
    if not found:
        return
    yield say(
        "Beside them, report.csv has for each arm the signed-rank test (Wilcoxon 1945) with the zeros of "
        "Pratt 1959 and the estimate of Hodges & Lehmann 1963, the interval that belongs to the sign-flip "
        "test (Hartigan 1969), the interval of d_z (noncentral t, Steiger & Fouladi 1997), intervals of "
        "shares (Wilson 1927), the probabilities of worse, equivalent and better of the Bayesian "
        "correlated t test (Benavoli et al. 2017) and p adjusted for the rate of false finds (Benjamini & "
        "Hochberg 1995); no verdict rests on them."
    )
    if any(more.corrected for more in found):
        yield say(
            "Training sets overlap: the corrected resampled t (Nadeau & Bengio 2003) is beside the t "
            "interval."
        )
    if any(more.worst for more in found):
        yield say(
            "Where pairs are missing, the worst case bounds what they could change, whatever the reason they "
            "are missing (Manski 1990)."
        )


def _many(comparison: Comparison) -> Iterator[str]:
    """Yield how more than two arms, factors, looks and other studies were compared."""
    if comparison.ranks is not None:
        yield say(
            "Arms are ranked within units (Friedman 1937; Iman & Davenport 1980; the critical difference is "
            "that of Nemenyi 1963, Demšar 2006); groups of arms are those that no test of a pair tells "
            "apart, since mean ranks of two arms depend on all others (Benavoli et al. 2016)."
        )
    if comparison.effects is not None:
        yield say(
            "Factors are read by a linear mixed model with the unit as random effect (Laird & Ware 1982; "
            "REML, Patterson & Thompson 1971, where cells are missing), and tested against their own "
            "variation between units with the degrees of freedom of Greenhouse & Geisser 1959."
        )
    if comparison.looks:
        yield say(
            "Seeds were added by a plan: looks spend the level as Lan & DeMets 1983 do (after O'Brien & "
            "Fleming 1979), on exact sign-flip p."
        )
    if any(not each.paired for each in comparison.beside):
        yield say("Studies on other units are compared by the difference of differences (Welch 1947).")
    if comparison.worlds is not None:
        yield say("Data sets are taken together by interquartile means (Agarwal et al. 2021).")


def _around(comparison: Comparison) -> Iterator[str]:
    evidence = comparison.evidence
    if comparison.controls or comparison.references:
        yield say("Controls and references are outside of the family.")
    yield say("Failed runs are listed and enter no mean.")
    if (evidence.runs["fold"] >= 0).any() and evidence.runs["seed"].nunique() > 1:
        yield say(
            "Seeds share their folds, so pairs are not fully independent and the t interval speaks of new "
            "seeds on these folds: read the interval by recording beside it."
        )
    if comparison.by_group:
        yield say(
            "The intervals by recording are percentile intervals of a paired bootstrap over whole recordings "
            "(Davison & Hinkley 1997)."
        )
    if comparison.new_batches:
        yield say(
            "The intervals on new batches resample recordings and units together, with the variance of "
            "two-way clusters (Owen 2007; Cameron, Gelbach & Miller 2011)."
        )
