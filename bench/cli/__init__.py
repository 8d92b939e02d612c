"""The command, a file a verb. Heavy libraries are imported by the verb that needs them, never here."""

from bench.cli import components, dashboard, data, report, search, study
from bench.cli.group import main

__all__ = ["components", "dashboard", "data", "main", "report", "search", "study"]
