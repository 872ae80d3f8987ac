"""What is asked of the record: the fleet, a host's history, explanations, snoozes, forgetting. No host is contacted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from edgectl.catalog.rules import load_rules
from edgectl.engine.health_records import HealthKept, WeekRecord
from edgectl.errors import InputError, UsageError
from edgectl.ops.health.ages import age
from edgectl.ops.health.apply import check
from edgectl.ops.health.fleet.explaining import explain_at_host, explain_incident, is_on_record
from edgectl.ops.health.fleet.overview import overview
from edgectl.ops.health.history.days import ordinal_of, pack_days, week_of
from edgectl.ops.health.history.told import history_of
from edgectl.ops.health.pruning import prune
from edgectl.ops.health.snoozes import Wanted, parse_end, show, snooze, unsnooze
from edgectl.ops.services import Services
from tests.fakes.clock import START, FakeClock
from tests.fakes.health_history import MemoryHealthHistory
from tests.unit.ops.health.asked import (
    DPU,
    GRU1,
    GRU2,
    N1,
    N2,
    N3,
    Answer,
    card,
    node,
    services,
    slowed,
    told,
)
from tests.unit.ops.health.history.cards import FIRST, a_day, banks
from tests.unit.ops.health.nodes import a_node

DAY = timedelta(days=1)


class Looked:
    """A fleet that was looked at some times, with the services to ask its record."""

    def __init__(self, folder: Path, looks: list[dict[str, Answer]]) -> None:
        self.history, self.clock = MemoryHealthHistory(), FakeClock()
        well: dict[str, Answer] = {host: node(host) for host in (N1, N2, N3, GRU1, GRU2, DPU)}
        for changes in looks:
            check(self._services(folder, {**well, **changes}), None, None)
            self.clock.turn(900)
        self.services: Services = self._services(folder, well)

    def _services(self, folder: Path, answers: dict[str, Answer]) -> Services:
        return services(folder, answers, health=self.history, clock=self.clock)


def failing(host: str) -> Answer:
    return node(host, card(host, 0, remap_failure=True), card(host, 1))


def test_a_fleet_that_nobody_looked_at_says_so(tmp_path: Path) -> None:
    report = overview(Looked(tmp_path, []).services, None, None)

    assert "0 of 6 nodes looked at within a day · 0 cards on record · 6 never looked at" in told(report)


def test_the_fleet_is_told_from_the_record_without_contacting_a_host(tmp_path: Path) -> None:
    hot = {host: slowed(host) for host in (N1, N2, N3)}
    looked = Looked(tmp_path, [{**hot, GRU1: failing(GRU1)}])
    report = overview(looked.services, None, None)

    text = told(report)
    assert "2 PoPs · 6 of 6 nodes looked at within a day · 10 cards on record" in text
    assert "fra1-heat   thermal-slowdown: 3 of 4 hosts with pop fra1; suspect: cooling of the PoP" in text
    assert f"row-remap-failure   {GRU1}:0   · up to 15 min" in text
    assert report.data["findings"] == [
        {"finding": "thermal-slowdown", "severity": "warning", "count": 6},
        {"finding": "row-remap-failure", "severity": "critical", "count": 1},
    ]


def test_a_selection_is_told_alone(tmp_path: Path) -> None:
    looked = Looked(tmp_path, [{GRU1: failing(GRU1), N1: failing(N1)}])
    report = overview(looked.services, "metro=GRU", None)

    assert (report.data["hosts"], report.data["findings"][0]["count"]) == (2, 1)


def test_a_host_that_fails_again_and_again_is_a_lemon(tmp_path: Path) -> None:
    looked = Looked(
        tmp_path, [{N1: failing(N1)}, {}, {N1: failing(N1)}, {}, {N1: failing(N1), N2: failing(N2)}]
    )
    report = overview(looked.services, None, None)

    assert report.data["lemons"] == [{"host": N1, "failures": 3}]
    assert f"{N1}   3 failures in 28 days   edgectl health history {N1}" in told(report)


def test_an_end_in_sight_is_told_of_the_card_that_it_is_of(tmp_path: Path) -> None:
    looked = Looked(tmp_path, [{}])
    shift = ordinal_of(START) - 27 - FIRST
    days = [a_day(number, **banks(4 - number // 9)) for number in range(28)]
    days = [day._replace(ordinal=day.ordinal + shift) for day in days]
    for week in {int(day.ordinal) // 7 for day in days}:
        packed = pack_days([day for day in days if int(day.ordinal) // 7 == week])
        looked.history.keep(HealthKept(weeks=[WeekRecord(f"GPU-{N1}-0", week, packed)]))
    report = overview(looked.services, None, None)

    assert "a memory bank runs out of spare rows in about a week" in told(report)
    assert "a memory bank runs out of spare rows in about a week" in told(
        history_of(looked.history, N1, None, 28, looked.clock.now())
    )


def test_an_outlier_on_record_is_told_only_when_enough_looks_found_it(tmp_path: Path) -> None:
    hot = node(N1, card(N1, 0, temperature_c=71.0), card(N1, 1))
    once = overview(Looked(tmp_path, [{}, {N1: hot}]).services, None, None)
    often = overview(Looked(tmp_path, [{}, {N1: hot}, {N1: hot}, {N1: hot}]).services, None, None)

    assert once.data["outliers"] == []
    assert [one["gpu"] for one in often.data["outliers"]] == [f"GPU-{N1}-0"]


def test_a_host_s_history_tells_cards_states_and_changes(tmp_path: Path) -> None:
    looked = Looked(tmp_path, [{N1: failing(N1)}, {}, {N1: failing(N1)}])
    text = told(history_of(looked.history, N1, None, 28, looked.clock.now()))

    assert f"{N1} · 2 cards on record · 1 finding in force · last 28 days" in text
    assert "critical row-remap-failure GPU 0   active for 15 min" in text
    assert "2026-11-23 09:15 UTC  cleared  critical row-remap-failure GPU 0: one clean look" in text
    assert (
        text.index("09:30 UTC  entered") < text.index("09:15 UTC  cleared") < text.index("09:00 UTC  entered")
    )


def test_a_card_s_history_is_the_card_s_alone(tmp_path: Path) -> None:
    looked = Looked(tmp_path, [{N1: failing(N1)}])
    report = history_of(looked.history, N1, "n01-1", 28, looked.clock.now())

    assert [one["gpu"] for one in report.data["cards"]] == [f"GPU-{N1}-1"]
    assert report.data["changes"] == []
    assert len(report.data["cards"][0]["looks"]) == 1


def test_history_of_what_nobody_knows_says_what_to_do(tmp_path: Path) -> None:
    looked = Looked(tmp_path, [{}])
    with pytest.raises(InputError, match="nobody looked at the host 'x' yet"):
        history_of(looked.history, "x", None, 28, looked.clock.now())
    with pytest.raises(InputError, match="has no card 'x' on record"):
        history_of(looked.history, N1, "x", 28, looked.clock.now())


def test_a_card_tells_where_it_was_before(tmp_path: Path) -> None:
    there = {**card(N1, 0), "pci_bus_id": "00000000:61:00.0", "index": 2}
    gru = a_node([card(GRU1, 0), card(GRU1, 1), there])
    looked = Looked(tmp_path, [{}, {N1: node(N1, card(N1, 1)), GRU1: gru}])

    assert f"before that at {N1} 00000000:41:00.0 from 2026-11-23" in told(
        history_of(looked.history, GRU1, None, 28, looked.clock.now())
    )


def test_an_incident_is_explained_by_its_id(tmp_path: Path) -> None:
    looked = Looked(tmp_path, [{host: slowed(host) for host in (N1, N2, N3)}])
    text = told(explain_incident(looked.services, "fra1-heat"))

    assert "thermal-slowdown at 3 of 4 hosts of pop fra1" in text
    assert "suspect: cooling of the PoP" in text
    assert "since      2026-11-23 09:00 UTC, 15 min ago" in text
    with pytest.raises(InputError, match="did you mean 'fra1-heat'"):
        explain_incident(looked.services, "fra2-heat")


def test_a_finding_at_a_host_is_explained_with_its_looks(tmp_path: Path) -> None:
    looked = Looked(tmp_path, [{}, {N1: slowed(N1)}, {}, {N1: slowed(N1)}, {N1: slowed(N1)}, {}])
    text = told(explain_at_host(looked.services, N1, "thermal-slowdown"))

    assert "warning, clearing, for 30 min" in text
    assert "●·●●·  (the latest last; ● found)" in text
    assert "after 3 clean looks in a row; 1 so far" in text
    assert "entered: found at 3 of the last 5 looks" in text
    with pytest.raises(InputError, match="did you mean"):
        explain_at_host(looked.services, N1, "thermal-slow")


@pytest.mark.parametrize(
    ("name", "is_recorded"),
    [
        ("pcie-width", False),
        ("pci-width", False),
        ("xid-79", False),
        ("xid-999", False),
        ("gru-heat", True),
        ("fra1-r1-pcie-width", True),
        ("580.105.08-xid-119", True),
        ("fra1-r1-n01/ecc-off", True),
    ],
)
def test_only_what_rules_cannot_know_is_looked_up_in_the_record(name: str, *, is_recorded: bool) -> None:
    assert is_on_record(name, load_rules()) is is_recorded


def a_wish(
    looked: Looked, hosts: str = "metro=FRA", finding: str = "row-remap-*", reason: str = "known"
) -> Wanted:
    return Wanted(hosts, finding, reason, "ann", looked.clock.now() + DAY)


def test_a_snooze_begins_is_listed_and_ends(tmp_path: Path) -> None:
    looked = Looked(tmp_path, [])
    history, fleet, clock = looked.history, looked.services.fleet, looked.clock

    begun = snooze(history, fleet, load_rules(), clock, a_wish(looked))
    assert "row-remap-* is snoozed at 4 hosts until 2026-11-24 09:00 UTC" in told(begun)
    assert [one["by"] for one in show(history, clock).data["snoozes"]] == ["ann"]
    assert "alarms again" in told(unsnooze(history, clock, "metro=FRA", "row-remap-*", "bob"))
    with pytest.raises(InputError, match="no snooze of"):
        unsnooze(history, clock, "metro=FRA", "row-remap-*", "bob")


def test_a_snooze_that_would_comfort_falsely_is_refused(tmp_path: Path) -> None:
    looked = Looked(tmp_path, [])
    history, fleet, clock, rules = looked.history, looked.services.fleet, looked.clock, load_rules()

    with pytest.raises(InputError, match="did you mean 'pcie-width'"):
        snooze(history, fleet, rules, clock, a_wish(looked, finding="pci-width"))
    for finding in ("xid-7O", "xid-", "outlier-temprature"):
        with pytest.raises(InputError, match=f"there is no finding '{finding}'"):
            snooze(history, fleet, rules, clock, a_wish(looked, finding=finding))
    with pytest.raises(InputError):
        snooze(history, fleet, rules, clock, a_wish(looked, hosts="no-such-host"))
    with pytest.raises(UsageError, match="wants a --reason"):
        snooze(history, fleet, rules, clock, a_wish(looked, reason=" "))
    assert history.snoozes(clock.now()) == []


@pytest.mark.parametrize(
    "finding", ["xid-79", "xid-1*", "xid-[67]?", "outlier-temperature", "*-temperature", "un*"]
)
def test_a_snooze_may_name_an_xid_an_outlier_or_a_pattern(tmp_path: Path, finding: str) -> None:
    looked = Looked(tmp_path, [])
    snooze(looked.history, looked.services.fleet, load_rules(), looked.clock, a_wish(looked, finding=finding))

    assert [one.finding for one in looked.history.snoozes(looked.clock.now())] == [finding]


ENDS = [
    (None, "7d", timedelta(days=7)),
    (None, "4h", timedelta(hours=4)),
    ("2026-11-24T09:00+00:00", None, DAY),
]


@pytest.mark.parametrize(("until", "length", "span"), ENDS)
def test_a_snooze_ends_at_a_time_or_after_one(until: str | None, length: str | None, span: timedelta) -> None:
    assert parse_end(until, length, START) == START + span


@pytest.mark.parametrize(
    ("until", "length", "said"),
    [
        (None, None, "wants an end"),
        ("2026-11-24", "4h", "wants an end"),
        (None, "soon", "nor a duration"),
        ("tomorrow", None, "nor a duration"),
        ("2026-11-22T00:00+00:00", None, "is over already"),
        (None, "91d", "90 days at most"),
    ],
)
def test_a_snooze_without_a_proper_end_is_refused(until: str | None, length: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_end(until, length, START)


def test_what_is_old_is_forgotten_and_counted(tmp_path: Path) -> None:
    looked = Looked(tmp_path, [{N1: failing(N1)}])
    week = week_of(START)
    looked.clock.turn(400 * 86_400)
    report = prune(looked.history, looked.clock)

    assert report.data == {"weeks": 10, "cards": 16, "changes": 1}
    assert looked.history.weeks([f"GPU-{N1}-0"], week, week) == {}
    with pytest.raises(UsageError, match="no duration"):
        prune(looked.history, looked.clock, "long ago")


@pytest.mark.parametrize(
    ("seconds", "said"), [(5, "5 s"), (119, "119 s"), (900, "15 min"), (7_200, "2 h"), (10 * 86_400, "10 d")]
)
def test_a_span_is_told_in_one_unit(seconds: int, said: str) -> None:
    assert age(START, START + timedelta(seconds=seconds)) == said
