"""Health over many looks: whole runs one after the other on one record, told to a person and to programs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from edgectl.catalog.rules_model import Severity
from edgectl.engine.health_records import HealthKept, Snooze, Turn
from edgectl.errors import ExitCode, MissingError
from edgectl.ops.health.apply import Manner
from edgectl.ops.health.fleet.explaining import explain_incident
from edgectl.ops.health.history.days import days_of
from edgectl.ops.remediate.plan import faults_of
from tests.fakes.clock import START
from tests.fakes.health_history import MemoryHealthHistory
from tests.unit.ops.health.asked import (
    DPU,
    GRU1,
    N1,
    N2,
    N3,
    card,
    node,
    services,
    slowed,
    told,
)
from tests.unit.ops.health.nodes import a_gpu
from tests.unit.ops.health.site import QUARTER_S, Site, failed, line_with, states


def hot(host: str, **changes: Any) -> dict[str, Any]:
    return node(host, card(host, 0, margin_c=3.0, **changes), card(host, 1))


def test_a_first_look_needs_no_history_to_alarm(site: Site) -> None:
    site.answers[N1] = hot(N1)

    report = site.look(fail_on=Severity.WARNING)

    assert failed(report) == [N1]
    assert line_with(report, "  warning", "temperature").endswith("36 °C")


def test_heat_at_one_look_of_many_does_not_alarm_and_is_told(site: Site) -> None:
    site.look()
    site.answers[N1] = hot(N1)

    report = site.look(fail_on=Severity.WARNING)

    assert (failed(report), states(report, N1)) == ([], {"temperature": "seen"})
    assert line_with(report, "temperature").startswith("  seen         1   temperature")


def test_heat_at_three_looks_of_five_alarms_and_is_told_as_new(site: Site) -> None:
    report = site.look()
    for look in (hot(N1), node(N1), hot(N1), hot(N1)):
        site.answers[N1] = look
        report = site.look(fail_on=Severity.WARNING)

    assert failed(report) == [N1]
    assert line_with(report, "warning", "temperature").endswith("· new")


def test_a_finding_that_stays_is_told_with_its_age(site: Site) -> None:
    site.look()
    site.answers[N1] = node(N1, card(N1, 0, remap_pending=True), card(N1, 1))
    site.looks(9)

    assert line_with(site.look(), "row-remap-pending   ").endswith("· for 2 h")


def test_critical_counts_at_its_first_look(site: Site) -> None:
    site.look()
    site.answers[N1] = node(N1, card(N1, 0, remap_failure=True), card(N1, 1))

    assert failed(site.look()) == [N1]


def test_what_is_gone_is_told_once_with_its_reason(site: Site) -> None:
    site.answers[N1] = node(N1, card(N1, 0, remap_pending=True), card(N1, 1))
    site.look()
    site.answers[N1] = node(N1)

    report = site.look()
    assert line_with(report, "cleared").split("   ")[-3:] == [
        "row-remap-pending",
        f"{N1}:0",
        "one clean look",
    ]
    assert report.data["fleet"]["cleared"] == [
        {"host": N1, "finding": "row-remap-pending", "gpu": f"GPU-{N1}-0", "why": "one clean look"}
    ]
    assert "cleared" not in told(site.look())


def test_a_host_that_is_away_clears_nothing_and_is_remembered(site: Site) -> None:
    site.answers[N1] = node(N1, card(N1, 0, remap_failure=True), card(N1, 1))
    site.look()
    site.answers[N1] = None
    site.looks(5)
    site.answers[N1] = node(N1, card(N1, 0, remap_failure=True), card(N1, 1))
    report = site.look()

    assert site.turns(N1) == [
        ("row-remap-failure", Turn.ENTERED),
        ("unreachable", Turn.ENTERED),
        ("unreachable", Turn.CLEARED),
    ]
    assert failed(report) == [N1]


def test_a_reading_that_one_card_lacks_does_not_clear_it_though_its_neighbour_has_it(site: Site) -> None:
    site.answers[N1] = node(N1, card(N1, 0, remap_pending=True), card(N1, 1))
    site.look()
    site.answers[N1] = node(N1, card(N1, 0, remap_pending=None), card(N1, 1))

    assert states(site.look(), N1) == {"row-remap-pending": "active"}


def test_a_lost_card_keeps_its_findings_and_has_them_back(site: Site) -> None:
    site.answers[N1] = node(N1, card(N1, 0, remap_failure=True), card(N1, 1))
    site.look()
    lost = card(N1, 0, state="lost", uuid=None, serial=None, index=None)
    site.answers[N1] = node(N1, lost, card(N1, 1))
    report = site.look()

    entry = next(host for host in report.hosts if host.host == N1)
    assert {(one["finding"], one["gpu"]) for one in entry.data["states"]} == {
        ("row-remap-failure", f"GPU-{N1}-0"),
        ("gpu-lost", f"GPU-{N1}-0"),
    }
    site.answers[N1] = node(N1)
    site.look()
    assert set(site.turns(N1)[-2:]) == {("row-remap-failure", Turn.CLEARED), ("gpu-lost", Turn.CLEARED)}


def test_a_card_that_nobody_knew_and_that_comes_back_clears(site: Site) -> None:
    lost = card(N1, 0, state="lost", uuid=None, serial=None, index=None)
    site.answers[N1] = node(N1, lost, card(N1, 1))
    site.look()
    site.answers[N1] = node(N1)

    assert states(site.look(), N1) == {}


def test_a_card_that_moves_takes_its_history_along_and_is_told(site: Site) -> None:
    sick = card(N1, 0, remap_failure=True)
    site.answers[N1] = node(N1, sick, card(N1, 1))
    site.looks(3)
    site.answers[N1] = node(N1, card(N1, 1))
    there = {**sick, "pci_bus_id": "00000000:61:00.0", "index": 2}
    site.answers[GRU1] = node(GRU1, card(GRU1, 0), card(GRU1, 1), there)
    report = site.look()

    moved = line_with(report, "moved")
    assert f"{GRU1}:2" in moved
    assert f"was at {N1} 00000000:41:00.0" in moved
    assert site.history.cards[f"GPU-{N1}-0"].host == GRU1
    assert [place.host for place in site.history.places([f"GPU-{N1}-0"])] == [GRU1, N1]
    assert site.turns(GRU1) == [("gpu-count", Turn.ENTERED)]
    assert site.turns(N1) == [("row-remap-failure", Turn.ENTERED), ("gpu-count", Turn.ENTERED)]
    (state,) = [one for one in site.history.states.values() if one.finding == "row-remap-failure"]
    assert (state.host, state.since) == (GRU1, START)


def test_a_card_that_was_replaced_takes_its_findings_with_it(site: Site) -> None:
    site.answers[N1] = node(N1, card(N1, 0, remap_failure=True), card(N1, 1))
    site.looks(2)
    site.answers[N1] = node(N1, card(N1, 0, uuid="GPU-new", serial="new"), card(N1, 1))
    report = site.look()

    assert (failed(report), states(report, N1)) == ([], {})
    assert site.turns(N1) == [("row-remap-failure", Turn.ENTERED), ("row-remap-failure", Turn.CLEARED)]


def test_two_cards_that_change_places_keep_what_each_had(site: Site) -> None:
    site.answers[N1] = node(N1, card(N1, 0, remap_failure=True), card(N1, 1))
    site.looks(2)
    swapped = card(N1, 0, remap_failure=True)
    site.answers[GRU1] = node(GRU1, swapped, card(GRU1, 1))
    site.answers[N1] = node(N1, card(GRU1, 0), card(N1, 1))
    report = site.look()

    assert failed(report) == [GRU1]
    assert (site.turns(N1), site.turns(GRU1)) == ([("row-remap-failure", Turn.ENTERED)], [])
    (state,) = site.history.states.values()
    assert (state.host, state.since) == (GRU1, START)
    assert told(report).count("was at") == 2


def test_an_empty_slot_clears_nothing(site: Site) -> None:
    site.answers[N1] = node(N1, card(N1, 0, remap_failure=True), card(N1, 1))
    site.look()
    site.answers[N1] = node(N1, card(N1, 1))

    assert states(site.look(), N1)["row-remap-failure"] == "active"


def test_cards_with_one_uuid_at_two_hosts_are_two_cards_and_stay_so(site: Site) -> None:
    for host in (N1, N2):
        site.answers[host] = node(host, a_gpu(0, remap_pending=True), a_gpu(1))
    site.looks(3)
    site.answers[N1] = node(N1, a_gpu(0), a_gpu(1))
    report = site.look()

    assert "moved" not in told(report)
    assert (states(report, N1), states(report, N2)) == ({}, {"row-remap-pending": "active"})


def test_a_snoozed_finding_is_folded_and_fails_nothing_until_its_end(site: Site) -> None:
    site.answers[N1] = node(N1, card(N1, 0, remap_failure=True), card(N1, 1))
    until = START + timedelta(seconds=QUARTER_S + 1)
    site.history.snooze(Snooze("metro=FRA", "row-remap-*", "card is ordered", "ann", START, until))

    report = site.looks(2)
    assert (failed(report), report.exit_code) == ([], ExitCode.DONE)
    assert "ann: card is ordered" in line_with(report, "snoozed")
    assert "nothing found" not in told(report)
    assert failed(site.look()) == [N1]


def test_a_card_that_is_gone_has_its_uuid_from_the_record_and_is_not_acted_on_while_it_is_snoozed(
    site: Site,
) -> None:
    site.look()
    gone = card(N1, 1, uuid=None, serial=None, state="lost")
    site.answers[N1] = node(N1, card(N1, 0), {**gone, "index": None})
    found = next(host.data for host in site.look().hosts if host.host == N1)
    site.history.snooze(Snooze(N1, "gpu-lost", "known", "ann", START, START + timedelta(days=1)))
    snoozed = next(host.data for host in site.look().hosts if host.host == N1)

    assert [(one["id"], one["gpu"]) for one in found["findings"]] == [("gpu-lost", f"GPU-{N1}-1")]
    assert [fault.id for fault in faults_of(found)] == ["gpu-lost"]
    assert faults_of(snoozed) == []


def test_a_snooze_is_for_its_hosts_and_its_finding_alone(site: Site) -> None:
    for host in (N1, GRU1):
        site.answers[host] = node(host, card(host, 0, remap_failure=True), card(host, 1))
    site.history.snooze(Snooze("metro=FRA", "gpu-*", "?", "ann", START, START + timedelta(days=1)))
    site.history.snooze(Snooze("metro=GRU", "*", "?", "ann", START, START + timedelta(days=1)))
    site.history.snooze(Snooze("no-such-host", "*", "?", "ann", START, START + timedelta(days=1)))

    assert failed(site.look()) == [N1]


def test_a_look_without_history_keeps_nothing(site: Site) -> None:
    site.look(manner=Manner(is_kept=False))

    assert (site.history.cards, site.history.states) == ({}, {})


def test_a_record_that_cannot_be_written_is_told_and_hides_no_finding(site: Site) -> None:
    class FullDisk(MemoryHealthHistory):
        def keep(self, kept: HealthKept) -> None:
            del kept
            raise MissingError("cannot write to the state store: disk full")

    site.history = FullDisk()
    site.answers[N1] = node(N1, card(N1, 0, remap_failure=True), card(N1, 1))
    report = site.look()

    assert failed(report) == [N1]
    assert "not put on record: cannot write to the state store: disk full" in told(report)


def test_a_reading_lost_between_looks_is_compared_within_one_boot_alone(site: Site) -> None:
    site.look()
    kept = site.history.past([N1]).cards[N1]

    assert {one.boot for one in kept} == {"7fbc"}
    assert {one.card for one in kept} == {f"node:{N1}", f"GPU-{N1}-0", f"GPU-{N1}-1"}


def test_many_hosts_of_one_pop_are_one_incident(site: Site) -> None:
    for host in (N1, N2, N3):
        site.answers[host] = slowed(host)
    report = site.look()

    (incident,) = report.data["fleet"]["incidents"]
    assert (incident["id"], incident["count"], incident["suspect"]) == ("fra1-heat", 3, "cooling of the PoP")
    line = line_with(report, "thermal-slowdown", "one cause")
    assert line.endswith("6 in fra1-r1-n[01-03]: one cause, cooling of the PoP")
    assert line_with(report, "explain fra1-heat").strip().startswith("look at the inlet temperature")


def test_what_many_hosts_show_at_once_is_told_without_waiting_for_more_looks(site: Site) -> None:
    site.look()
    for host in (N1, N2, N3):
        site.answers[host] = slowed(host)
    report = site.look(fail_on=Severity.WARNING)

    assert "one cause, cooling of the PoP" in line_with(report, "warning", "thermal-slowdown")
    assert failed(report) == []
    opened = services(site.folder, site.answers, health=site.history, clock=site.clock)
    assert "thermal-slowdown at 3 of 4 hosts" in told(explain_incident(opened, "fra1-heat"))


def test_a_pop_that_is_dark_is_one_incident_beside_what_each_host_said(site: Site) -> None:
    for host in (N1, N2, N3, DPU):
        site.answers[host] = None
    report = site.look()

    (incident,) = report.data["fleet"]["incidents"]
    assert (incident["id"], incident["findings"]) == ("fra1-reach", ["unreachable"])
    assert "PoP power, or its uplink" in line_with(report, "away")


def test_a_card_hotter_than_its_peers_is_told_with_them(site: Site) -> None:
    for host in (N1, N2, N3):
        site.answers[host] = node(host, card(host, 0, temperature_c=55.0), card(host, 1, temperature_c=56.0))
    site.answers[N2] = node(N2, card(N2, 0, temperature_c=55.0), card(N2, 1, temperature_c=71.0))
    report = site.look()

    assert report.exit_code == ExitCode.DONE
    assert "5 of 5 peers in fra1: 55.5 °C, this one 71 °C" in line_with(report, "outlier")
    assert report.data["fleet"]["outliers"][0]["gpu"] == f"GPU-{N2}-1"


def test_the_counters_of_the_last_look_are_there_to_compare_with(site: Site) -> None:
    for replays in (5, 12):
        site.answers[N1] = node(N1, card(N1, 0, pcie_replays=replays), card(N1, 1))
        site.look()

    weeks = site.history.weeks([f"GPU-{N1}-0"], 0, 10**6)[f"GPU-{N1}-0"]
    (day,) = days_of(weeks[0].days)
    assert (day.looks, day.pcie_replays, day.temperature_mean) == (2.0, 7.0, 36.0)
