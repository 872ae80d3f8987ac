"""Debian versions compared as dpkg does (deb-version(7))."""

from __future__ import annotations

import re
from functools import cmp_to_key

_PART = re.compile(r"(\D*)(\d*)")


def compare(left: str, right: str) -> int:
    """Return a negative, zero or positive number for an older, equal or newer left version."""
    return _sign(_split(left), _split(right))


def _sign(left: tuple[int, str, str], right: tuple[int, str, str]) -> int:
    if left[0] != right[0]:
        return left[0] - right[0]
    return _compare_text(left[1], right[1]) or _compare_text(left[2], right[2])


def _split(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.partition(":")
    rest = rest if colon else version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return (int(epoch) if colon and epoch.isdigit() else 0, upstream, revision)


def _compare_text(left: str, right: str) -> int:
    for (text, number), (other_text, other_number) in zip(_parts(left, right), _parts(right, left)):
        ranks = [_ranks(text), _ranks(other_text)]
        if ranks[0] != ranks[1]:
            return -1 if ranks[0] < ranks[1] else 1
        if int(number or 0) != int(other_number or 0):
            return int(number or 0) - int(other_number or 0)
    return 0


def _parts(text: str, other: str) -> list[tuple[str, str]]:
    parts = _PART.findall(text)
    return parts + [("", "")] * (max(len(parts), len(_PART.findall(other))) - len(parts))


def _ranks(text: str) -> list[int]:
    # `~` before the end, the end before letters, letters before the rest.
    return [-1 if sign == "~" else ord(sign) if sign.isalpha() else ord(sign) + 256 for sign in text] + [0]


newest_last = cmp_to_key(compare)

_RELATIONS = {
    "lt": (-1,), "le": (-1, 0), "eq": (0,), "ne": (-1, 1), "ge": (0, 1), "gt": (1,),
    "<<": (-1,), "<=": (-1, 0), "=": (0,), ">=": (0, 1), ">>": (1,), "<": (-1, 0), ">": (0, 1),
}  # fmt: skip


def satisfies(left: str, relation: str, right: str) -> bool:
    """Tell whether `left RELATION right`; an unknown relation raises `KeyError`."""
    order = compare(left, right)
    return (order > 0) - (order < 0) in _RELATIONS[relation]
