"""By how many seconds does the current precede the video? Estimators side by side."""

from bench.lead.estimator import Estimator

__all__ = ["ESTIMATORS", "RECOMMENDED", "Estimator", "estimators"]

#: The estimator whose answer is the headline.
RECOMMENDED = "score_scan"
ESTIMATORS = (
    RECOMMENDED,
    "infonce",
    "code_information",
    "cmcm",
    "cosine",
    "cross_correlation",
    "perplexity",
    "equal_num",
)


def estimators(names: tuple[str, ...] = ESTIMATORS) -> tuple[type[Estimator], ...]:
    """Return estimators by name, in the order given.

    Raises:
        InvalidRequest: there is none of that name.
    """
    from bench.lead.cmcm import CMCM
    from bench.lead.code_information import CodeInformation
    from bench.lead.cosine import Cosine
    from bench.lead.cross_correlation import CrossCorrelation
    from bench.lead.equal_num import EqualNum
    from bench.lead.infonce import InfoNCE
    from bench.lead.perplexity import Perplexity
    from bench.lead.score_scan import ScoreScan
    from models.errors import unknown

    known: dict[str, type[Estimator]] = {
        each.name: each
        for each in (
            ScoreScan,
            InfoNCE,
            CodeInformation,
            CMCM,
            Cosine,
            CrossCorrelation,
            Perplexity,
            EqualNum,
        )
    }
    for name in names:
        if name not in known:
            raise unknown("estimator", name, known)
    return tuple(known[name] for name in names)
