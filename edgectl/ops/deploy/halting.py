"""What becomes of the hosts that went over already, when a deployment is halted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome
from edgectl.engine.waves import waves_of
from edgectl.inventory.fold import abridged
from edgectl.ops.deploy.recording import result_at
from edgectl.ops.deploy.rollback import Return, carry_back
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.spec_care import OnHalt
from edgectl.ops.rollout import Prepared
from edgectl.ops.services import Services
from edgectl.report import Line, Tone


@dataclass(frozen=True, slots=True)
class Halt:
    """What was done about a halt: which hosts were to go back, and how that ended; None where nothing was."""

    back: Sequence[str]
    outcome: RunOutcome | None


NO_HALT = Halt((), None)


def to_go_back(on_halt: OnHalt, prepared: Prepared, outcome: RunOutcome) -> Sequence[str]:
    """Return the hosts that go back after a halt. Pure."""
    if on_halt is OnHalt.HOLD or not outcome.halted:
        return ()
    went = [host for host in outcome.hosts if host.status is HostStatus.CHANGED and _has_previous(host)]
    if on_halt is OnHalt.ROLLBACK_WAVE:
        last = _last_wave(prepared, outcome)
        went = [host for host in went if host.host in last]
    return [host.host for host in went]


def _has_previous(host: HostOutcome) -> bool:
    return bool(result_at(host).get("previous"))


def _last_wave(prepared: Prepared, outcome: RunOutcome) -> frozenset[str]:
    """Return the hosts of the last wave that had begun."""
    plan = prepared.plan
    begun = {host.host for host in outcome.hosts if host.status is not HostStatus.NOT_RUN}
    waves = [{host.name for host in wave.hosts} for wave in waves_of(plan.hosts(), plan.rollout, plan.last)]
    return frozenset(next((wave for wave in reversed(waves) if wave & begun), set()))


def undo(
    services: Services, spec: ServiceSpec, release: str, prepared: Prepared, outcome: RunOutcome
) -> Halt:
    """Bring back whom the specification says; each proves its old release as it was proved before."""
    names = to_go_back(spec.strategy.on_halt, prepared, outcome)
    if not names:
        return NO_HALT
    hosts = [services.fleet.hosts[name] for name in names]
    anew = replace(services, resuming="")
    back = Return(spec, hosts, leave=release, measure=prepared.plan.rollout.measure)
    return Halt(names, carry_back(anew, back)[1])


def halt_lines(halt: Halt) -> list[Line]:
    """Tell what was done about a halt."""
    if halt.outcome is None:
        return []
    done = {host.host for host in halt.outcome.finished()}
    lines = [Line(f"  {len(done):>4}  {abridged(done)}   rolled back and proved", Tone.GOOD)] if done else []
    return lines + [
        Line(f"  {host.host}   could not be rolled back: {host.reason or host.status}", Tone.BAD)
        for host in halt.outcome.hosts
        if host.host not in done
    ]


def halt_data(halt: Halt) -> dict[str, Any]:
    """Return the same for a program: who went back, who could not, in which run; empty where nothing was done."""
    if halt.outcome is None:
        return {}
    done = [host.host for host in halt.outcome.finished()]
    stuck = [host.host for host in halt.outcome.hosts if host.host not in done]
    return {"rolled_back": {"run": halt.outcome.run, "hosts": done, "stuck": stuck}}
