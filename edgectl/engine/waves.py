"""In which order hosts are started: a canary, then waves, never too many of one place at once. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgectl.inventory.model import Host

Share = float  # an int is a number of hosts, a float the share of all of them: 0.05 is 5 %


@dataclass(frozen=True, slots=True)
class Rollout:
    """A rollout policy, as a playbook's `rollout:` says it. The default is everything at once, no budget."""

    canary: int = 0
    waves: Sequence[Share] = (1.0,)
    spread: str = ""
    max_out: Share | None = None
    max_failed: Share | None = None
    max_unreachable: Share | None = None
    soak_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Wave:
    """Hosts that may run together."""

    hosts: tuple[Host, ...]
    canary: bool = False


def count_of(share: Share, total: int) -> int:
    """Return how many hosts a share is: at least one, so that 1 % of 12 is not none."""
    if isinstance(share, int):
        return share
    return max(1, math.floor(share * total + 1e-9))


def waves_of(hosts: Sequence[Host], rollout: Rollout) -> tuple[Wave, ...]:
    """Cut hosts into waves: the canary first, then up to each cumulative share, spread over places."""
    ordered = _interleaved(hosts, rollout.spread)
    cuts = [min(rollout.canary, len(ordered))] + [count_of(share, len(ordered)) for share in rollout.waves]
    waves: list[Wave] = []
    start = 0
    for position, cut in enumerate(cuts):
        end = max(start, min(cut, len(ordered)))
        parts = _parts(ordered[start:end], ordered, rollout)
        waves += [Wave(tuple(part), canary=position == 0) for part in parts if part]
        start = end
    waves += [Wave(tuple(part)) for part in _parts(ordered[start:], ordered, rollout) if part]
    return tuple(waves)


def _place(spread: str) -> Callable[[Host], str]:
    match spread:
        case "metro":
            return lambda host: host.pop.metro
        case "region":
            return lambda host: host.pop.region
        case "rack":
            return lambda host: f"{host.pop.name}/{host.rack}"
        case _:
            return lambda host: host.pop.name


def _interleaved(hosts: Sequence[Host], spread: str) -> list[Host]:
    """Deal hosts out place by place, so that a wave's hosts lie as far apart as they can."""
    if not spread:
        return list(hosts)
    place = _place(spread)
    by_place: dict[str, list[Host]] = defaultdict(list)
    for host in hosts:
        by_place[place(host)].append(host)
    deepest = max((len(group) for group in by_place.values()), default=0)
    return [group[turn] for turn in range(deepest) for group in by_place.values() if turn < len(group)]


def _parts(hosts: Sequence[Host], everyone: Sequence[Host], rollout: Rollout) -> list[list[Host]]:
    """Cut a wave so that in each part no place has more hosts out than `max_out` allows."""
    if rollout.max_out is None:
        return [list(hosts)]
    place = _place(rollout.spread)
    size: dict[str, int] = defaultdict(int)
    for host in everyone:
        size[place(host)] += 1
    parts: list[list[Host]] = []
    out: list[dict[str, int]] = []
    for host in hosts:
        here = place(host)
        allowed = count_of(rollout.max_out, size[here])
        number = next((i for i, used in enumerate(out) if used[here] < allowed), len(parts))
        if number == len(parts):
            parts.append([])
            out.append(defaultdict(int))
        parts[number].append(host)
        out[number][here] += 1
    return parts
