"""Which hosts serve a service: those that may, spread out, with as few moves as can be. Pure, the same every time."""

from __future__ import annotations

import hashlib
import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from edgectl.engine.lifecycle import Stage
from edgectl.ops.deploy.devices import ANY_DEVICES, NO_DEVICES, Devices, Wanted, clash, gpus_for
from edgectl.ops.deploy.spec_care import Place, Scope

# More places than that are a list to look up, not to read.
_NAMED = 6
_DRAINED = "is drained, and stays so until deploy undrain brings it back"
_IN_USE = (Stage.ACCEPTED, Stage.IN_SERVICE)


@dataclass(frozen=True, slots=True)
class Node:
    """A host as placement sees it.

    `gpu` is the catalogue's name, `free` how many GPUs (or slices) no other service has; '' and None where the
    inventory names no hardware, which is then not judged. `stage` is None where none
    is on record, `sick` what speaks against its health, `serves` the release of this service that is in force there.
    `disk_bytes` is what the inventory promises for models, less what others have; None where it says nothing. `devices`
    says which GPUs others have, `drained` whether somebody took it out of this service.
    """

    name: str
    pop: str
    metro: str
    region: str
    country: str
    tenant: str = ""
    gpu: str = ""
    free: int | None = None
    stage: Stage | None = None
    sick: str = ""
    serves: str = ""
    disk_bytes: int | None = None
    devices: Devices = ANY_DEVICES
    drained: bool = False


@dataclass(frozen=True, slots=True)
class Demand:
    """What a service asks of a host; `unfit` says of each GPU's name why it does not fit there, '' where it does.

    `wanted` are the GPUs of one replica.
    """

    service: str
    place: Place
    skus: Collection[str]
    count: int
    unfit: Mapping[str, str]
    disk_bytes: int = 0
    wanted: Wanted = NO_DEVICES


class Verdict(StrEnum):
    """What becomes of a host, in the order in which it is told."""

    ADD = "add"
    STAY = "stay"
    SURPLUS = "surplus"  # serves it, and is not to; no deployment takes it away
    OUT = "out"
    SPARE = "spare"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Decision:
    """One host's verdict, and why; `gpus` are the numbers of those it gets, or would."""

    node: Node
    verdict: Verdict
    why: str
    gpus: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """A decision for every host, in their order, and where there are too few: the place, and how many it lacks."""

    decisions: Sequence[Decision]
    short: Mapping[str, int]

    @property
    def hosts(self) -> Sequence[str]:
        """The hosts that are to serve it."""
        wanted = (Verdict.ADD, Verdict.STAY)
        return [one.node.name for one in self.decisions if one.verdict in wanted]


def place(demand: Demand, nodes: Sequence[Node]) -> Placement:
    """Decide for every host. A host that serves it stays where it may and is not one too many."""
    against = {node.name: next(objections(demand, node), "") for node in nodes}
    groups: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        if not against[node.name]:
            groups[_domain(node, demand.place.per)].append(node)
    wanted = demand.place.replicas
    chosen: set[str] = set()
    for members in groups.values():
        chosen |= {node.name for node in _choose(demand, members, len(members) if wanted is None else wanted)}
    decisions = [_decision(demand, node, against[node.name], node.name in chosen) for node in nodes]
    return Placement(decisions, _short(demand, nodes, chosen))


def objections(demand: Demand, node: Node) -> Iterator[str]:
    """Yield all that speaks against a host, what decides first."""
    return (said for check in _CHECKS if (said := check(demand, node)))


def _of_this_kind(demand: Demand, node: Node) -> str:
    if not demand.count or not demand.skus or node.gpu in demand.skus:
        return ""
    return f"has {node.gpu or 'no known GPU'}, and {' or '.join(demand.skus)} is wanted"


def _resident(demand: Demand, node: Node) -> str:
    where, kept = away(demand, node)
    return f"is in {where}, {kept}" if kept else ""


def away(demand: Demand, node: Node) -> tuple[str, str]:
    """Return where a host is that may not have the data, and where that stays; twice '' for one that may."""
    countries, regions = demand.place.countries, demand.place.regions
    if countries and node.country not in countries:
        return node.country or "no known country", f"and data stays in {few(countries)}"
    if regions and node.region not in regions:
        return node.region or "no region", f"and data stays in {few(regions)}"
    return "", ""


def few(places: Sequence[str]) -> str:
    """Return places by their names; more than a line bears, by their number."""
    return ", ".join(places) if len(places) <= _NAMED else f"{len(places)} others"


def _of_this_tenant(demand: Demand, node: Node) -> str:
    if node.tenant == demand.place.tenant:
        return ""
    return f"serves {node.tenant} alone" if node.tenant else f"is not set aside for {demand.place.tenant}"


def _in_service(_demand: Demand, node: Node) -> str:
    return _DRAINED if node.drained else ""


def _accepted(_demand: Demand, node: Node) -> str:
    if node.stage is None or node.stage in _IN_USE:
        return ""
    return f"is {node.stage.value}, not accepted"


