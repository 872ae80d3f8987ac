"""Which worker gets a host: one that is near it, else one that has room. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Place:
    """A worker as far as placing goes: the regions that it is near, and whether it has asked for a host.

    `unasked` counts the hosts that it was given since it last asked, beyond those that it asked for.
    """

    regions: frozenset[str] = frozenset()
    asks: bool = False
    unasked: int = 0


def choose(region: str, places: dict[str, Place], most_unasked: int) -> str:
    """Return who gets a host of a region; somebody must have asked.

    A worker near it that asks is best. One that is full takes it all the same, up to `most_unasked` hosts: a host is
    not driven from far because a line is free there. Where that is too many, or nobody is near, one that asks takes
    it, at best one that is not there for another region.
    """
    near = {name: place for name, place in places.items() if region and region in place.regions}
    asking = [name for name, place in places.items() if place.asks]
    for name in asking:
        if name in near:
            return name
    patient = [name for name, place in near.items() if place.unasked < most_unasked]
    if patient:
        return min(patient, key=lambda name: near[name].unasked)
    return next((name for name in asking if not places[name].regions), asking[0])
