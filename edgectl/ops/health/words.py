"""Words for a person. Pure."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return `1 host`, `2,000 hosts`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
