"""Settings and observers become the `Services` an operation is handed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from edgectl import shipped
from edgectl.clock import SystemClock
from edgectl.engine.ports import Observer
from edgectl.engine.records import Origin
from edgectl.ops.continuing import whole_id
from edgectl.ops.services import Services
from edgectl.secret import SecretSource
from edgectl.settings import Settings
from edgectl.wiring.adapters import open_store
from edgectl.wiring.fleet import load_fleet
from edgectl.wiring.host_pools import open_pool
from edgectl.wiring.interrupts import Interrupts


@contextmanager
def open_services(
    settings: Settings, observers: Sequence[Observer], origin: Origin, resume: str | None = None
) -> Iterator[Services]:
    """Yield services for one command, be it one that continues the run `resume`; connections are closed behind it."""
    clock = SystemClock()
    fleet = load_fleet(settings)
    store = open_store(settings, clock)
    interrupts = Interrupts()
    with open_pool(settings, fleet, clock) as pool, interrupts.watched():
        yield Services(
            fleet=fleet,
            pool=pool,
            observers=[store.recorder, *observers],
            clock=clock,
            random_bytes=os.urandom,
            interrupts=interrupts,
            secrets=SecretSource(settings.environment),
            started_by=settings.started_by,
            playbooks=shipped.playbooks(),
            history=store.history,
            freezes=store.freezes,
            contacts=store.contacts,
            health=store.health,
            bench=store.bench,
            lifecycles=store.lifecycles,
            certificates=store.certificates,
            holds=store.holds,
            deployed=store.deployed,
            origin=origin,
            resuming=whole_id(store.history, resume) if resume else "",
        )
