"""The names of scores as people read them."""

from __future__ import annotations

from bench.report.lang import say, template
from bench.warning.measures import SECONDS

#: How diagnostics of the shared space and of its codes begin, told after every epoch beside the losses.
GEOMETRY = (
    "retrieval",
    "effective_rank",
    "cone",
    "perplexity",
    "equal_codes",
    "kappa",
    "overlap",
    "active_codes",
)
_SHORT = {"balanced_accuracy": "BA", "auroc": "AUROC", "auprc": "AUPRC", "f1": "F1", "mcc": "MCC"}
_MEASURES = {
    "balanced_accuracy": template("balanced accuracy"),
    "accuracy": template("accuracy"),
    "f1": template("F1"),
    "mcc": template("MCC"),
    "auroc": template("AUROC"),
    "auprc": template("AUPRC"),
    "recall": template("recall"),
    "false_alarm_rate": template("false alarm rate"),
    "cpu_seconds": template("cpu seconds"),
    "parameters": template("parameters"),
    "lead": template("lead"),
    "episodes_warned": template("share of episodes warned"),
    "episodes_caught": template("share of episodes caught"),
    "warning_seconds": template("seconds of warning"),
    "earlier_than_video": template("seconds before the video's own alarm"),
    "false_alarms_per_hour": template("false alarms per hour"),
}
_HEADINGS = {
    "episodes_warned": template("Warned"),
    "episodes_caught": template("Caught"),
    "warning_seconds": template("Warning, s"),
    "earlier_than_video": template("Before the video's own, s"),
}
_WARNING = "warning."
_MODALITIES = {
    "current": template("current"),
    "video": template("video"),
    "fused": template("fused"),
    "both": template("current and video"),
}


def short(metric: str) -> str:
    """Return a metric as a heading: ``current.balanced_accuracy`` -> ``BA``."""
    measure = metric.rsplit(".", 1)[-1]
    if measure in _HEADINGS:
        return say(_HEADINGS[measure])
    return _SHORT.get(measure) or _measure(measure)


def readable(metric: str) -> str:
    """Return a metric as words: ``current.balanced_accuracy`` -> ``balanced accuracy on current``."""
    modality, _, measure = metric.rpartition(".")
    if modality in ("", "ceiling", f"{_WARNING}ceiling"):
        return _measure(measure)
    if modality.startswith(_WARNING):
        heard = modality.removeprefix(_WARNING)
        source = say(_MODALITIES[heard]) if heard in _MODALITIES else heard
        return say("{measure}, alarm from {source}", measure=_measure(measure), source=source)
    told = _MODALITIES.get(modality)
    return say("{measure} on {modality}", measure=_measure(measure), modality=say(told) if told else modality)


def in_seconds(metric: str) -> bool:
    """Return whether a metric is a number of seconds; the others are fractions or rates."""
    return metric.endswith(SECONDS)


def with_unit(metric: str, name: str) -> str:
    """Return the name of an axis with its unit."""
    if in_seconds(metric):
        return say("{metric} (s)", metric=name)
    return say("{metric} (fraction)", metric=name)


def beside(metric: str, modality: str, measure: str | None = None) -> str:
    """Return the same measure of another modality, or another one: a warning's beside a warning's.

    >>> beside("warning.current.episodes_warned", "video"), beside("current.auroc", "ceiling")
    ('warning.video.episodes_warned', 'ceiling.auroc')
    """
    kind = _WARNING if metric.startswith(_WARNING) else ""
    return f"{kind}{modality}.{measure or metric.rpartition('.')[2]}"


def modality_of(metric: str) -> str:
    """Return what a metric is read from: ``current`` for ``warning.current.episodes_warned`` as well."""
    return metric.removeprefix(_WARNING).rpartition(".")[0]


def _measure(name: str) -> str:
    return say(_MEASURES[name]) if name in _MEASURES else name.replace("_", " ")
