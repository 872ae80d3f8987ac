"""Sessions of a worker that is told to stop."""

from __future__ import annotations

import pytest

from edgectl.engine.faults import FaultKind, HostFault
from edgectl.pools.leash import Leash
from tests.fakes.connector import FakeConnector, FakeSession
from tests.fakes.fleet import a_host


def test_all_that_are_open_end_at_once_and_there_are_no_more() -> None:
    connector = FakeConnector()
    leash = Leash(connector)
    first, second = leash.connect(a_host("a")), leash.connect(a_host("b"))
    first.close()
    leash.close()

    sessions = [visit for visits in connector.visits.values() for visit in visits]
    assert all(isinstance(session, FakeSession) and session.is_closed for session in sessions)
    assert connector.is_closed
    with pytest.raises(HostFault) as refused:
        leash.connect(a_host("c"))
    assert refused.value.kind is FaultKind.LOST
    second.close()
