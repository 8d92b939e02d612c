"""What a study says of its report: the block ``report`` of its file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models.errors import InvalidRequest, unknown

_KEYS = ("columns", "compare", "lang", "looks")
LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Reporting:
    """How a study is reported; nothing here touches what is run.

    Attributes:
        columns: keys of the columns of the results table; empty for the usual ones.
        compare: studies that are laid beside this one.
        lang: language of the page.
        looks: numbers of pairs at which the study looks, where it stops adding seeds by a rule.
    """

    columns: tuple[str, ...] = ()
    compare: tuple[str, ...] = ()
    lang: str = "en"
    looks: tuple[int, ...] = ()


def read_reporting(block: Mapping[str, Any]) -> Reporting:
    """Read the block ``report`` of a study.

    Raises:
        InvalidRequest: an unknown key, column or language, or looks that are no plan.
    """
    for key in block:
        if key not in _KEYS:
            raise unknown("key in report:", key, _KEYS)
    lang = block.get("lang", "en")
    if lang not in LANGUAGES:
        raise unknown("language", lang, LANGUAGES)
    columns = checked_columns(_listed(block, "columns", str, "[mean, interval, verdict]"))
    compare = _listed(block, "compare", str, "[contrast_alone]")
    looks = _listed(block, "looks", int, "[4, 6, 8]")
    if looks:
        from bench.compare import Sequential  # only then is SciPy needed

        Sequential(looks)
    return Reporting(columns, compare, lang, looks)


def checked_columns(names: Iterable[str]) -> tuple[str, ...]:
    """Return names of columns of the results table, each once.

    Raises:
        InvalidRequest: there is no such column.
    """
    chosen = tuple(dict.fromkeys(names))
    if chosen:
        from bench.report.tables import COLUMNS  # only then is pandas needed

        for name in chosen:
            if name not in COLUMNS:
                raise unknown("column", name, COLUMNS)
    return chosen


def _listed(block: Mapping[str, Any], key: str, kind: type, example: str) -> tuple[Any, ...]:
    value = block.get(key, [])
    value = [value] if isinstance(value, kind) and not isinstance(value, bool) else value
    if not isinstance(value, list) or not all(type(item) is kind for item in value):
        what = "names" if kind is str else "whole numbers"
        raise InvalidRequest(f"report.{key} must be a list of {what}, got {value!r}; write {example}")
    return tuple(value)
