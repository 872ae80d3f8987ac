"""Where a host stands, by this look and the record of the ones before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edgectl.engine.contacts import Contact, Reach
from edgectl.engine.events import HostConnected
from edgectl.engine.faults import ChangedKey
from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.ops.ping.census import Standing, by_standing, census
from tests.fakes.clock import START

BEFORE = START - timedelta(days=3)
OK, AWAY = HostStatus.OK, HostStatus.UNREACHABLE
KEY = str(ChangedKey("SHA256:9fW", "SHA256:aaQ"))

CASES = [
    (None, OK, "", Standing.UP, Reach.UP, START),
    (Reach.UP, OK, "", Standing.UP, Reach.UP, BEFORE),
    (Reach.DOWN, OK, "", Standing.BACK, Reach.UP, START),
    (Reach.REFUSED_KEY, OK, "", Standing.BACK, Reach.UP, START),
    (None, AWAY, "refused", Standing.FIRST, Reach.DOWN, START),
    (Reach.UP, AWAY, "refused", Standing.NEW, Reach.DOWN, START),
    (Reach.REFUSED_KEY, AWAY, "refused", Standing.NEW, Reach.DOWN, START),
    (Reach.DOWN, AWAY, "refused", Standing.KNOWN, Reach.DOWN, BEFORE),
    (Reach.UP, HostStatus.UNKNOWN, "line lost", Standing.NEW, Reach.DOWN, START),
    (Reach.UP, AWAY, KEY, Standing.KEY, Reach.REFUSED_KEY, START),
    (None, AWAY, KEY, Standing.KEY, Reach.REFUSED_KEY, START),
    (Reach.UP, HostStatus.FAILED, "no Python", Standing.UP, Reach.UP, BEFORE),
]


@pytest.mark.parametrize(("before", "status", "reason", "standing", "reach", "since"), CASES)
def test_a_host_stands_by_this_look_and_the_one_before(
    before: Reach | None,
    status: HostStatus,
    reason: str,
    standing: Standing,
    reach: Reach,
    since: object,
) -> None:
    known = {} if before is None else {"n1": Contact("n1", before, BEFORE, BEFORE)}
    (stand,) = census([HostOutcome("n1", "fra1", status, reason)], {}, known, START)

    assert stand.contact is not None
    assert (stand.standing, stand.contact.reach, stand.contact.since) == (standing, reach, since)


def test_a_host_whose_turn_never_came_stays_on_record_as_it_was() -> None:
    (stand,) = census([HostOutcome("n1", "fra1", HostStatus.NOT_RUN)], {}, {}, START)

    assert (stand.standing, stand.contact, stand.round_trip_s) == (Standing.NOT_ASKED, None, None)


def test_the_way_to_a_host_is_the_kernels_figure_or_through_a_bastion_the_connections() -> None:
    hosts = [HostOutcome(name, "fra1", OK, seconds=0.9) for name in ("n1", "n2", "n3")]
    connected = {
        "n1": HostConnected("n1", 0.05, 0.2, 0.04),
        "n2": HostConnected("n2", 0.08, 0.3, None),
    }
    stands = census(hosts, connected, {}, START)

    assert [stand.round_trip_s for stand in stands] == [0.04, 0.08, None]
    assert [stand.contact.tcp_s if stand.contact else None for stand in stands] == [(0.05,), (0.08,), ()]


def test_every_standing_has_its_hosts_be_they_none() -> None:
    found = by_standing(census([HostOutcome("n1", "fra1", OK)], {}, {}, START))

    assert {standing: len(stands) for standing, stands in found.items()} == {
        standing: int(standing is Standing.UP) for standing in Standing
    }
