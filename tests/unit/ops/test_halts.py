"""A freeze that begins during a run: heard within seconds, asked for seldom, and never the end of a run by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from edgectl.engine.records import Freeze
from edgectl.errors import MissingError, StoppedError
from edgectl.ops.halts import halting, refuse_frozen
from edgectl.ops.services import Services
from edgectl.secret import SecretSource
from edgectl.store.freezes import SqlFreezes
from tests.fakes.clock import START, FakeClock
from tests.fakes.connector import FakeConnector
from tests.fakes.fleet import a_fleet, a_host
from tests.fakes.pool import InlinePool
from tests.fakes.store import an_empty_store


class Counting:
    """Counts how often it is asked, and may be out of reach."""

    def __init__(self, kept: SqlFreezes) -> None:
        self._kept = kept
        self.asked = 0
        self.is_away = False

    def add(self, freeze: Freeze) -> None:
        self._kept.add(freeze)

    def lift(self, by: str, at: datetime) -> int:
        return self._kept.lift(by, at)

    def in_force(self, at: datetime) -> Sequence[Freeze]:
        self.asked += 1
        if self.is_away:
            raise MissingError("cannot read the state store")
        return self._kept.in_force(at)


def test_a_freeze_is_heard_within_seconds_and_asked_for_seldom() -> None:
    with an_empty_store() as (history, kept):
        clock, freezes = FakeClock(), Counting(kept)
        services = Services(
            fleet=a_fleet([a_host()]),
            pool=InlinePool(FakeConnector(), clock),
            observers=(),
            clock=clock,
            random_bytes=bytes,
            interrupts=lambda: 0,
            secrets=SecretSource({}),
            started_by="ops",
            playbooks=Path("/nonexistent"),
            history=history,
            freezes=freezes,
        )
        reason = halting(services, "01A")
        assert [reason() for _ in range(1000)] == [""] * 1000
        assert freezes.asked == 1

        freezes.add(Freeze("a storm", "ci", START))
        clock.turn(3)
        assert reason() == "frozen by ci until it is lifted: a storm"
        with pytest.raises(StoppedError, match="a storm; no host was contacted"):
            refuse_frozen(services)

        freezes.is_away = True
        clock.turn(3)
        assert reason() == "frozen by ci until it is lifted: a storm"
