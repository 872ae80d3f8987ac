"""The hosts of one run as a fleet: outliers among the cards, incidents among the findings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from edgectl.catalog.health_fleet import FleetRules
from edgectl.catalog.rules_model import Severity
from edgectl.inventory.model import Host
from edgectl.ops.clusters.traits import Traits
from edgectl.ops.health.finding import Finding
from edgectl.ops.health.fleet.incidents import Incident, Member, incidents
from edgectl.ops.health.fleet.outliers import CardReading, Compared, Outlier
from edgectl.ops.health.history.host_look import UNREACHABLE, HostLook
from edgectl.ops.health.history.snoozing import Snoozes
from edgectl.ops.health.history.states import Sighting
from edgectl.ops.health.observed import Node
from edgectl.ops.health.observed_gpu import GpuState


@dataclass(frozen=True, slots=True)
class FleetView:
    """What only the fleet as a whole shows."""

    incidents: Sequence[Incident] = ()
    outliers: Sequence[Outlier] = ()
    by_place: Mapping[tuple[str, str, str], Incident] = field(default_factory=dict)

    def incident_of(self, host: str, finding: str, label: str = "") -> Incident | None:
        """Return the incident that explains a finding, where there is one."""
        return self.by_place.get((host, finding, label))


def places_of(host: Host) -> dict[str, str]:
    """Return the places whose cards may be peers."""
    named = {
        "rack": host.rack,
        "pop": host.pop.name,
        "metro": host.pop.metro,
        "country": host.pop.country,
        "region": host.pop.region,
    }
    return {name: value for name, value in named.items() if value}


def readings_of(host: Host, node: Node, look: HostLook, wanted: Iterable[str]) -> Iterator[CardReading]:
    """Yield what the cards of a host show, of the wanted readings."""
    names = ("utilization_percent", *wanted)
    places = places_of(host)
    for gpu in node.gpus:
        card = look.cards.by_label.get(gpu.label)
        if card is None or gpu.state is not GpuState.OK:
            continue
        shown = {name: value for name in names if (value := getattr(gpu, name)) is not None}
        yield CardReading(
            card, host.name, gpu.label, gpu.name or "", node.driver_version or "", places, shown
        )


def outlier_sightings(compared: Compared, looks: Mapping[str, HostLook]) -> dict[str, list[Sighting]]:
    """Return by host what the comparison says of each card: found, or judged and not found."""
    found = {(one.card.card, one.metric.finding): one for one in compared.outliers}
    told: dict[str, list[Sighting]] = {}
    for (card, finding), one in found.items():
        is_first = card not in looks[one.card.host].cards.on_record
        sighting = Sighting(card, finding, one.card.host, one.card.label, Severity.WARNING, is_first=is_first)
        told.setdefault(one.card.host, []).append(sighting)
    for host, look in looks.items():
        for card, finding in look.states:
            if card in compared.judged.get(finding, ()) and (card, finding) not in found:
                label = look.states[card, finding].label
                told.setdefault(host, []).append(Sighting(card, finding, host, label, None))
    return told


def view_of(
    findings: Mapping[str, Sequence[Finding]],
    away: Iterable[str],
    outliers: Sequence[Outlier],
    traits: Mapping[str, Traits],
    rules: FleetRules,
    snoozes: Snoozes,
) -> FleetView:
    """Return the fleet's view of what each host was found with, and of those that did not answer."""
    members = [
        Member(host, one.id, one.severity, one.label)
        for host, of_host in findings.items()
        for one in of_host
        if not one.because
    ]
    members += [
        Member(one.card.host, one.metric.finding, Severity.WARNING, one.card.label) for one in outliers
    ]
    members += [Member(host, UNREACHABLE, Severity.WARNING) for host in away]
    awake = [member for member in members if not snoozes.snoozed(member.host, member.finding)]
    found = incidents(awake, traits, rules.incidents)
    by_place = {(member.host, member.finding, member.label): one for one in found for member in one.members}
    return FleetView(found, outliers, by_place)
