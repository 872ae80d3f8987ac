"""What a provisioning run will take: for how long, and how much of each place it takes out of service at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from edgectl.engine.domains import domains_of
from edgectl.engine.forecast import Forecast, forecast
from edgectl.engine.outcome import RunOutcome
from edgectl.engine.schedule import Setting
from edgectl.ops.policy import playbook_policy, weighed
from edgectl.ops.promises import Promises
from edgectl.ops.provision.durations import learned
from edgectl.ops.provision.plan import changes_of
from edgectl.ops.rollout import Prepared
from edgectl.ops.services import Services

_MINUTE_S, _HOUR_S = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The forecast, and how many hosts of earlier runs it was learned from: none, and it is a guess."""

    forecast: Forecast
    hosts: int

    def words(self) -> str:
        """Return it for the plan's headline."""
        said = f"about {_lasting(self.forecast.seconds)}{'' if self.hosts else ', guessed'}"
        peaks = self.forecast.peaks
        if not peaks:
            return said
        first, more = peaks[0], len(peaks) - 1
        where = f"{first.domain}{f' and less of {more} more' if more else ''}"
        return f"{said} · at most {first.share:.0%} of {where} out at once"

    def data(self) -> Mapping[str, Any]:
        """Return it for the report."""
        out = [
            {"domain": peak.domain, "out": peak.out, "capacity": peak.capacity, "unit": peak.unit}
            for peak in self.forecast.peaks
        ]
        return {"seconds": round(self.forecast.seconds), "learned_from_hosts": self.hosts, "out": out}


def foresee(services: Services, promises: Promises, prepared: Prepared, outcome: RunOutcome) -> Foreseen:
    """Play the run through that would follow a check run, over the hosts that could be planned."""
    planned = {host.host: changes_of(host) for host in outcome.finished()}
    policy, place = playbook_policy(prepared.playbook)
    plan = weighed(services, replace(prepared.plan, rollout=policy), place)
    hosts = [host for host in plan.hosts() if host.name in planned]
    durations = learned(services.history)
    seconds = {
        host.name: durations.of(planned[host.name], _acceptance(promises, host.hardware))
        for host in hosts
        if planned[host.name]
    }
    setting = Setting(plan.hosts(), domains_of(plan.hosts(), policy, plan.gpus), policy, out=plan.out)
    return Foreseen(forecast(hosts, setting, seconds, services.clock.now()), durations.hosts)


def _acceptance(promises: Promises, hardware: str) -> Mapping[str, Any]:
    baseline = promises.baselines.get(hardware)
    acceptance: Mapping[str, Any] = baseline.variables["acceptance"] if baseline else {}
    return acceptance


def _lasting(seconds: float) -> str:
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h"
