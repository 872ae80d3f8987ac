"""`bench run`: measure on the nodes, each its own server, or from here one URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgectl.ops.bench.report import hosts_report, url_report
from edgectl.ops.bench.target import DEFAULT_PORT, key_of_service, port_of_service, url_at_host
from edgectl.ops.bench.turns import Asked, Turn, measure, repeats
from edgectl.ops.bench.workload import Workload
from edgectl.ops.services import Services
from edgectl.report import Report

COMMAND = "bench run"


@dataclass(frozen=True, slots=True)
class OnNodes:
    """Measure the servers of these hosts, by the port or by the service that has one."""

    select: str | None = None
    limit: str | None = None
    service: str | None = None
    port: int | None = None

    def url(self, services: Services) -> str:
        """Return the server's URL, as a template that each host fills in. Raises `InputError`."""
        if self.service is not None:
            return url_at_host(port_of_service(services.fleet, self.service))
        return url_at_host(self.port or DEFAULT_PORT)

    def key(self, services: Services) -> Mapping[str, str] | None:
        """Return where the key is kept that the service's specification names for its engine. Raises `InputError`."""
        return None if self.service is None else key_of_service(services.fleet, self.service)


def bench_nodes(
    services: Services,
    nodes: OnNodes,
    workload: Workload,
    api_key: Mapping[str, str] | None = None,
    count: int = 1,
) -> Report:
    """Measure on every selected host at once, so many times over, and put it on record."""
    turns = repeats(Turn(nodes.url(services)), workload.seed, count)
    seen = measure(
        services, Asked(COMMAND, workload, turns, nodes.select, nodes.limit, api_key or nodes.key(services))
    )
    services.bench.keep(seen.records())
    return hosts_report(seen)


def bench_url(
    services: Services,
    url: str,
    workload: Workload,
    api_key: Mapping[str, str] | None = None,
    count: int = 1,
) -> Report:
    """Measure one URL from here, the same; `services` are those of this machine alone."""
    turns = repeats(Turn(url, subject=url), workload.seed, count)
    seen = measure(services, Asked(COMMAND, workload, turns, api_key=api_key))
    services.bench.keep(seen.records())
    return url_report(seen, url)
