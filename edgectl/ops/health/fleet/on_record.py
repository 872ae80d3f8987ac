"""The fleet as it is on record: findings in force, outliers of the last looks, trends, and hosts that fail again.

Pure but for the record that it reads; no host is contacted.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from edgectl.catalog.health_fleet import FleetRules, TrendRules
from edgectl.engine.health_records import CardRecord, HealthHistory, HealthPast, HealthState
from edgectl.inventory.model import Host
from edgectl.ops.clusters.traits import Traits, inventory_traits
from edgectl.ops.health.fleet.incidents import Incident, Member, incidents
from edgectl.ops.health.fleet.outliers import CardReading, Outlier, compare
from edgectl.ops.health.fleet.view import places_of
from edgectl.ops.health.history.days import Day, days_of, week_of
from edgectl.ops.health.history.looks import latest
from edgectl.ops.health.history.snoozing import Snoozes
from edgectl.ops.health.history.subjects import is_node
from edgectl.ops.health.history.trends import Trend, trends

# So many cards' weeks are read at a time: a megabyte of rows, whatever the fleet's size.
_CARDS_ABREAST = 2_000
# An older look says nothing about how a card compares with its peers today.
FRESH = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Recorded:
    """All that is on record of the selected hosts, and what follows from it."""

    hosts: Mapping[str, Host]
    cards: Sequence[CardRecord]
    nodes: Mapping[str, CardRecord]
    states: Sequence[HealthState]
    incidents: Sequence[Incident]
    outliers: Sequence[Outlier]
    trends: Sequence[tuple[CardRecord, Trend]]
    lemons: Sequence[tuple[str, int]]


def recorded(
    history: HealthHistory,
    hosts: Sequence[Host],
    rules: FleetRules,
    snoozes: Snoozes,
    now: datetime,
) -> Recorded:
    """Return what the record says of these hosts."""
    by_name = {host.name: host for host in hosts}
    past = history.past(list(by_name))
    rows = [record for of_host in past.cards.values() for record in of_host]
    cards = sorted(
        (record for record in rows if not is_node(record.card)), key=lambda one: (one.host, one.slot)
    )
    nodes = {record.host: record for record in rows if is_node(record.card)}
    there = sorted(
        (state for of_host in past.states.values() for state in of_host if state.is_there),
        key=lambda state: (state.host, state.label, state.finding),
    )
    in_force = [state for state in there if state.is_in_force]
    failures = history.failures(now - timedelta(days=rules.trends.window_days))
    return Recorded(
        hosts=by_name,
        cards=cards,
        nodes=nodes,
        states=in_force,
        incidents=incidents_on_record(hosts, nodes, there, rules, snoozes),
        outliers=_outliers(list(_readings(by_name, cards, now)), in_force, rules),
        trends=list(trends_of(history, cards, rules.trends, now)),
        lemons=lemons(failures, by_name, rules.trends.lemon_failures),
    )


def incidents_on_record(
    hosts: Sequence[Host],
    nodes: Mapping[str, CardRecord],
    states: Iterable[HealthState],
    rules: FleetRules,
    snoozes: Snoozes,
) -> list[Incident]:
    """Return what many findings have in common; many at once are enough looks at one cause."""
    members = [
        Member(state.host, state.finding, state.severity, state.label)
        for state in states
        if snoozes.snoozed(state.host, state.finding) is None
    ]
    traits = {host.name: _traits(host, nodes.get(host.name)) for host in hosts}
    return incidents(members, traits, rules.incidents)


def _outliers(
    readings: Sequence[CardReading], states: Iterable[HealthState], rules: FleetRules
) -> list[Outlier]:
    """Return the cards whose last look differs from their peers', and enough of the looks before."""
    in_force = {(state.subject, state.finding) for state in states}
    found = compare(readings, rules.outliers).outliers
    return [one for one in found if (one.card.card, one.metric.finding) in in_force]


def nodes_of(past: HealthPast) -> dict[str, CardRecord]:
    """Return the nodes' own records, by host."""
    return {
        record.host: record for of_host in past.cards.values() for record in of_host if is_node(record.card)
    }


def _traits(host: Host, node: CardRecord | None) -> Traits:
    """Return a host's traits; driver and kernel are the last that it told."""
    told = {"driver": node.driver, "kernel": node.name} if node is not None else {}
    return {**inventory_traits(host), **{name: value for name, value in told.items() if value}}


def _readings(hosts: Mapping[str, Host], cards: Iterable[CardRecord], now: datetime) -> Iterator[CardReading]:
    places = {name: places_of(host) for name, host in hosts.items()}
    for card in cards:
        look = latest(card.looks) if now - card.seen <= FRESH else None
        if look is not None:
            yield CardReading(
                card.card, card.host, card.slot, card.name, card.driver, places[card.host], look.readings
            )


def trends_of(
    history: HealthHistory, cards: Sequence[CardRecord], rules: TrendRules, now: datetime
) -> Iterator[tuple[CardRecord, Trend]]:
    """Yield what the weeks of each card tell."""
    last = week_of(now)
    first = week_of(now - timedelta(days=rules.window_days))
    by_card = {card.card: card for card in cards}
    left = iter(sorted(by_card))
    while some := list(itertools.islice(left, _CARDS_ABREAST)):
        for card, weeks in history.weeks(some, first, last).items():
            days = [day for week in weeks for day in days_of(week.days)]
            yield from ((by_card[card], trend) for trend in trends(days, rules))


def days_on_record(history: HealthHistory, card: str, days: int, now: datetime) -> list[Day]:
    """Return the last so many days of one card."""
    weeks = history.weeks([card], week_of(now - timedelta(days=days)), week_of(now))
    return [day for week in weeks.get(card, ()) for day in days_of(week.days)][-days:]


def lemons(failures: Mapping[str, int], hosts: Mapping[str, Host], least: int) -> list[tuple[str, int]]:
    """Return the hosts that failed so often, the worst first.

    A few hosts have a large share of all failures (Meta's lemon nodes, arXiv 2410.21680).
    """
    often = [(host, count) for host, count in failures.items() if count >= least and host in hosts]
    return sorted(often, key=lambda one: (-one[1], one[0]))
