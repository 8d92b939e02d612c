"""Saying a sentence in the language in use.

>>> with speaking("zh"):
...     say("Arm")
'方案'
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from models.errors import unknown

LANGUAGES = ("en", "zh")
_language: ContextVar[str] = ContextVar("language", default="en")


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Write what is said inside in this language.

    Raises:
        InvalidRequest: there is no such language.
    """
    if language not in LANGUAGES:
        raise unknown("language", language, LANGUAGES)
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def language() -> str:
    """Return the language in use."""
    return _language.get()


def say(template: str, **values: Any) -> str:
    """Return a template in the language in use, its ``{names}`` replaced by values.

    A template that the catalogue lacks is said in English: better read than nothing.
    """
    spoken = template if language() == "en" else _catalogue(language()).get(template, template)
    return spoken.format(**values) if values else spoken


def count(number: int, one: str, many: str, **values: Any) -> str:
    """Return what is said of one thing or of several; ``{n}`` is the number."""
    return say(one if number == 1 else many, n=number, **values)


@cache
def _catalogue(name: str) -> dict[str, str]:
    read = yaml.safe_load(files("bench.report.lang").joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
    return {str(key): str(value) for key, value in read.items()}
