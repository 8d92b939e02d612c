"""The command, a file a verb. Heavy libraries are imported by the verb that needs them, never here."""

from bench.cli import components, dashboard, data, lead, report, search, show, study
from bench.cli.group import main

__all__ = ["components", "dashboard", "data", "lead", "main", "report", "search", "show", "study"]
