"""`exec` on many hosts that print much: what is kept is bounded and said, what passes by is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.engine.events import HostEnded, HostSaid
from edgectl.engine.keeping import share_bytes
from edgectl.ops.playbooks import Selection, execute
from edgectl.ops.services import Services
from edgectl.playbook.compile import Options
from edgectl.remote.protocol import Ended, TaskEnded
from edgectl.report import Line, Report
from edgectl.secret import SecretSource
from tests.fakes.clock import FakeClock
from tests.fakes.connector import HELLO, FakeConnector, Visit, began
from tests.fakes.fleet import a_fleet, hosts_of
from tests.fakes.observers import Witness
from tests.fakes.pool import InlinePool
from tests.fakes.store import an_empty_store

LONG = "".join(f"line {number}\n" for number in range(8_000))


def _visit(stdout: str, rc: int = 0) -> Visit:
    status = "failed" if rc else "changed"
    result = {"rc": rc, "stdout": stdout, "stderr": "", "changed": True}
    ended = TaskEnded(1, "c", "shell", status, 0.1, result, seq=2)
    return [HELLO, began(1), ended, Ended(status, "c" if rc else None, "non-zero return code", 3)]


def _execute(hosts: int, stdout: str) -> tuple[Report, Witness]:
    fleet = a_fleet(hosts_of({"fra1": hosts - 12, "gru1": 12}))
    script = {
        name: (_visit(stdout, rc=3 if host.pop.name == "gru1" else 0),) for name, host in fleet.hosts.items()
    }
    clock, witness = FakeClock(), Witness()
    with an_empty_store() as (history, freezes):
        services = Services(
            fleet=fleet,
            pool=InlinePool(FakeConnector(script, clock), clock),
            observers=(witness,),
            clock=clock,
            random_bytes=bytes,
            interrupts=lambda: 0,
            secrets=SecretSource({}),
            started_by="tester",
            playbooks=Path("/nonexistent"),
            history=history,
            freezes=freezes,
        )
        return execute(services, ["dmesg"], Selection("all"), Options()), witness


@pytest.fixture(scope="module")
def much() -> tuple[Report, Witness]:
    return _execute(2_000, LONG)


def test_of_much_output_each_host_keeps_its_share_and_the_report_says_so(
    much: tuple[Report, Witness],
) -> None:
    report, witness = much
    kept = [host.data["stdout"] for host in report.hosts]

    assert max(map(len, kept)) <= share_bytes(2_000) + 200 < len(LONG)
    assert report.data["output"] == {"shortened_hosts": 2_000, "kept_bytes_per_host": share_bytes(2_000)}
    last = report.body[-1]
    assert isinstance(last, Line)
    assert "output of 2,000 hosts is shortened to 33 KiB each; as it happens: -o jsonl" in last.text
    assert all(len(event.outcome.tasks[0].result["stdout"]) < len(LONG) for event in witness.of(HostEnded))


def test_what_passes_by_is_whole(much: tuple[Report, Witness]) -> None:
    said = [event.message for event in much[1].of(HostSaid)]

    assert {message.result["stdout"] for message in said if isinstance(message, TaskEnded)} == {LONG}


def test_shortened_outputs_that_are_equal_still_fold(much: tuple[Report, Witness]) -> None:
    headings = [line.text for line in much[0].body if isinstance(line, Line) and line.text[:1].strip()]

    assert headings[:2] == ["fra1-n[01-1988]  (1,988)", "gru1-n[01-12]  (12)   rc 3"]


def test_what_failed_hosts_have_in_common_is_in_the_report(much: tuple[Report, Witness]) -> None:
    (cluster,) = much[0].data["clusters"]

    assert (cluster["attribute"], cluster["value"], cluster["with"], cluster["well_with"]) == (
        "pop",
        "gru1",
        12,
        0,
    )


def test_little_output_is_kept_as_it_is_and_nothing_is_said_of_it() -> None:
    report, _ = _execute(20, LONG)

    assert {host.data["stdout"] for host in report.hosts} == {LONG}
    assert "output" not in report.data
