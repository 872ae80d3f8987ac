"""What happened to a host, told once and in its own words."""

from __future__ import annotations

from edgectl.engine.events import HostAttached, HostEnded, HostLost, HostSaid, HostStarted
from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.engine.timeline import Event, Timeline
from edgectl.remote.protocol import Booted, Hello, Message, Rebooting, TaskEnded, TaskRetried, TaskStarted

HOST = "n01"


def said(message: Message) -> HostSaid:
    return HostSaid(HOST, message)


def task(
    seq: int, name: str = "packages", status: str = "changed", at: float = 0.0, **result: object
) -> HostSaid:
    return said(TaskEnded(1, name, "apt", status, 1.0, dict(result), seq=seq, at=at))


def told(*events: tuple[float, Event], before: Timeline | None = None, asked: str = "") -> Timeline:
    timeline = Timeline(before.entries if before else ())
    timeline.begin("R1", locks=True, asked=asked)
    for now, event in events:
        timeline.note(event, now)
    return timeline


def texts(timeline: Timeline) -> list[str]:
    return [" ".join(filter(None, (e.text, e.status, e.detail))) for e in timeline.entries]


BEGUN: list[tuple[float, Event]] = [
    (100.0, HostStarted(HOST)),
    (100.21, said(Hello("3.11", "7fbc-1", "root"))),
    (100.3, said(TaskStarted(1, "packages", seq=1, at=99.0))),
]


def test_a_quiet_run_is_told_task_by_task() -> None:
    timeline = told(
        *BEGUN,
        (101.0, task(2, msg="nvidia-open 580\nand more")),
        (102.0, HostEnded(HostOutcome(HOST, "p", HostStatus.CHANGED))),
    )

    assert texts(timeline) == [
        "connected in 210 ms, took the lock",
        "packages changed nvidia-open 580",
        "changed",
    ]
    assert [entry.at for entry in timeline.entries] == [100.21, 101.0, 102.0]


def test_a_host_whose_controller_died_was_being_connected_to() -> None:
    assert texts(told((100.0, HostStarted(HOST)))) == ["connecting"]


def test_a_lost_line_is_told_with_how_long_and_where_it_went_on() -> None:
    timeline = told(
        *BEGUN,
        (110.0, HostLost(HOST, "reset by peer")),
        (151.0, HostAttached(HOST, 212, 41.0)),
        (151.1, said(Hello("3.11", "7fbc-1", "root", resumed=True))),
        (151.2, task(213, at=120.0)),
    )

    assert texts(timeline)[1:] == [
        "line lost 41 s (reset by peer), attached again at event 212; nothing repeated",
        "packages changed",
    ]
    assert timeline.entries[-1].at == 120.0  # it happened while we were away


def test_a_reboot_is_told_with_its_boot() -> None:
    timeline = told(
        *BEGUN,
        (110.0, said(Rebooting(2, "7fbc-1", 600.0, seq=2, at=109.0))),
        (206.0, said(Hello("3.11", "8abc-2", "root", resumed=True))),
        (206.1, said(Booted("8abc-2", seq=3, at=200.0))),
        (207.0, task(4, "reboot", at=205.0, rebooted=True, elapsed=96)),
    )

    assert texts(timeline)[1:] == ["reboot changed back after 96 s, boot 8abc…"]


def test_a_boot_that_nobody_asked_for_is_told() -> None:
    timeline = told(*BEGUN, (110.0, said(Booted("8abc-2", seq=2))))

    assert texts(timeline)[1:] == ["booted, boot 8abc…; the job goes on"]


def test_what_a_journal_says_again_is_told_once() -> None:
    first = told(*BEGUN, (101.0, task(2)), (101.5, said(TaskRetried(2, 1, "no route", seq=3))))

    second = told(
        (200.0, HostStarted(HOST)),
        (200.5, said(Hello("3.11", "7fbc-1", "root", resumed=True))),
        (200.6, task(2, at=90.0)),
        (200.7, said(TaskRetried(2, 1, "no route", seq=3))),
        (200.8, task(4, "later", at=95.0)),
        before=first,
        asked="continued by ci",
    )

    assert texts(second) == [
        "connected in 210 ms, took the lock",
        "packages changed",
        "attempt 1 failed no route",
        "continued by ci: connected in 500 ms, came back to its job",
        "later changed",
    ]


def test_another_attempt_has_messages_of_its_own() -> None:
    timeline = told(*BEGUN, (101.0, task(2)))

    timeline.begin("R1.0r1", locks=True)
    timeline.note(task(2), 300.0)

    assert texts(timeline).count("packages changed") == 2
