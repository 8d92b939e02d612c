"""The one exception a user's request may end in."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InvalidRequest(ValueError):
    """A request that cannot be served as it stands.

    The message is one sentence that states the rule, the value that breaks it and the cure. It is
    raised before anything is computed or written; the command line prints it and exits with 2.
    """


def unknown(what: str, value: object, known: Iterable[str]) -> InvalidRequest:
    """Return the error for a name that does not exist, with the nearest and all known names."""
    names = sorted(known)
    near = difflib.get_close_matches(str(value), names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return InvalidRequest(f"unknown {what} {value!r}{hint} (known: {', '.join(names) or 'none'})")
