"""How findings stand over time and what the fleet shows, as the report's data. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from edgectl.engine.health_records import HealthChange, HealthState, Phase, Turn
from edgectl.ops.health.examined import Examined
from edgectl.ops.health.fleet.incidents import incident_data
from edgectl.ops.health.fleet.outliers import Outlier
from edgectl.ops.health.history.subjects import uuid_of
from edgectl.ops.health.lines import Telling


def states_data(host: Examined, telling: Telling) -> list[dict[str, Any]]:
    """Return the state of each finding that is in force or was seen lately, for `hosts[].data.states`."""
    if host.look is None:
        return []
    states = [state for state in host.look.states.values() if state.phase is not Phase.CLEARED]
    return [_state(state, telling) for state in states]


def fleet_data(examined: Sequence[Examined], telling: Telling) -> dict[str, Any]:
    """Return what only the fleet as a whole shows, for `data.fleet`."""
    looks = [host.look for host in examined if host.look is not None]
    cleared = [change for look in looks for change in look.changes if change.turn is Turn.CLEARED]
    return {
        "incidents": [incident_data(one) for one in telling.view.incidents],
        "outliers": [_outlier(one) for one in telling.view.outliers],
        "cleared": [_cleared(change) for change in cleared],
        "moved": [
            {
                "card": move.card,
                "serial": move.was.serial,
                "host": look.host,
                "gpu": move.label,
                "was_at": {"host": move.was.host, "slot": move.was.slot},
            }
            for look in looks
            for move in look.moved
        ],
        "shadow": _shadow(examined),
    }


def _state(state: HealthState, telling: Telling) -> dict[str, Any]:
    snooze = telling.snoozes.snoozed(state.host, state.finding)
    return {
        "finding": state.finding,
        "gpu": uuid_of(state.subject),
        "phase": state.phase.value,
        "severity": state.severity.value,
        "since": state.since.isoformat(),
        "seen": state.seen.isoformat(),
        "snoozed_until": snooze.until.isoformat() if snooze is not None else None,
    }


def _outlier(one: Outlier) -> dict[str, Any]:
    return {
        "finding": one.metric.finding,
        "host": one.card.host,
        "gpu": one.card.card,
        "reading": one.metric.reading,
        "value": one.value,
        "usual": one.peers.usual,
        "peers": one.peers.count - 1,
        "alike": one.alike,
        "among": {one.peers.width: one.peers.place},
        "action": one.metric.action,
    }


def _cleared(change: HealthChange) -> dict[str, Any]:
    return {
        "host": change.host,
        "finding": change.finding,
        "gpu": uuid_of(change.subject),
        "why": change.why,
    }


def _shadow(examined: Sequence[Examined]) -> dict[str, dict[str, int]]:
    counts: dict[str, list[str]] = defaultdict(list)
    for host in examined:
        for found in host.watched:
            counts[found.id].append(host.outcome.host)
    return {
        name: {"hosts": len(set(hosts)), "findings": len(hosts)} for name, hosts in sorted(counts.items())
    }
