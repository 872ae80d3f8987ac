"""A run's hosts side by side: what those that failed alike have in common, in a line and as data. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any

from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.inventory.fold import folded
from edgectl.inventory.model import Host
from edgectl.ops.clusters.separation import LEAST, Population, Separation
from edgectl.ops.clusters.traits import traits_of, verb, words

_WELL = (HostStatus.OK, HostStatus.CHANGED)
# More names for the same hosts are a matter for -o json.
_NAMED = 2
_DIGITS = 3


class Comparison:
    """The hosts of a run with how they ended; nothing is computed before somebody asks."""

    def __init__(self, hosts: Sequence[Host] = (), outcomes: Sequence[HostOutcome] = ()) -> None:
        self._hosts = hosts
        self._outcomes = outcomes
        self._found: dict[frozenset[str], Separation | None] = {}

    def separation(self, failed: Collection[str]) -> Separation | None:
        """Return what best separates these hosts from those that went well; None where too little speaks for it."""
        if len(failed) < LEAST:
            return None
        asked = frozenset(failed)  # both the lines and the data of a report ask
        if asked not in self._found:
            self._found[asked] = self._population.separation(failed)
        return self._found[asked]

    @cached_property
    def _population(self) -> Population:
        by_name = {outcome.host: outcome for outcome in self._outcomes}
        traits = {host.name: traits_of(host, by_name.get(host.name)) for host in self._hosts}
        return Population(traits, [name for name, one in by_name.items() if one.status in _WELL])


NO_COMPARISON = Comparison()


def explained(found: Separation) -> str:
    """Return the line below a failure."""
    of_failed = _share(found.failed_with, found.failed)
    of_well = _share(found.well_with, found.well) if found.well_with else "none"
    trait = f"{verb(found.name)} {words(found.name, found.value)}"
    line = f"{of_failed} of these {trait}; of those that went well {of_well}"
    if not found.same:
        return line
    others = [words(name, value) for name, value in found.same[:_NAMED]]
    more = f" and {len(found.same) - _NAMED} more" if len(found.same) > _NAMED else ""
    return f"{line} (the same hosts: {', '.join(others)}{more})"


def as_data(found: Separation, failed: Collection[str], **about: Any) -> dict[str, Any]:
    """Return a cluster as `data.clusters` of the report has it; `about` says which failure it is of."""
    return {
        **about,
        "hosts": folded(failed),
        "count": len(failed),
        "attribute": found.name,
        "value": found.value,
        "with": found.failed_with,
        "of": found.failed,
        "well_with": found.well_with,
        "well_of": found.well,
        "chance": float(f"{found.chance:.{_DIGITS}g}"),
        "same": [{"attribute": name, "value": value} for name, value in found.same],
    }


def _share(some: int, of: int) -> str:
    """Return a share in whole percent; 100 only where it is all, 0 never."""
    if some == of:
        return "all"
    percent = 100 * some // of if 2 * some > of else -(-100 * some // of)
    return f"{max(1, min(99, percent))} %"
