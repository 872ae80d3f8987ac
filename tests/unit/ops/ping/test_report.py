"""The lines of a census, case by case."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edgectl.engine.contacts import Contact, Reach
from edgectl.engine.events import HostConnected
from edgectl.engine.faults import ChangedKey
from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.ops.ping.census import Stand, census
from edgectl.ops.ping.metrics import census_metrics
from edgectl.ops.ping.report import away_lines, back_lines, headline, host_data, key_lines, span
from tests.fakes.clock import START

KEY = str(ChangedKey("SHA256:9fW", "SHA256:aaQ"))


def _stand(name: str, status: HostStatus = HostStatus.OK, reason: str = "", **more: object) -> Stand:
    """Return a host as it stands: `before` is its reach for `ago`, `rtt_s` how far away it is."""
    before, ago, rtt_s = more.get("before"), more.get("ago", timedelta()), more.get("rtt_s")
    assert isinstance(ago, timedelta)
    known = {name: Contact(name, before, START - ago, START - ago)} if isinstance(before, Reach) else {}
    doors = {name: HostConnected(name, rtt_s, 0.18, rtt_s)} if isinstance(rtt_s, float) else {}
    (stand,) = census([HostOutcome(name, "fra1", status, reason, seconds=1.5)], doors, known, START)
    return stand


def _away(name: str, before: Reach | None = None, ago: timedelta = timedelta()) -> Stand:
    return _stand(name, HostStatus.UNREACHABLE, "no answer", before=before, ago=ago)


def test_the_headline_says_how_many_how_far_and_who_is_the_farthest() -> None:
    stands = [_stand("fra1-n1", rtt_s=0.0004), _stand("fra1-n2", rtt_s=0.041), _stand("per0-n2", rtt_s=0.312)]

    text = headline([*stands, _away("gru1-n1")])

    assert text == "3 of 4 answer · median 41 ms, slowest per0-n2 312 ms · login 180 ms"


def test_a_headline_without_figures_claims_none() -> None:
    assert headline([]) == "0 of 0 answer"
    assert headline([_away("n1")]) == "0 of 1 answer"
    assert headline([_stand("n1")]) == "1 of 1 answer"


@pytest.mark.parametrize(("rtt_s", "text"), [(0.00006, "0.06 ms"), (0.0041, "4.1 ms"), (0.0625, "62 ms")])
def test_a_way_is_told_with_two_digits_that_say_something(rtt_s: float, text: str) -> None:
    assert f"median {text}" in headline([_stand("n1", rtt_s=rtt_s)])


def test_those_away_are_told_by_how_long_and_the_new_ones_by_name() -> None:
    day, hour = timedelta(days=2), timedelta(hours=5)
    stands = [_away(f"old-n{number}", Reach.DOWN, day) for number in range(20)]
    stands += [_away(f"mid-n{number}", Reach.DOWN, hour) for number in range(6)]
    stands += [_away(f"gru2-r1-n0{number}", Reach.UP) for number in (1, 2, 3)]
    stands += [_away("nrt1-n1"), _stand("fra1-n1")]

    (line,) = away_lines(stands, START)

    assert line.text == (
        "  unreachable  30     20 for a day or longer   6 for up to 5 h   "
        "3 new: gru2-r1-n[01-03]   1 never seen: nrt1-n1"
    )
    assert away_lines([_stand("n1")], START) == []


def test_those_that_are_back_are_told_with_how_long_they_were_away() -> None:
    stands = [_stand(f"n{number}", before=Reach.DOWN, ago=timedelta(hours=number)) for number in (1, 2)]

    (line,) = back_lines(stands, START)

    assert line.text == "  back         2    n[1-2]   away for up to 2 h"
    assert back_lines([_stand("n1", before=Reach.UP)], START) == []


def test_a_changed_key_is_told_with_both_fingerprints_and_the_command_to_check() -> None:
    (line,) = key_lines([_stand("lhr4-n1", HostStatus.UNREACHABLE, KEY), _stand("n2")])

    assert line.text == (
        "  host key     1    lhr4-n1 changed: SHA256:9fW (pinned SHA256:aaQ)   edgectl trust check lhr4-n1"
    )


def test_many_changed_keys_are_counted() -> None:
    lines = key_lines([_stand(f"n{number}", HostStatus.UNREACHABLE, KEY) for number in range(500)])

    assert len(lines) == 11
    assert lines[0].text.startswith("  host key     500  n0 changed")
    assert lines[-1].text.strip() == "and 490 more: -o json"


SPANS = [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3_599, "59 min"), (7_200, "2 h"), (200_000, "2 d")]


@pytest.mark.parametrize(("seconds", "text"), SPANS)
def test_a_span_is_told_in_its_greatest_unit(seconds: int, text: str) -> None:
    assert span(timedelta(seconds=seconds)) == text


def test_a_clock_that_went_back_makes_no_negative_span() -> None:
    assert span(timedelta(seconds=-5)) == "0 s"


def test_the_report_of_a_host_has_its_times_and_since_when_it_is_so() -> None:
    assert host_data(_stand("n1", rtt_s=0.04)) == {
        "standing": "up",
        "since": START.isoformat(),
        "answered": START.isoformat(),
        "rtt_s": 0.04,
        "tcp_s": 0.04,
        "login_s": 0.18,
    }


def test_the_report_of_a_changed_key_has_fingerprints_and_command() -> None:
    data = host_data(_stand("n1", HostStatus.UNREACHABLE, KEY))

    assert data["standing"] == "key"
    assert data["answered"] is None
    assert data["host_key"] == {
        "shown": "SHA256:9fW",
        "pinned": "SHA256:aaQ",
        "check": "edgectl trust check n1",
    }


def test_labels_of_metrics_hold_nothing_that_a_host_says() -> None:
    metrics = census_metrics([_stand("n1", rtt_s=0.04), _stand("n2", HostStatus.UNREACHABLE, KEY)])

    labels = {tuple(sorted(metric.labels)) for metric in metrics}
    assert labels == {("host", "pop"), ("standing",)}
    up = {metric.labels["host"]: metric.value for metric in metrics if metric.name == "edgectl_ping_up"}
    assert up == {"n1": 1.0, "n2": 0.0}
    counted = {
        metric.labels["standing"]: metric.value for metric in metrics if metric.name == "edgectl_ping_hosts"
    }
    assert (counted["up"], counted["key"], counted["new"], len(counted)) == (1, 1, 0, 7)
    assert {metric.labels["host"] for metric in metrics if metric.name == "edgectl_ping_rtt_seconds"} == {
        "n1"
    }
