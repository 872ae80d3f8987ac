"""`bench run`: measure on the nodes, each its own server, or from here one URL."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgectl.engine.outcome import HostOutcome, RunOutcome
from edgectl.ops.bench.measured import Measured, read_measured
from edgectl.ops.bench.report import hosts_report, url_report
from edgectl.ops.bench.target import DEFAULT_PORT, port_of_service, url_at_host
from edgectl.ops.bench.workload import Workload
from edgectl.ops.rollout import Request, rollout
from edgectl.ops.services import Services
from edgectl.playbook.compile import Options
from edgectl.playbook.loader import load_playbook
from edgectl.playbook.model import Playbook
from edgectl.report import Report

MODULE = "bench_load"
_COMMAND = "bench run"
_PLAYBOOK = "bench.yaml"
_API_KEY = "bench_api_key"


@dataclass(frozen=True, slots=True)
class OnNodes:
    """Measure the servers of these hosts, by the port or by the service that has one."""

    select: str | None = None
    limit: str | None = None
    service: str | None = None
    port: int | None = None


def bench_nodes(
    services: Services, nodes: OnNodes, workload: Workload, api_key: Mapping[str, str] | None = None
) -> Report:
    """Measure on every selected host at once."""
    port = nodes.port or DEFAULT_PORT
    if nodes.service is not None:
        port = port_of_service(services.fleet, nodes.service)
    request = _request(workload, url_at_host(port), nodes.select, nodes.limit)
    prepared, outcome = rollout(services, _playbook(services, api_key), request)
    return hosts_report(prepared, outcome, _measured(outcome))


def bench_url(
    services: Services, url: str, workload: Workload, api_key: Mapping[str, str] | None = None
) -> Report:
    """Measure one URL from here; `services` are those of this machine alone."""
    prepared, outcome = rollout(services, _playbook(services, api_key), _request(workload, url))
    return url_report(prepared, outcome, url, _measured(outcome, where=url))


def _request(workload: Workload, url: str, select: str | None = None, limit: str | None = None) -> Request:
    variables = {**workload.variables(), "bench_url": url}
    arguments = {name: value for name, value in variables.items() if value is not None}
    return Request(_COMMAND, select, limit, Options(extra_vars=variables), arguments=arguments)


def _playbook(services: Services, api_key: Mapping[str, str] | None) -> Playbook:
    """Return the shipped playbook, which gets the key as a secret where there is one."""
    playbook = load_playbook(services.playbooks / _PLAYBOOK)
    if api_key is None:
        return playbook
    plays = [dataclasses.replace(play, secrets={_API_KEY: dict(api_key)}) for play in playbook.plays]
    return dataclasses.replace(playbook, plays=plays)


def _measured(outcome: RunOutcome, where: str = "") -> list[Measured]:
    """Return what was measured, host by host; a host where all requests failed has figures too."""
    found = [(host, _bench_of(host)) for host in outcome.hosts]
    return [read_measured(where or host.host, host.pop, bench) for host, bench in found if bench is not None]


def _bench_of(host: HostOutcome) -> Mapping[str, Any] | None:
    return (host.result_of(MODULE) or {}).get("bench")
