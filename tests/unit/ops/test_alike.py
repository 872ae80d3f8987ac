"""Which troubles are one trouble, and which only look so."""

from __future__ import annotations

import pytest

from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.ops.alike import normalised, same_output, troubled

SAME = [
    ("connecting to 10.20.1.7:22: no answer", "connecting to 10.20.1.8:22: no answer"),
    (
        "host key changed: SHA256:9fWabc+ (pinned SHA256:aaQ/)",
        "host key changed: SHA256:0000000 (pinned SHA256:bb)",
    ),
    ("held by ci, run 01JDC4Z3V8Q0X9YH7K5M2N1P0R", "held by ci, run 01JDC4Z3V8Q0X9YH7K5M2N1P0S"),
    ("boot 7fbc1234-0a1b-4c2d-8e3f-1234567890ab", "boot 00001234-0a1b-4c2d-8e3f-1234567890ab"),
    ("held for 0:03:12", "held for 11:00:01"),
    ("at 2026-11-23 09:02:11 the disk went", "at 2026-11-24T10:00 the disk went"),
    ("process 123456 was killed", "process 98765 was killed"),
    ("link 52:54:00:aa:bb:cc is down", "link 52:54:00:00:11:22 is down"),
    ("segfault at 0x7f00", "segfault at 0xdeadbeef"),
]
APART = [
    ("exit 1", "exit 2"),
    ("firmware 35.1", "firmware 35.2"),
    ("812 GB/s, floor 1,110", "900 GB/s, floor 1,110"),
    ("no space on /srv", "no space on /var"),
    ("fra1", "fra2"),
]


def _host(name: str, reason: str, status: HostStatus = HostStatus.FAILED, task: str = "t") -> HostOutcome:
    return HostOutcome(name, "fra1", status, reason, task)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_differs_by_nature_does_not_part_troubles(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(("one", "other"), APART)
def test_what_may_matter_parts_them(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_a_host_that_names_itself_says_what_the_others_say() -> None:
    names = ["fra1-n1", "fra1-n11"]
    groups = troubled(_host(name, f"{name}: no route from {name}, ask fra1-n1-dpu0") for name in names)

    (group,) = groups
    assert group.names() == names
    assert group.reason == "…: no route from …, ask fra1-n1-dpu0"


def test_a_reason_that_all_share_is_told_as_it_is() -> None:
    (group,) = troubled([_host("n1", "no answer from 10.0.0.1"), _host("n2", "no answer from 10.0.0.1")])

    assert group.reason == "no answer from 10.0.0.1"


def test_outcome_and_task_part_troubles_and_good_ends_are_none() -> None:
    hosts = [
        _host("n1", "x"),
        _host("n2", "x", HostStatus.UNKNOWN),
        _host("n3", "x", task="other"),
        _host("n4", "", HostStatus.OK),
        _host("n5", "", HostStatus.SKIPPED),
    ]

    assert [(group.status, group.task, group.names()) for group in troubled(hosts)] == [
        (HostStatus.FAILED, "t", ["n1"]),
        (HostStatus.UNKNOWN, "t", ["n2"]),
        (HostStatus.FAILED, "other", ["n3"]),
    ]


def test_outputs_are_the_same_but_for_line_ends_and_where_the_rest_lies() -> None:
    gap = "a\n[… 70000 bytes left out; the whole of it: /run/{}.stdout …]\nb"

    assert same_output("a  \r\nb\n") == same_output("a\nb")
    assert same_output(gap.format(1)) == same_output(gap.format(2))
    assert same_output("up 3 days") != same_output("up 4 days")
    assert same_output("10.0.0.1") != same_output("10.0.0.2")
