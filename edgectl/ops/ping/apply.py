"""`ping`: log in everywhere, run the smallest possible job, and compare with what was known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from edgectl.engine.contacts import Contact, slowest_first
from edgectl.engine.events import HostConnected, RunEvent
from edgectl.engine.executor import Plan
from edgectl.engine.outcome import RunOutcome
from edgectl.engine.ports import HostWork
from edgectl.errors import MissingError
from edgectl.ops.ping.census import Stand, census
from edgectl.ops.ping.report import ping_report
from edgectl.ops.rollout import Request, carry_out, prepare
from edgectl.ops.services import Services
from edgectl.playbook.loader import read_playbook
from edgectl.report import Line, Report, Tone
from edgectl.yaml_source import parse

_PLAYBOOK = json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [{"name": "ping", "ping": None}]}])


def ping(services: Services, select: str | None, limit: str | None) -> Report:
    """Return who answers, how fast, and since when the others do not; what was found is put on record."""
    prepared = prepare(
        services, read_playbook(parse(_PLAYBOOK, Path("<ping>"))), Request("ping", select, limit)
    )
    names = [host.name for host in prepared.plan.hosts()]
    contacts = services.contacts.known(names)
    doors = _Doors()
    watched = replace(services, observers=(*services.observers, doors))
    outcome = carry_out(watched, replace(prepared, plan=slow_ones_first(prepared.plan, contacts)))
    outcome = _in_order(outcome, names)
    stands = census(outcome.hosts, doors.connected, contacts, services.clock.now())
    report = ping_report(prepared, outcome, stands, services.clock.now())
    return replace(report, body=[*report.body, *_recorded(services, stands)])


def _recorded(services: Services, stands: Sequence[Stand]) -> list[Line]:
    """Put the census on record; where that fails it is told all the same, and that the next one will not know of it."""
    try:
        services.contacts.keep(stand.contact for stand in stands if stand.contact is not None)
    except MissingError as error:
        return [Line(f"  not put on record: {error.message}", Tone.NOTICE)]
    return []


def slow_ones_first(plan: Plan, contacts: Mapping[str, Contact]) -> Plan:
    """Return the plan with its hosts in the order in which the whole ends soonest."""
    return replace(plan, stages=tuple(_in_turn(stage, contacts) for stage in plan.stages))


def _in_turn(stage: Sequence[HostWork], contacts: Mapping[str, Contact]) -> tuple[HostWork, ...]:
    work = {one.host.name: one for one in stage}
    return tuple(work[name] for name in slowest_first(list(work), contacts))


def _in_order(outcome: RunOutcome, names: list[str]) -> RunOutcome:
    """Return the outcome with its hosts in the fleet's order, in whichever they were begun."""
    by_name = {host.host: host for host in outcome.hosts}
    return replace(outcome, hosts=tuple(by_name[name] for name in names))


class _Doors:
    """An observer that remembers how we got into each host."""

    def __init__(self) -> None:
        self.connected: dict[str, HostConnected] = {}

    def on_event(self, event: RunEvent) -> None:
        if isinstance(event, HostConnected):
            self.connected[event.host] = event
