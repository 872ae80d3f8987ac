"""A `rollout:` as it was written becomes a policy, and is refused where it could never be followed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from edgectl.catalog.hardware import load_catalog
from edgectl.engine.domains import domains_of, too_small
from edgectl.engine.executor import Plan
from edgectl.engine.policy import DURATION_S, CommandGate, Gate, HealthGate, Limit, Rollout
from edgectl.engine.windows import opening
from edgectl.errors import InputError, Place, Problem
from edgectl.inventory.model import Host, PopState
from edgectl.ops.services import Services
from edgectl.playbook.model import Playbook


def playbook_policy(playbook: Playbook) -> tuple[Rollout, Place | None]:
    """Return the policy of the first play that has one, and where it was written."""
    for play in playbook.plays:
        if play.rollout is not None:
            return rollout_policy(play.rollout), play.rollout_place
    return Rollout(), None


def rollout_policy(said: Mapping[str, Any]) -> Rollout:
    """Return the policy that a checked `rollout:` mapping says."""
    return Rollout(
        canary=said["canary"],
        waves=said["waves"],
        spread=said["spread"],
        max_out=said["max_out"],
        min_out=said["min"],
        max_failed=Limit(**said["max_failed"]),
        max_unreachable=Limit(**said["max_unreachable"]),
        max_unknown=Limit(**said["max_unknown"]),
        soak_s=said["soak"],
        gate=_gate(said["gate"]),
        windowed=said["window"] == "site",
        duration_s=DURATION_S if said["duration"] is None else said["duration"],
    )


def _gate(said: Mapping[str, str] | None) -> Gate | None:
    if said is None:
        return None
    return CommandGate(said["command"]) if "command" in said else HealthGate()


def weighed(services: Services, plan: Plan, place: Place | None) -> Plan:
    """Return a plan with what its budgets are counted in: GPUs, and hosts that are out of service already.

    Raises `InputError`, with the `place` of the policy, where a host could never start under it.
    """
    plan = replace(plan, gpus=_gpus(plan.rollout), out=_out(services, plan.rollout))
    hosts = plan.hosts()
    domains = domains_of(hosts, plan.rollout, plan.gpus)
    complaints = [*too_small(hosts, plan.out, domains), *_too_short(services, plan.rollout, hosts)]
    if complaints:
        raise InputError([Problem(complaint, place) for complaint in complaints])
    return plan


def _gpus(rollout: Rollout) -> Mapping[str, int]:
    """Return what each hardware counts for, which only a share of what is out is counted in: its GPUs, as a rule."""
    if not isinstance(rollout.max_out, float):
        return {}
    if rollout.measure is not None:
        return rollout.measure.by_hardware
    return {name: hardware.gpu_count for name, hardware in load_catalog().by_name.items()}


def _out(services: Services, rollout: Rollout) -> Sequence[Host]:
    """Return the hosts that serve nobody now: those of a PoP in maintenance, selected or not."""
    if rollout.max_out is None:
        return ()
    fleet = services.fleet
    away = (name for name, kind in fleet.kinds.items() if kind.pop.state is PopState.MAINTENANCE)
    return tuple(fleet.hosts[name] for name in away)


def _too_short(services: Services, rollout: Rollout, hosts: Sequence[Host]) -> Iterator[str]:
    if not rollout.windowed:
        return
    for pop in {host.pop.name: host.pop for host in hosts}.values():
        if pop.window and opening(pop.window, pop.tz, services.clock.now(), rollout.duration_s) is None:
            work = f"the work on a host ({rollout.duration_s / 60:.6g} min)"
            window = f"the window of {pop.name} ({pop.window.hours:.6g} h)"
            yield f"{work} does not fit into {window}: write a longer window, or another `duration:`"
