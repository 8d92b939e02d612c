"""Early warning: what alarms made of scores are worth to a plant, episode by episode.

Pure functions on arrays. A score becomes alarms by a rule; an alarm is a warning, late or false by when it is
raised; rules are chosen on validation and read once on the test part.
"""

from bench.warning.alarms import Rules, alarms, raised
from bench.warning.choice import FEWEST, choose, family, ranked
from bench.warning.clock import Layout, known, lay_out
from bench.warning.episodes import Watch, keep_watch, stretches
from bench.warning.judging import Judged, by_chance, judge
from bench.warning.measures import EARLY, JUDGED, MEASURES, SECONDS, SOURCES, measured
from bench.warning.spec import MAIN, MULTIPLES, WarningSpec

__all__ = [
    "EARLY",
    "FEWEST",
    "JUDGED",
    "MAIN",
    "MEASURES",
    "MULTIPLES",
    "SECONDS",
    "SOURCES",
    "Judged",
    "Layout",
    "Rules",
    "WarningSpec",
    "Watch",
    "alarms",
    "by_chance",
    "choose",
    "family",
    "judge",
    "keep_watch",
    "known",
    "lay_out",
    "measured",
    "raised",
    "ranked",
    "stretches",
]
