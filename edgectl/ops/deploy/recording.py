"""What a run did to a service becomes what is remembered of it: a turn per host, and of each host's life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome
from edgectl.engine.service_records import ServiceChange, Turn
from edgectl.ops.deploy.holding import Held
from edgectl.ops.deploy.lives import passages_of
from edgectl.ops.services import Services

# What one look at a host or one change of it came to, whichever module did it.
MODULES = ("service_swap", "service_release", "service_rollback")


def result_at(host: HostOutcome) -> Mapping[str, Any]:
    """Return what came of the release at a host, whichever way it was put there; empty where nothing came of it."""
    results = [host.result_of(module) or {} for module in MODULES]
    return next((result for result in results if result and not result.get("skipped")), {})


def remember(services: Services, service: str, tried: str, outcome: RunOutcome, held: Held) -> None:
    """Put on record what each host came to serve; a host that serves nothing any more is quarantined."""
    at, by = services.clock.now(), services.started_by
    changes = []
    for host in outcome.hosts:
        turn = turn_of(host)
        if turn is not None:
            result = result_at(host)
            found, gpus = str(result.get("release") or ""), tuple(result.get("gpus") or ())
            why = host.reason
            changes.append(
                ServiceChange(service, host.host, found, turn, at, by, tried, outcome.run, why, gpus)
            )
    services.deployed.record(changes, held.hold)
    services.lifecycles.record(passages_of(changes))


def turn_of(host: HostOutcome) -> Turn | None:
    """Return what happened to the service on a host; None where nothing did. Pure."""
    result = result_at(host)
    if not result:
        return None
    if result.get("drained_out"):  # whatever else was done there
        return Turn.DRAINED
    if result.get("quarantined"):
        return Turn.QUARANTINED
    match host.status:
        case HostStatus.CHANGED:
            return Turn.ROLLED_BACK if "left" in result else Turn.LIVE
        case HostStatus.FAILED:
            return Turn.FAILED
        case _:
            return None
