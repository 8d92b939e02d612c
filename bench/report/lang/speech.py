"""Saying a sentence in the language in use.

>>> with speaking("zh"):
...     say("Arm")
'方案'
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, reduce
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


def template(text: str) -> str:
    """Mark a literal as a template that is said later, so that it is found and translated."""
    return text


def say(template: str, **values: Any) -> str:
    """Return a template in the language in use, its ``{names}`` replaced by values.

    A template that the catalogue lacks is said in English: better read than nothing.
    """
    spoken = template if language() == "en" else catalogue(language()).get(template, template)
    return spoken.format(**values) if values else spoken


def count(number: int, one: str, many: str, **values: Any) -> str:
    """Return what is said of one thing or of several; ``{n}`` is the number."""
    return say(one if number == 1 else many, n=number, **values)


def join(names: Sequence[str]) -> str:
    """Return names as one says them; names that hold a comma are kept apart by stronger marks.

    >>> join(["a", "b", "c"])
    'a, b and c'
    >>> join(["a=1, b=2", "a=1, b=3"])
    'a=1, b=2; a=1, b=3'
    """
    if len(names) < 2:
        return "".join(names)
    if any("," in name for name in names):
        return say("; ").join(names)
    return say("{first} and {last}", first=say(", ").join(names[:-1]), last=names[-1])


def together(facts: Sequence[str]) -> str:
    """Return facts one after the other, as in a bracket.

    >>> together(["mean of 8", "skill 0.7"])
    'mean of 8, skill 0.7'
    """
    return reduce(lambda one, two: say("{one}, {two}", one=one, two=two), facts) if facts else ""


def said_name(path: str) -> str:
    """Return the name of a file in the language in use: English has the plain name.

    >>> with speaking("zh"):
    ...     said_name("report.html"), said_name("figures")
    ('report.zh.html', 'figures.zh')
    """
    if language() == "en":
        return path
    stem, dot, kind = path.partition(".")
    return f"{stem}.{language()}{dot}{kind}"


@cache
def catalogue(name: str) -> dict[str, str]:
    """Return the templates of a language, English to its own."""
    read = yaml.safe_load(files("bench.report.lang").joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
    return {str(key): str(value) for key, value in read.items()}
