"""Which findings somebody knows of already, and until when. Pure but for the fleet that patterns are looked up in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from edgectl.engine.health_records import Snooze
from edgectl.errors import InputError
from edgectl.inventory.model import Fleet
from edgectl.inventory.pattern import select_names


@dataclass(frozen=True, slots=True)
class Snoozes:
    """The snoozes in force, each with the hosts that its pattern means today."""

    of_hosts: Sequence[tuple[Snooze, frozenset[str]]] = ()

    def snoozed(self, host: str, finding: str) -> Snooze | None:
        """Return the snooze of a finding, where there is one."""
        for snooze, hosts in self.of_hosts:
            if host in hosts and fnmatchcase(finding, snooze.finding):
                return snooze
        return None


def snoozes_of(fleet: Fleet, snoozes: Iterable[Snooze]) -> Snoozes:
    """Return snoozes with their hosts; one whose pattern matches nothing any more has none."""
    return Snoozes([(snooze, _hosts(fleet, snooze.hosts)) for snooze in snoozes])


def _hosts(fleet: Fleet, pattern: str) -> frozenset[str]:
    try:
        return frozenset(select_names(fleet, pattern))
    except InputError:
        return frozenset()
