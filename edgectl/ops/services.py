"""What every operation is handed: the fleet and the ports. Frozen, passed, never global."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgectl.clock import Clock
from edgectl.engine.bench_records import BenchHistory, NoBenchHistory
from edgectl.engine.certificates import Certificates, NoCertificates
from edgectl.engine.contacts import Contacts, NoContacts
from edgectl.engine.health_records import HealthHistory, NoHealthHistory
from edgectl.engine.holds import Holds, NoHolds
from edgectl.engine.lifecycle import Lifecycles, NoLifecycles
from edgectl.engine.ports import HostPool, Observer
from edgectl.engine.records import Freezes, Origin, RunHistory
from edgectl.engine.service_records import NoServiceHistory, ServiceHistory
from edgectl.inventory.model import Fleet
from edgectl.secret import Secrets


@dataclass(frozen=True, slots=True)
class Services:
    """Everything an operation may use."""

    fleet: Fleet
    pool: HostPool
    observers: Sequence[Observer]
    clock: Clock
    random_bytes: Callable[[int], bytes]
    interrupts: Callable[[], int]
    secrets: Secrets
    started_by: str
    playbooks: Path
    history: RunHistory
    freezes: Freezes
    contacts: Contacts = field(default_factory=NoContacts)  # what earlier looks at each host found
    health: HealthHistory = field(default_factory=NoHealthHistory)  # what earlier looks at cards found
    bench: BenchHistory = field(default_factory=NoBenchHistory)  # what earlier measurements found
    lifecycles: Lifecycles = field(default_factory=NoLifecycles)  # the stages that hosts came to
    certificates: Certificates = field(default_factory=NoCertificates)  # what nodes were accepted with
    holds: Holds = field(default_factory=NoHolds)  # who deploys which service now
    deployed: ServiceHistory = field(default_factory=NoServiceHistory)  # what hosts came to serve
    origin: Origin = field(default_factory=Origin)
    resuming: str = ""  # the id of the run that this command continues, in place of beginning one
