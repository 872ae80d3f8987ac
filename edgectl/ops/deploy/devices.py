"""Which GPUs of a host a replica gets beside the services there: no GPU is of two, none moves for nothing. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from edgectl.engine.service_records import Claim


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many GPUs a replica takes, or which, by their UUIDs. Slices of GPUs are named by UUID or not handed out."""

    count: int
    uuid: Sequence[str] = ()
    mig: str = ""

    @property
    def is_handed_out(self) -> bool:
        """Tell whether edgectl chooses them, by their numbers."""
        return self.count > 0 and not self.uuid and not self.mig


@dataclass(frozen=True, slots=True)
class Devices:
    """The GPUs of a host: how many there are, None where that is not known, which others hold, and which we do."""

    total: int | None = None
    taken: frozenset[str] = frozenset()
    own: Sequence[str] = ()


NO_DEVICES, ANY_DEVICES = Wanted(0), Devices()


def held_by(gpus: Sequence[str], claim: Claim) -> Sequence[str]:
    """Return the GPUs that a service has; where no record says it, it was given the first ones."""
    if gpus or claim.mig:
        return gpus
    return [str(number) for number in range(claim.gpus)]


def gpus_for(wanted: Wanted, devices: Devices) -> Sequence[str]:
    """Return the numbers of the GPUs that a replica gets: those it has, as far as nobody else has them, then the first.

    Empty where edgectl does not choose, and where there are not enough.
    """
    if not wanted.is_handed_out:
        return ()
    own = [one for one in devices.own if one.isdecimal() and one not in devices.taken][: wanted.count]
    numbers = map(str, itertools.count() if devices.total is None else range(devices.total))
    others = (one for one in numbers if one not in devices.taken and one not in own)
    chosen = [*own, *itertools.islice(others, wanted.count - len(own))]
    return sorted(chosen, key=int) if len(chosen) == wanted.count else ()


def clash(wanted: Wanted, taken: Collection[str]) -> str:
    """Return why a replica cannot keep apart from the others of a host, '' where it can."""
    if not wanted.count or (wanted.mig and not wanted.uuid):
        return ""
    mine = sorted(set(wanted.uuid) & set(taken))
    if mine:
        return f"another service has {mine[0]} there"
    if any(one.isdecimal() == bool(wanted.uuid) for one in taken):
        other, own = ("numbers", "UUIDs") if wanted.uuid else ("UUIDs", "numbers")
        return f"another service has GPUs by {other} there, and this one gets them by {own}: name 'gpus.uuid' in both"
    return ""
