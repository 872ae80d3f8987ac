"""A finding over many looks: when it comes into force and when it is gone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from edgectl.catalog.health_states import Policy, StatePolicies
from edgectl.catalog.rules_model import Severity
from edgectl.engine.health_records import HealthChange, HealthState, Phase, Turn

_ALL = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Sighting:
    """One look at one finding about one subject; `severity` is None where it was judged and not found.

    `is_first` where nobody looked at the subject before, so that there are no looks to wait for.
    """

    subject: str
    finding: str
    host: str
    label: str
    severity: Severity | None
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What a look makes of a state; no state: it is worth no row any more."""

    state: HealthState | None
    changes: Sequence[HealthChange] = ()


def step(before: HealthState | None, sighting: Sighting, policies: StatePolicies, at: datetime) -> Step:
    """Return the state behind a look. A finding that was never seen, and is not there, has none."""
    if sighting.severity is None:
        return Step(None) if before is None else _clean(before, sighting, policies, at)
    looked = _found(before, sighting, sighting.severity, at)
    if before is not None and before.is_in_force:
        return _still_there(before, looked, at)
    policy = policies.of(sighting.finding)
    seen = (looked.looks & _last(policy.of)).bit_count()
    if sighting.severity is Severity.CRITICAL or sighting.is_first or seen >= policy.enter:
        entered = replace(looked, phase=Phase.ACTIVE, since=at)
        return Step(entered, (_change(entered, Turn.ENTERED, _found_why(seen, policy), at),))
    is_new = before is None or before.phase is not Phase.SEEN
    return Step(replace(looked, phase=Phase.SEEN, since=at if is_new else looked.since))


def is_flapping(looks: int, policies: StatePolicies) -> bool:
    """Tell whether a finding came so often lately that its next going means little."""
    return (looks & ~(looks >> 1)).bit_count() >= policies.flapping_times


def clean_looks(looks: int) -> int:
    """Return how many of the latest looks in a row found nothing."""
    return (looks & -looks).bit_length() - 1 if looks else 32


def _clean(before: HealthState, sighting: Sighting, policies: StatePolicies, at: datetime) -> Step:
    state = replace(
        before, looks=(before.looks << 1) & _ALL, host=sighting.host, label=sighting.label or before.label
    )
    if before.is_in_force:
        return _towards_cleared(state, policies, at)
    if state.looks == 0:
        return Step(None)
    if before.phase is Phase.SEEN and not state.looks & _last(policies.of(before.finding).of):
        return Step(None)
    return Step(state)


def _towards_cleared(state: HealthState, policies: StatePolicies, at: datetime) -> Step:
    clean, flapping = clean_looks(state.looks), is_flapping(state.looks, policies)
    leave = policies.of(state.finding).leave
    wanted = max(leave, policies.flapping_leave) if flapping else leave
    if clean < wanted:
        return Step(replace(state, phase=Phase.CLEARING))
    cleared = replace(state, phase=Phase.CLEARED, since=at)
    why = f"{clean} clean looks" if clean > 1 else "one clean look"
    return Step(cleared, (_change(cleared, Turn.CLEARED, why, at),))


def _found(before: HealthState | None, sighting: Sighting, severity: Severity, at: datetime) -> HealthState:
    if before is None:
        return HealthState(
            subject=sighting.subject,
            finding=sighting.finding,
            host=sighting.host,
            label=sighting.label,
            severity=severity,
            phase=Phase.SEEN,
            since=at,
            seen=at,
            looks=1,
        )
    return replace(
        before,
        host=sighting.host,
        label=sighting.label or before.label,
        severity=severity,
        seen=at,
        looks=((before.looks << 1) | 1) & _ALL,
    )


def _still_there(before: HealthState, looked: HealthState, at: datetime) -> Step:
    state = replace(looked, phase=Phase.ACTIVE, since=before.since)
    if looked.severity is Severity.CRITICAL and before.severity is Severity.WARNING:
        return Step(state, (_change(state, Turn.WORSENED, "it was a warning", at),))
    return Step(state)


def _found_why(seen: int, policy: Policy) -> str:
    return f"found at {seen} of the last {policy.of} looks" if policy.of > 1 and seen > 1 else "found"


def _change(state: HealthState, turn: Turn, why: str, at: datetime) -> HealthChange:
    return HealthChange(
        at=at,
        host=state.host,
        subject=state.subject,
        label=state.label,
        finding=state.finding,
        severity=state.severity,
        turn=turn,
        why=why,
    )


def _last(looks: int) -> int:
    return (1 << looks) - 1
