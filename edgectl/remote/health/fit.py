"""Keeps an answer within what may travel: the longest list gives way first, and what was left out is counted."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, Tuple

LIMIT_BYTES = 32_000
# What a list keeps in any case.
_LEAST = 4
_LISTS = ("xids", "events", "ports")
_IN_MACHINE = ("stuck", "disks", "units")


def fit(found: Dict[str, Any], limit_bytes: int = LIMIT_BYTES) -> Dict[str, Any]:
    """Return the answer with `cut`: how many entries each list lost, none where all of it fits.

    What comes first in a list stays: callers put what matters first.
    """
    cut: Dict[str, int] = {}
    while size_bytes({**found, "cut": cut}) > limit_bytes:
        longest = max(_cuttable(found), key=lambda place: size_bytes(place[2]), default=None)
        if longest is None:
            break
        name, holder, entries = longest
        keep = max(len(entries) * 3 // 4, _LEAST)
        cut[name] = cut.get(name, 0) + len(entries) - keep
        holder[name.rpartition(".")[2]] = entries[:keep]
    return {**found, "cut": cut}


def size_bytes(value: Any) -> int:
    """Return how much a value is on the line."""
    return len(json.dumps(value, separators=(",", ":")))


def _cuttable(found: Dict[str, Any]) -> Iterator[Tuple[str, Dict[str, Any], Any]]:
    """Yield each list that may give way, with its name and where it is."""
    places = [(name, found) for name in _LISTS]
    places += [(f"machine.{name}", found["machine"]) for name in _IN_MACHINE if found["machine"]]
    places += [(f"gpus.{number}.processes", gpu) for number, gpu in enumerate(found["gpus"])]
    for name, holder in places:
        entries = holder[name.rpartition(".")[2]]
        if entries and len(entries) > _LEAST:
            yield name, holder, entries
