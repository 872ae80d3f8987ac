"""Small files of `/sys` and `/proc`: what one says, or None where it says nothing."""

from __future__ import annotations

import os
from typing import List, Optional


def text(path: str) -> Optional[str]:
    """Return what a file says without space around it; None where it cannot be read or is empty."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read().strip() or None
    except OSError:
        return None


def number(path: str) -> Optional[int]:
    """Return the whole number that a file says."""
    said = text(path)
    return int(said) if said and said.lstrip("-").isdigit() else None


def names(folder: str) -> List[str]:
    """Return what is in a folder, in order; nothing where it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
