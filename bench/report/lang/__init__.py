"""The language a report is written in: English in the code, other languages in a catalogue beside it."""

from bench.report.lang.speech import (
    LANGUAGES,
    count,
    join,
    language,
    said_name,
    say,
    speaking,
    template,
    together,
)
from bench.report.lang.told import retell

__all__ = [
    "LANGUAGES",
    "count",
    "join",
    "language",
    "retell",
    "said_name",
    "say",
    "speaking",
    "template",
    "together",
]
