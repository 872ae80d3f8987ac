"""Who serves for a host while its own engine cannot: those of the same service that are near. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from edgectl.inventory.model import Host

# Each is asked for its health every second by each of the others.
_MOST = 8


def neighbours(hosts: Sequence[Host]) -> Mapping[str, Sequence[str]]:
    """Return for each host of a service the addresses of the others in its PoP, those of its own rack first."""
    by_pop: dict[str, list[Host]] = defaultdict(list)
    for host in hosts:
        by_pop[host.pop.name].append(host)
    return {
        host.name: [other.address for other in _nearest(host, members)]
        for members in by_pop.values()
        for host in members
    }


def _nearest(host: Host, members: Sequence[Host]) -> Sequence[Host]:
    others = [other for other in members if other is not host]
    return sorted(others, key=lambda other: other.rack != host.rack)[:_MOST]