def _healthy(_demand: Demand, node: Node) -> str:
    return node.sick


def _fitting(demand: Demand, node: Node) -> str:
    return demand.unfit.get(node.gpu, "") if demand.count else ""


def _free(demand: Demand, node: Node) -> str:
    if node.free is None or node.free >= demand.count:
        return ""
    return f"has {node.free} of {demand.count} GPUs free"


def _apart(demand: Demand, node: Node) -> str:
    return clash(demand.wanted, node.devices.taken)


def _has_room(demand: Demand, node: Node) -> str:
    if node.disk_bytes is None or node.disk_bytes >= demand.disk_bytes:
        return ""
    return f"has {node.disk_bytes / 1e9:.0f} GB of disk for {demand.disk_bytes / 1e9:.0f} GB of model"


# What makes a host none that is meant, whatever state it is in; then what keeps one that is meant from serving.
_MEANT: Sequence[Callable[[Demand, Node], str]] = (_of_this_kind, _resident, _of_this_tenant)
_CHECKS: Sequence[Callable[[Demand, Node], str]] = (
    *_MEANT,
    _in_service,
    _accepted,
    _healthy,
    _fitting,
    _free,
    _apart,
    _has_room,
)


def _choose(demand: Demand, members: Sequence[Node], count: int) -> list[Node]:
    """Choose so many of a place: first those that serve it, then where the fewest do."""
    levels = demand.place.spread
    serving = [node for node in members if node.serves]
    if len(serving) >= count:
        return list(itertools.islice(_spread(demand, serving, levels, ()), count))
    others = [node for node in members if not node.serves]
    return serving + list(itertools.islice(_spread(demand, others, levels, serving), count - len(serving)))


def _spread(
    demand: Demand, nodes: Sequence[Node], levels: Sequence[Scope], beside: Sequence[Node]
) -> Iterator[Node]:
    """Yield the nodes so that any first few of them, with those `beside`, are spread over the places of each level."""
    if not levels:
        yield from sorted(nodes, key=lambda node: _preference(demand, node))
        return
    scope, below = levels[0], levels[1:]
    inside = _grouped(nodes, scope)
    there = _grouped(beside, scope)
    # A place is asked where the fewest are; of equals, the one whose name comes first in the service's own order.
    heap = []
    for name, members in inside.items():
        near = there.get(name, [])
        rest = _spread(demand, members, below, near)
        heap.append((len(near), _order(demand.service, name), name, rest))
    heapq.heapify(heap)
    while heap:
        count, order, name, rest = heapq.heappop(heap)
        node = next(rest, None)
        if node is not None:
            yield node
            heapq.heappush(heap, (count + 1, order, name, rest))


def _grouped(nodes: Sequence[Node], scope: Scope) -> dict[str, list[Node]]:
    groups: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        groups[_domain(node, scope)].append(node)
    return groups


def _domain(node: Node, scope: Scope) -> str:
    match scope:
        case Scope.FLEET:
            return ""
        case Scope.REGION:
            return node.region
        case Scope.METRO:
            return node.metro
        case Scope.POP:
            return node.pop


def _preference(demand: Demand, node: Node) -> tuple[int, str, str]:
    """Prefer the emptier host; of equals take each service its own, so that not all meet on the first."""
    return -(node.free or 0), _order(demand.service, node.name), node.name


def _order(service: str, name: str) -> str:
    return hashlib.blake2b(f"{service}/{name}".encode(), digest_size=8).hexdigest()


def _decision(demand: Demand, node: Node, against: str, is_chosen: bool) -> Decision:  # noqa: FBT001 - a fact, not a mode
    gpus = gpus_for(demand.wanted, node.devices)
    if is_chosen:
        why = "serves it already" if node.serves else _reason(demand)
        return Decision(node, Verdict.STAY if node.serves else Verdict.ADD, why, gpus)
    if node.serves and against == _DRAINED:
        return Decision(node, Verdict.OUT, against, gpus)
    if node.serves:
        return Decision(node, Verdict.SURPLUS, against or "is one more than is wanted", gpus)
    why = against or "may serve it, and is not needed"
    return Decision(node, Verdict.NOT if against else Verdict.SPARE, why, gpus)


def _reason(demand: Demand) -> str:
    if demand.place.replicas is None:
        return "may serve it"
    over = " and ".join(scope.value for scope in demand.place.spread)
    return f"spreads it over {over}" if over else "may serve it"


def _short(demand: Demand, nodes: Sequence[Node], chosen: Collection[str]) -> dict[str, int]:
    """Return how many replicas each place lacks; one without a host that is meant lacks none."""
    wanted = demand.place.replicas
    if wanted is None:
        return {}
    there = Counter(_domain(node, demand.place.per) for node in nodes if node.name in chosen)
    meant = [node for node in nodes if not any(check(demand, node) for check in _MEANT)]
    places = sorted({_domain(node, demand.place.per) for node in meant})
    return {name: wanted - there[name] for name in places if there[name] < wanted}
