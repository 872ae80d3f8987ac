"""Many findings with one cause are one incident: what the hosts share is the suspect. Pure and the same each time.

For each family of findings every place and make that the hosts have is tried. It is a candidate where more than a
given share of its hosts are affected, and several; the one that separates the affected from the others best is the
suspect (the difference of the two shares, as in `ops.clusters`). What chance alone would bring about somewhere in a
fleet of this size is none (the tail of the hypergeometric distribution, times the values tried).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgectl.catalog.health_fleet import Family, IncidentRules
from edgectl.catalog.rules_model import Severity
from edgectl.inventory.fold import folded
from edgectl.ops.clusters.odds import chance_of_so_many
from edgectl.ops.clusters.traits import Traits

EVERYWHERE = "all"
# How much commoner than elsewhere, where others can be compared with.
_LIFT = 2.0
_ALONE = frozenset({"rack", "pop"})


@dataclass(frozen=True, slots=True)
class Member:
    """One finding at one host, for what it may have in common with others."""

    host: str
    finding: str
    severity: Severity
    label: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause: what its hosts share (`factor` and `value`), how many of how many have it, and what to look at."""

    id: str
    family: str
    factor: str
    value: str
    suspect: str
    severity: Severity
    hosts: frozenset[str]
    of: int
    members: Sequence[Member]

    @property
    def findings(self) -> tuple[str, ...]:
        """The findings that it explains."""
        return tuple(dict.fromkeys(member.finding for member in self.members))


@dataclass(frozen=True, slots=True)
class _Candidate:
    factor: str
    value: str
    affected: frozenset[str]
    of: int
    distance: float


def incidents(
    members: Sequence[Member], traits: Mapping[str, Traits], rules: IncidentRules
) -> list[Incident]:
    """Return the incidents, by family; `traits` are of every host that was asked, affected or not."""
    found: list[Incident] = []
    left = [member for member in members if member.host in traits]
    population = _Population(traits)
    for family in _families(left, rules):
        of_family = [member for member in left if family.has(member.finding)]
        for incident in _of_family(family, of_family, population, rules):
            found.append(incident)
            claimed = frozenset(incident.members)
            left = [member for member in left if member not in claimed]
    return found


def _families(members: Sequence[Member], rules: IncidentRules) -> Iterator[Family]:
    """Yield the families that are written down, then each finding that is in none as its own."""
    yield from rules.families
    named = [family for family in rules.families if not family.needs]
    for finding in dict.fromkeys(member.finding for member in members):
        if not any(family.has(finding) for family in named):
            yield Family(finding, (finding,), rules.suspects)


def _of_family(
    family: Family, members: Sequence[Member], population: _Population, rules: IncidentRules
) -> Iterator[Incident]:
    by_host: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        by_host[member.host].append(member)
    while by_host:
        best = population.best(family, by_host, rules)
        if best is None:
            return
        theirs = [member for host in by_host if host in best.affected for member in by_host[host]]
        yield _incident(family, best, theirs, rules)
        for host in best.affected:
            del by_host[host]


class _Population:
    """All hosts that were asked, and how many have each value of each factor."""

    def __init__(self, traits: Mapping[str, Traits]) -> None:
        self._traits = traits
        self._total = len(traits)
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        for of_host in traits.values():
            for factor, value in of_host.items():
                self._counts[factor][value] += 1

    def best(
        self, family: Family, by_host: Mapping[str, Sequence[Member]], rules: IncidentRules
    ) -> _Candidate | None:
        """Return what best separates the affected hosts from the others."""
        affected = frozenset(by_host)
        needed = frozenset(
            host for host in affected if any(one.finding == family.needs for one in by_host[host])
        )
        order = list(family.suspects)
        told = [
            one
            for one in self._candidates(family, affected, rules)
            if not family.needs or one.affected & needed
        ]
        best = min(told, key=lambda one: (-one.distance, order.index(one.factor), one.value), default=None)
        return best or self._everywhere(family, affected, rules)

    def _candidates(
        self, family: Family, affected: frozenset[str], rules: IncidentRules
    ) -> Iterator[_Candidate]:
        least = family.least_hosts or rules.least_hosts
        if len(affected) < least:
            return
        for (factor, value), having in self._having(affected, family.suspects).items():
            hosts = self._counts[factor][value]
            if len(having) < least or len(having) <= rules.share * hosts:
                continue
            one = _Candidate(factor, value, having, hosts, self._distance(len(having), len(affected), hosts))
            if self._stands_out(one, len(affected), family, rules):
                yield one

    def _having(
        self, affected: frozenset[str], factors: Collection[str]
    ) -> dict[tuple[str, str], frozenset[str]]:
        """Return which of the affected hosts have each value."""
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for host in affected:
            of_host = self._traits[host]
            for factor in factors:
                if factor in of_host:
                    found[factor, of_host[factor]].add(host)
        return {key: frozenset(hosts) for key, hosts in found.items()}

    def _distance(self, having: int, affected: int, hosts: int) -> float:
        well = self._total - affected
        return having / affected - ((hosts - having) / well if well else 0.0)

    def _stands_out(self, one: _Candidate, affected: int, family: Family, rules: IncidentRules) -> bool:
        """Tell whether it is commoner here than elsewhere, and more than chance would make it somewhere.

        Where only one site was asked there is no elsewhere, and the site is the suspect. What explains every one of
        the affected needs no arithmetic.
        """
        elsewhere, having = self._total - one.of, len(one.affected)
        if elsewhere == 0:
            return one.factor in _ALONE
        if having == affected:
            return True
        if having / one.of < _LIFT * (affected - having) / elsewhere:
            return False
        chance = chance_of_so_many(having, affected, one.of, self._total)
        tried = sum(len(self._counts[factor]) for factor in family.suspects)
        return tried * chance < rules.by_chance

    def _everywhere(
        self, family: Family, affected: frozenset[str], rules: IncidentRules
    ) -> _Candidate | None:
        """Return the whole selection where so many of it are affected and nothing tells them from the others."""
        is_many = len(affected) >= rules.least_hosts and len(affected) > rules.share * self._total
        if not is_many or family.needs:
            return None
        return _Candidate(EVERYWHERE, EVERYWHERE, affected, self._total, 0.0)


def _incident(family: Family, best: _Candidate, members: Sequence[Member], rules: IncidentRules) -> Incident:
    worst = (
        Severity.CRITICAL if any(one.severity is Severity.CRITICAL for one in members) else Severity.WARNING
    )
    return Incident(
        id=f"{re.sub(r'[^a-z0-9.]+', '-', best.value.lower()).strip('-')}-{family.name}",
        family=family.name,
        factor=best.factor,
        value=best.value,
        suspect=family.suspects.get(best.factor, rules.everywhere),
        severity=family.severity or worst,
        hosts=best.affected,
        of=best.of,
        members=tuple(members),
    )


def incident_data(one: Incident) -> dict[str, Any]:
    """Return an incident as programs read it."""
    return {
        "id": one.id,
        "findings": list(one.findings),
        "severity": one.severity.value,
        "factor": one.factor,
        "value": one.value,
        "suspect": one.suspect,
        "hosts": folded(one.hosts),
        "count": len(one.hosts),
        "of": one.of,
    }
