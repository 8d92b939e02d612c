"""The language a report is written in: English in the code, other languages in a catalogue beside it."""

from bench.report.lang.speech import LANGUAGES, count, language, say, speaking

__all__ = ["LANGUAGES", "count", "language", "say", "speaking"]
