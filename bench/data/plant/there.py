"""What is called like a file and is none: a link that leads nowhere, a folder, a pipe."""

from __future__ import annotations

import os
from pathlib import Path

from models.errors import InvalidRequest


def require_file(path: Path) -> None:
    """Refuse what lies at a path unless it is a file that can be read.

    Raises:
        InvalidRequest: with what it is instead.
    """
    if path.is_dir():
        raise InvalidRequest(f"{path} must be a file, and is a folder; rename it")
    if path.is_symlink() and not path.exists():
        raise InvalidRequest(f"{path} must be a file, and is a link that leads nowhere; copy the file there")
    if not path.is_file():
        raise InvalidRequest(f"{path} must be a file, and is none; copy it again")
    if not os.access(path, os.R_OK):
        raise InvalidRequest(f"{path} must be readable, and is not; check its permissions")
