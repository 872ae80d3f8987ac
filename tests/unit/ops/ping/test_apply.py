"""`ping` over scripted hosts and a real store: what one census learns the next one knows."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edgectl.engine.contacts import FLOOR_S
from edgectl.engine.faults import ChangedKey, FaultKind, HostFault
from edgectl.engine.ports import Timings
from edgectl.errors import ExitCode
from edgectl.ops.ping.apply import ping
from edgectl.ops.playbooks import Selection, execute
from edgectl.ops.services import Services
from edgectl.playbook.compile import Options
from edgectl.report import Line, Report
from edgectl.secret import SecretSource
from edgectl.store.contacts import SqlContacts
from edgectl.store.database import open_database
from edgectl.store.freezes import SqlFreezes
from edgectl.store.history import History
from tests.fakes.clock import FakeClock
from tests.fakes.connector import REFUSED, FakeConnector, Visit, whole
from tests.fakes.fleet import a_fleet, hosts_of
from tests.fakes.pool import InlinePool

NAMES = ["fra1-n01", "fra1-n02", "fra1-n03", "gru1-n01"]
NEAR = {name: Timings(0.02, 0.2, 0.019) for name in NAMES}
KEY = HostFault(FaultKind.HOST_KEY, str(ChangedKey("SHA256:9fW", "SHA256:aaQ")), hint="edgectl trust check")


class World:
    """Four hosts, looked at again and again."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        store = open_database(f"sqlite:///{folder}/state.db")
        self.services = Services(
            fleet=a_fleet(hosts_of({"fra1": 3, "gru1": 1})),
            pool=InlinePool(FakeConnector(), self.clock),
            observers=(),
            clock=self.clock,
            random_bytes=bytes,
            interrupts=lambda: 0,
            secrets=SecretSource({}),
            started_by="tester",
            playbooks=folder,
            history=History(store),
            freezes=SqlFreezes(store),
            contacts=SqlContacts(store),
        )
        self.connector = FakeConnector()

    def ping(
        self,
        script: Mapping[str, Sequence[Visit]] | None = None,
        timings: Mapping[str, Timings] = NEAR,
    ) -> Report:
        self.connector = FakeConnector(script, self.clock, timings=timings)
        self.clock.turn(3_600)
        return ping(replace(self.services, pool=InlinePool(self.connector, self.clock)), None, None)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def _lines(report: Report) -> list[str]:
    return [line.text.strip() for line in report.body if isinstance(line, Line)]


def _standings(report: Report) -> dict[str, str]:
    return {host.host: host.data["standing"] for host in report.hosts}


def test_a_fleet_that_answers_is_one_line(world: World) -> None:
    report = world.ping()

    assert _lines(report) == ["4 of 4 answer · median 19 ms, slowest fra1-n01 19 ms · login 200 ms"]
    assert report.exit_code is ExitCode.DONE


def test_who_goes_away_is_new_once_then_known_then_back(world: World) -> None:
    world.ping()
    went = world.ping({"fra1-n02": (REFUSED,)})
    stayed = world.ping({"fra1-n02": (REFUSED,)})
    back = world.ping()

    assert [_standings(report)["fra1-n02"] for report in (went, stayed, back)] == ["new", "known", "back"]
    assert _lines(went)[1:] == ["unreachable  1      1 new: fra1-n02", "connection refused"]
    assert _lines(stayed)[1:] == ["unreachable  1      1 for up to 1 h"]
    assert _lines(back)[1:] == ["back         1    fra1-n02   away for up to 2 h"]
    assert went.exit_code is ExitCode.UNREACHABLE


def test_a_host_that_never_answered_is_told_apart_from_one_that_is_lost(world: World) -> None:
    first = world.ping({"gru1-n01": (REFUSED,)})

    assert _lines(first)[1] == "unreachable  1      1 never seen: gru1-n01"
    assert first.data["census"]["hosts"]["first"] == ["gru1-n01"]


def test_a_changed_key_is_told_once_with_the_command_to_check(world: World) -> None:
    world.ping()
    report = world.ping({"fra1-n03": (KEY,)})

    assert _lines(report)[1:] == [
        "host key     1    fra1-n03 changed: SHA256:9fW (pinned SHA256:aaQ)   edgectl trust check fra1-n03"
    ]
    assert report.exit_code is ExitCode.UNREACHABLE
    assert _standings(world.ping())["fra1-n03"] == "back"


def test_a_host_that_lets_us_in_and_cannot_work_answers_and_is_told(world: World) -> None:
    report = world.ping({"fra1-n01": (HostFault(FaultKind.NO_PYTHON, "no Python"),)})

    assert _lines(report)[0].startswith("4 of 4 answer")
    assert "fra1-n01   no Python" in _lines(report)[1]
    assert report.exit_code is ExitCode.FAILED


def test_the_slow_are_begun_first_and_told_in_the_fleets_order(world: World) -> None:
    slow: dict[str, Sequence[Visit]] = {"fra1-n03": ([3.0, *whole()],), "gru1-n01": (REFUSED,)}
    world.ping(slow)
    report = world.ping(slow)

    assert list(world.connector.within_s) == ["gru1-n01", "fra1-n03", "fra1-n01", "fra1-n02"]
    assert [host.host for host in report.hosts] == NAMES


def test_hosts_that_were_always_near_are_waited_for_less(world: World) -> None:
    far = {**NEAR, "gru1-n01": Timings(0.75, 2.0, 0.7)}
    for _ in range(6):
        world.ping(timings=far)

    assert world.connector.within_s == {**dict.fromkeys(NAMES[:3], FLOOR_S), "gru1-n01": 4.0}


def test_every_run_waits_as_the_census_taught_and_keeps_its_own_order(world: World) -> None:
    for _ in range(6):
        world.ping({"gru1-n01": ([1.0, *whole()],)})
    connector = FakeConnector()
    services = replace(world.services, pool=InlinePool(connector, world.clock))

    execute(services, ["true"], Selection("all"), Options())

    assert list(connector.within_s.items()) == [(name, FLOOR_S) for name in NAMES]


def test_a_host_whose_turn_never_came_is_not_told_as_away(world: World) -> None:
    world.ping()
    interrupted = replace(world.services, interrupts=lambda: 1)

    report = ping(interrupted, None, None)

    assert set(_standings(report).values()) == {"not-asked"}
    assert set(_standings(world.ping()).values()) == {"up"}


def test_what_hosts_that_went_away_have_in_common_is_told(world: World) -> None:
    world.services = replace(world.services, fleet=a_fleet(hosts_of({"fra1": 40, "gru1": 12})))
    away: dict[str, Sequence[Visit]] = {f"gru1-n{number:02d}": (REFUSED,) for number in range(1, 13)}
    world.ping()

    report = world.ping(away)

    assert "all of these are in pop gru1; of those that went well none" in _lines(report)
    assert report.data["clusters"][0]["value"] == "gru1"


def test_a_store_that_refuses_the_census_does_not_hide_it(world: World, tmp_path: Path) -> None:
    world.ping()
    with sqlite3.connect(tmp_path / "state.db") as database:
        database.execute("DROP TABLE contacts")
        columns = "'' host, '' reach, '' since, '' answered, '' reason, 1 tcp_s, 1 seconds"
        database.execute(f"CREATE VIEW contacts AS SELECT {columns} LIMIT 0")
    database.close()

    report = world.ping({"fra1-n01": (REFUSED,)})

    assert _lines(report)[0].startswith("3 of 4 answer")
    assert _lines(report)[-1].startswith("not put on record: cannot write to the state store sqlite:///")
    assert report.exit_code is ExitCode.UNREACHABLE
