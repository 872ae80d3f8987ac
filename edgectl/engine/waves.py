"""In which order hosts are started: a canary, then waves, each spread over places. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from edgectl.engine.canary import canaries
from edgectl.engine.domains import domain_of
from edgectl.engine.policy import Rollout, count_of
from edgectl.inventory.model import Host


@dataclass(frozen=True, slots=True)
class Wave:
    """Hosts that may run before the next wave begins; a budget may still hold each of them back."""

    hosts: tuple[Host, ...]
    canary: bool = False


def waves_of(hosts: Sequence[Host], rollout: Rollout, last: Collection[str] = ()) -> tuple[Wave, ...]:
    """Cut hosts into waves: the canary first, then up to each cumulative share, spread over places.

    Hosts named in `last` follow all others, and are no canary where that can be avoided.
    """
    first = canaries(hosts, rollout.canary, last)
    chosen = {host.name for host in first}
    others = [host for host in hosts if host.name not in chosen]
    fresh = _interleaved([host for host in others if host.name not in last], rollout.spread)
    ordered = (*first, *fresh, *_interleaved([host for host in others if host.name in last], rollout.spread))
    cuts = [len(first), *(count_of(share, len(ordered)) for share in rollout.waves), len(ordered)]
    waves: list[Wave] = []
    start = 0
    for position, cut in enumerate(cuts):
        end = max(start, min(cut, len(ordered)))
        if end > start:
            waves.append(Wave(ordered[start:end], canary=position == 0))
        start = end
    return tuple(waves)


def _interleaved(hosts: Sequence[Host], spread: str) -> list[Host]:
    """Deal hosts out place by place, so that a wave's hosts lie as far apart as they can."""
    if not spread:
        return list(hosts)
    by_place: dict[str, list[Host]] = defaultdict(list)
    for host in hosts:
        by_place[domain_of(host, spread)].append(host)
    deepest = max((len(group) for group in by_place.values()), default=0)
    return [group[turn] for turn in range(deepest) for group in by_place.values() if turn < len(group)]
