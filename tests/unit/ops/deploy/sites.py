"""Services for operations that only plan: a fleet, a clock, and whatever else a test puts in."""

from __future__ import annotations

import os
from pathlib import Path

from edgectl.inventory.model import Fleet
from edgectl.ops.services import Services
from edgectl.secret import SecretSource
from tests.fakes.clock import FakeClock
from tests.fakes.connector import FakeConnector
from tests.fakes.fleet import a_fleet, a_host
from tests.fakes.pool import InlinePool
from tests.fakes.store import an_empty_store


def services_with(fleet: Fleet | None = None) -> Services:
    clock = FakeClock()
    with an_empty_store() as (history, freezes):
        return Services(
            fleet=fleet or a_fleet([a_host()]),
            pool=InlinePool(FakeConnector(), clock),
            observers=(),
            clock=clock,
            random_bytes=os.urandom,
            interrupts=lambda: 0,
            secrets=SecretSource({}),
            started_by="ann from büro",
            playbooks=Path("/nonexistent"),
            history=history,
            freezes=freezes,
        )
