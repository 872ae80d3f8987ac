"""`deploy reconcile`: what the store knows of services is made anew from the hosts, which are the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgectl.engine.outcome import RunOutcome, exit_code
from edgectl.engine.service_records import ServiceChange, Turn
from edgectl.ops.rollout import NO_DEADLINE, Pace, Request, carry_out, prepare, run_report
from edgectl.ops.services import Services
from edgectl.ops.told import closing, trouble
from edgectl.playbook.loader import load_playbook
from edgectl.report import Line, Report

PLAYBOOK = "services.yaml"
MODULE = "service_state"
_OUT = frozenset({Turn.DRAINED, Turn.QUARANTINED})


def reconcile(services: Services, select: str, pace: Pace = NO_DEADLINE) -> Report:
    """Look at the hosts, and put on record where they are other than was known. Changes no host."""
    prepared = prepare(
        services,
        load_playbook(services.playbooks / PLAYBOOK),
        Request("deploy reconcile", select, pace=pace),
    )
    outcome = carry_out(services, prepared)
    seen = {host.host: (host.result_of(MODULE) or {}).get("services", {}) for host in outcome.finished()}
    found = list(_changes(services, seen, outcome))
    services.deployed.record(found)
    said = [Line(f"  {one.host}  {one.service}   {one.reason}") for one in found]
    body = [
        *(said or [Line("  the store says what the hosts say")]),
        *trouble(outcome.hosts),
        *closing(outcome, exit_code(outcome)),
    ]
    return run_report(prepared, outcome, data=lambda host: host.result_of(MODULE) or {}, body=body)


def _changes(
    services: Services, seen: Mapping[str, Mapping[str, Any]], outcome: RunOutcome
) -> Iterator[ServiceChange]:
    at, by = services.clock.now(), services.started_by
    for host, service, release, reason in differences(services.deployed.serving(), seen):
        state = seen[host].get(service, {})
        turn, gpus = _turn(state) if release else Turn.REMOVED, tuple(state.get("gpus") or ())
        yield ServiceChange(service, host, release, turn, at, by, run=outcome.run, reason=reason, gpus=gpus)


def _turn(state: Mapping[str, Any]) -> Turn:
    """Return what a look found: one that serves nobody, and that nobody drained, has nothing that proved itself."""
    if state["serving"]:
        return Turn.SEEN
    return Turn.DRAINED if state.get("drained") else Turn.QUARANTINED


def differences(
    known: Sequence[ServiceChange], seen: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str, str, str]]:
    """Yield host, service, the release that is in force, and in words what is other than was known. Pure."""
    before = {
        (one.host, one.service): one for one in known if one.host in seen and one.turn is not Turn.REMOVED
    }
    now = {(host, service): state for host, all_of in seen.items() for service, state in all_of.items()}
    for host, service in sorted(before.keys() | now.keys()):
        was, state = before.get((host, service)), now.get((host, service), {})
        release = str(state.get("release") or "")
        expected = was.release if was else ""
        if release != expected:
            yield host, service, release, f"has {release or 'nothing'}, and {expected or 'nothing'} was known"
        elif was and release and (was.turn in _OUT) == bool(state["serving"]):
            yield host, service, release, "serves" if state["serving"] else "does not serve"
