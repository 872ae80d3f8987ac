"""Which hosts go first: few, and as different from each other as the fleet allows. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Sequence

from edgectl.inventory.model import Host

Kind = tuple[str, str]  # hardware and region


def canaries(hosts: Sequence[Host], count: int, avoided: Collection[str] = ()) -> tuple[Host, ...]:
    """Return `count` hosts that cover the combinations of hardware and region, the same ones every time.

    Each next host is of a combination that has none yet, then of a hardware and a region that have none, then
    of the combination with most hosts. A host that is `avoided` is taken only where nobody else is left.
    """
    welcome = [host for host in hosts if host.name not in avoided]
    chosen = _covering(welcome, count)
    others = [host for host in hosts if host.name in avoided]
    return (*chosen, *_covering(others, count - len(chosen)))


def _covering(hosts: Sequence[Host], count: int) -> list[Host]:
    left: dict[Kind, deque[Host]] = defaultdict(deque)
    for host in hosts:
        left[host.hardware, host.pop.region].append(host)
    order = {kind: place for place, kind in enumerate(left)}
    sizes = {kind: len(members) for kind, members in left.items()}
    times: dict[Kind, int] = defaultdict(int)
    chosen: list[Host] = []
    seen: set[str] = set()

    def rank(kind: Kind) -> tuple[int, int, int, int]:
        news = (f"hardware {kind[0]}" not in seen) + (f"region {kind[1]}" not in seen)
        return (times[kind], -news, -sizes[kind], order[kind])

    while len(chosen) < count and left:
        kind = min(left, key=rank)
        chosen.append(left[kind].popleft())
        times[kind] += 1
        seen |= {f"hardware {kind[0]}", f"region {kind[1]}"}
        if not left[kind]:
            del left[kind]
    return chosen
