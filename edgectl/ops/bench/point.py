"""The points of a curve: one server, measured under one load after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from edgectl.engine.outcome import exit_code
from edgectl.errors import ExitCode, InputError
from edgectl.ops.bench.analyse import goodput
from edgectl.ops.bench.measured import Measured
from edgectl.ops.bench.run import OnNodes
from edgectl.ops.bench.search import Held, requests_for
from edgectl.ops.bench.turns import Asked, Turn, measure
from edgectl.ops.bench.workload import Workload
from edgectl.ops.services import Services
from edgectl.report import Line


@dataclass(frozen=True, slots=True)
class Server:
    """The one server that a curve is of: a URL from here, or the server of one host."""

    url: str | None = None
    nodes: OnNodes | None = None
    api_key: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """Return what it is called in a report."""
        return self.url or (self.nodes.select if self.nodes else None) or "all"


Tell = Callable[[Line], None]  # each point, as soon as it is known


@dataclass(frozen=True, slots=True)
class Point:
    """What was offered, what came of it; `offered` is a rate in an open loop, requests in flight in a closed one."""

    offered: float
    measured: Measured
    held: Held


@dataclass(frozen=True, slots=True)
class Curve:
    """How the points of a curve are measured: each for at least `duration_s` and, at a rate, so many requests."""

    services: Services
    command: str
    server: Server
    workload: Workload
    duration_s: float
    requests: int

    def at_rate(self, rate: float, number: int) -> Point:
        """Return the point at so many requests per second; each has prompts of its own."""
        count = requests_for(rate, self.duration_s, self.requests)
        load = replace(self.workload, rate=rate, concurrency=None, requests=count, duration_s=None)
        return self._measured(rate, load, number)

    def at_streams(self, streams: int, number: int) -> Point:
        """Return the point with so many requests in flight."""
        load = replace(
            self.workload, rate=None, concurrency=streams, requests=None, duration_s=self.duration_s
        )
        return self._measured(streams, load, number)

    def _measured(self, offered: float, load: Workload, number: int) -> Point:
        load = replace(load, seed=load.seed + number)
        measured = _once(self.services, self.command, self.server, load)
        return Point(offered, measured, _held(measured))


def _once(services: Services, command: str, server: Server, workload: Workload) -> Measured:
    """Measure the server once. Raises `InputError` where that cannot be done, or where it is not one server."""
    if server.url is not None:
        asked = Asked(
            command, workload, [Turn(server.url, workload.seed, server.url)], api_key=server.api_key
        )
    else:
        nodes = server.nodes or OnNodes()
        turn = Turn(nodes.url(services), workload.seed)
        asked = Asked(
            command, workload, [turn], nodes.select, nodes.limit, server.api_key or nodes.key(services)
        )
    seen = measure(services, asked)
    if exit_code(seen.outcome) == ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if len(seen.outcome.hosts) != 1:
        message = f"a curve is of one server, and these are {len(seen.outcome.hosts)} hosts"
        raise InputError(message, hint="name one host, or a --url")
    host = seen.outcome.hosts[0]
    found = seen.measured[host.host]
    if not found:
        raise InputError(f"{server.name} cannot be measured: {host.reason}")
    return found[0]


def _held(measured: Measured) -> Held:
    """Return what became of the SLOs; without any, of the queue alone."""
    if measured.client.is_bound:
        return Held.CLIENT
    queue: Mapping[str, Any] = measured.whole.get("queue") or {}
    if queue.get("is_rising"):
        return Held.RISING
    good = goodput(measured)
    return Held.MISSED if good is not None and not good.is_met else Held.MET
