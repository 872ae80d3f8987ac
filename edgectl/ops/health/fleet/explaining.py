"""`health explain` of what is on record: an incident by its id, or one finding at one host as HOST/FINDING."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from edgectl.catalog.health_fleet import load_fleet_rules
from edgectl.catalog.health_states import StatePolicies, load_state_policies
from edgectl.catalog.rules_model import Rules
from edgectl.complaints import did_you_mean
from edgectl.engine.health_records import HealthChange, HealthState
from edgectl.errors import ExitCode, InputError
from edgectl.inventory.fold import abridged
from edgectl.inventory.pattern import select
from edgectl.ops.health.ages import age
from edgectl.ops.health.fleet.incidents import Incident, incident_data
from edgectl.ops.health.fleet.on_record import incidents_on_record, nodes_of
from edgectl.ops.health.history.snoozing import snoozes_of
from edgectl.ops.health.history.states import clean_looks, is_flapping
from edgectl.ops.health.words import counted
from edgectl.ops.services import Services
from edgectl.report import Line, Report, Tone

_WIDTH = 10
# An Xid as the family of an incident: `580.105.08-xid-119`.
_XID = re.compile(r".-xid-\d+$")
_LATEST = 5
_LOOKS = 32


def is_on_record(name: str, rules: Rules) -> bool:
    """Tell whether a name can only be on record: HOST/FINDING, or an incident, which ends in its family's name."""
    if name in {*rules.by_id, *(metric.finding for metric in load_fleet_rules().outliers.metrics)}:
        return False  # as memory-temperature, which ends as an incident of the rule 'temperature' would
    families = (*(family.name for family in load_fleet_rules().incidents.families), *rules.by_id)
    return "/" in name or any(name.endswith(f"-{family}") for family in families) or bool(_XID.search(name))


def explain_incident(services: Services, name: str) -> Report:
    """Return all that is known of an incident on record. Raises `InputError` where there is none of that name."""
    now, hosts = services.clock.now(), select(services.fleet, "all")
    past = services.health.past([host.name for host in hosts])
    states = [state for of_host in past.states.values() for state in of_host if state.is_there]
    snoozes = snoozes_of(services.fleet, services.health.snoozes(now))
    found = incidents_on_record(hosts, nodes_of(past), states, load_fleet_rules(), snoozes)
    incident = next((one for one in found if one.id == name), None)
    if incident is None:
        known = [one.id for one in found]
        raise InputError(
            f"there is no rule, Xid or incident on record called '{name}'{did_you_mean(name, known)}",
            hint="edgectl health fleet",
        )
    since = min((state.since for state in states if _is_of(state, incident)), default=now)
    said = dict(_incident(incident, since, now))
    return _report(name, said, {**incident_data(incident), "since": since.isoformat()}, now)


def _is_of(state: HealthState, incident: Incident) -> bool:
    return state.host in incident.hosts and state.finding in incident.findings


def _incident(one: Incident, since: datetime, now: datetime) -> Iterator[tuple[str, str]]:
    shared = f"{one.factor} {one.value}" if one.factor != one.value else "every host"
    yield "about", f"{', '.join(one.findings)} at {len(one.hosts):,} of {one.of:,} hosts of {shared}"
    yield one.severity.value, f"suspect: {one.suspect}"
    yield "hosts", abridged(sorted(one.hosts))
    yield "since", f"{since:%Y-%m-%d %H:%M} UTC, {age(since, now)} ago"
    yield "clears", "each host's findings clear by themselves: edgectl health history HOST"
    yield "rules", "   ".join(f"edgectl health explain {finding}" for finding in one.findings)


def explain_at_host(services: Services, host: str, finding: str) -> Report:
    """Return how one finding stands at one host. Raises `InputError` where it never stood there."""
    now = services.clock.now()
    states = services.health.past([host]).states.get(host, ())
    mine = [state for state in states if state.finding == finding]
    changes = [
        one for one in services.health.changes([host], now - timedelta(days=365)) if one.finding == finding
    ]
    if not mine and not changes:
        known = [f"{host}/{state.finding}" for state in states]
        raise InputError(
            f"the host '{host}' has no finding '{finding}' on record"
            f"{did_you_mean(f'{host}/{finding}', known)}",
            hint=f"edgectl health history {host}",
        )
    policies = load_state_policies()
    said = {**dict(_states(mine, policies, now)), **dict(_past(changes))}
    said["rule"] = f"edgectl health explain {finding}"
    data = {"states": [_state(state) for state in mine]}
    return _report(f"{host}/{finding}", said, data, now)


def _states(
    states: Iterable[HealthState], policies: StatePolicies, now: datetime
) -> Iterator[tuple[str, str]]:
    for state in states:
        where = f"GPU {state.label}" if state.label else "node"
        policy = policies.of(state.finding)
        flaps = ", flapping" if is_flapping(state.looks, policies) else ""
        yield where, f"{state.severity.value}, {state.phase.value}{flaps}, for {age(state.since, now)}"
        yield f"{where}: looks", f"{_bits(state.looks)}  (the latest last; ● found)"
        leave = policies.flapping_leave if flaps else policy.leave
        clean = min(clean_looks(state.looks), _LOOKS)
        yield f"{where}: clears", f"after {counted(leave, 'clean look')} in a row; {clean} so far"


def _bits(looks: int) -> str:
    length = max(1, looks.bit_length())
    return "".join("●" if looks >> bit & 1 else "·" for bit in reversed(range(length)))


def _past(changes: Sequence[HealthChange]) -> Iterator[tuple[str, str]]:
    for one in changes[:_LATEST]:
        yield f"{one.at:%Y-%m-%d %H:%M}", f"{one.turn.value}: {one.why}"


def _state(state: HealthState) -> dict[str, object]:
    return {
        "gpu": state.label or None,
        "severity": state.severity.value,
        "phase": state.phase.value,
        "since": state.since.isoformat(),
        "looks": _bits(state.looks),
    }


def _report(name: str, said: dict[str, str], data: Mapping[str, object], now: datetime) -> Report:
    tones = {"critical": Tone.BAD, "warning": Tone.NOTICE}
    width = max(_WIDTH, *(len(word) for word in said))
    lines = [Line(f"  {word:<{width}} {text}", tones.get(word, Tone.PLAIN)) for word, text in said.items()]
    return Report(
        "health explain", now, 0.0, ExitCode.DONE, data={"finding": name, **data}, body=[Line(name), *lines]
    )
