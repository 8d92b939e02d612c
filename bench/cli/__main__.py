"""The command as a program of its own: ``precursor``, and ``python -m bench.cli``."""

from __future__ import annotations

import atexit
import gc
import os
import sys

from bench.cli import main

_OBJECTS = 50_000
"""New objects after which garbage is looked for: imports and records make many, and hardly a cycle."""


def program() -> None:
    """Run the command and leave at once: taking PyTorch apart, object by object, costs half a second."""
    gc.set_threshold(_OBJECTS)
    code: object = 0
    try:
        main()
    except SystemExit as left:
        code = left.code
    atexit._run_exitfuncs()  # what libraries want done at the end
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    program()
