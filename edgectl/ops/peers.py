"""Who is compared with whom, and when one differs: a cohort as near as has peers enough, its median, its spread. Pure.

A fixed threshold misses the one that is 10 % slower than fourteen neighbours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Generic, Protocol, TypeVar

# Scales the median absolute deviation of a normal distribution to its standard deviation.
_NORMAL = 0.6745
FLEET = "fleet"


class Placed(Protocol):
    """What has peers: `places` has pop, metro and region by name."""

    @property
    def places(self) -> Mapping[str, str]: ...  # noqa: D102


Member = TypeVar("Member", bound=Placed)


@dataclass(frozen=True, slots=True)
class Peers:
    """A cohort: how many, what is usual there, how far they spread, and which place it is of."""

    count: int
    usual: float
    spread: float
    width: str
    place: str


@dataclass(frozen=True, slots=True)
class Cohort(Generic[Member]):
    """Peers, and who they are."""

    peers: Peers
    members: Sequence[Member]


@dataclass(frozen=True, slots=True)
class Kin(Generic[Member]):
    """How members of a fleet are compared: what names one, what makes two alike, and the figure itself."""

    name: Callable[[Member], Hashable]
    kind: Callable[[Member], Hashable]
    figure: Callable[[Member], float]


def cohorts(
    members: Sequence[Member], kin: Kin[Member], widths: Sequence[str], least_peers: int
) -> dict[Hashable, Cohort[Member]]:
    """Return by name the narrowest cohort that has more than `least_peers` members of one kind."""
    found: dict[Hashable, Cohort[Member]] = {}
    for width in widths:
        groups: dict[tuple[Hashable, str], list[Member]] = defaultdict(list)
        for member in members:
            if width == FLEET or member.places.get(width):
                groups[kin.kind(member), member.places.get(width, "")].append(member)
        for (_, place), group in groups.items():
            left = [member for member in group if kin.name(member) not in found]
            if left and len(group) > least_peers:
                cohort = Cohort(peers_of([kin.figure(member) for member in group], width, place), group)
                found.update((kin.name(member), cohort) for member in left)
    return found


def peers_of(figures: Sequence[float], width: str, place: str) -> Peers:
    """Return what figures say together."""
    usual = median(figures)
    spread = median(abs(figure - usual) for figure in figures)
    return Peers(len(figures), usual, spread, width, place)


def differs(figure: float, peers: Peers, *, by: float, robust_z: float, is_worse_high: bool) -> bool:
    """Tell whether a figure is on the bad side, at least `by` away, and beyond the cohort's own spread.

    B. Iglewicz, D. Hoaglin, How to detect and handle outliers (1993): a robust z of 3.5.
    """
    distance = figure - peers.usual if is_worse_high else peers.usual - figure
    return distance >= by and _NORMAL * distance > robust_z * peers.spread
