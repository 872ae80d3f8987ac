"""Many GPUs of many hosts as few words: `fra[1-3]-r1-n01:[0-7]`. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from edgectl.inventory.fold import abridged, fold

# What a person reads at a glance; the rest is in -o json.
_SHOWN = 6
_CHARACTERS = 80


def places(found: Iterable[tuple[str, str]]) -> str:
    """Return hosts and the labels of their GPUs folded; hosts with the same labels together."""
    labels: dict[str, set[str]] = defaultdict(set)
    for host, label in found:
        labels[host].add(label)
    hosts: dict[str, list[str]] = defaultdict(list)
    for host, of_host in labels.items():
        hosts[_label(of_host)].append(host)
    words = [_word(names, label) for label, names in hosts.items()]
    more = len(words) - _SHOWN
    return "   ".join(words[:_SHOWN]) + (f"   and {more} more" if more > 0 else "")


def _word(hosts: list[str], label: str) -> str:
    names, also, more = abridged(hosts, _CHARACTERS).partition(" and ")
    return f"{names}{label}{also}{more}"


def _label(labels: Iterable[str]) -> str:
    known = [label for label in labels if label]
    return f":{','.join(fold(known))}" if known else ""
