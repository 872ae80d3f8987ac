"""`bench search` and `bench sweep`: one server under one load after another."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.bench_options import Port, Service, Url, refuse_mixed
from edgectl.cli.load_options import LoadOptions, Pace, with_load
from edgectl.cli.options import ALL_FORMATS, Common, Limit, Select, command
from edgectl.cli.pages import Html, check_page, write_page
from edgectl.errors import UsageError

Start = Annotated[float, typer.Option("--rate", min=0.001, help="The rate to begin with, per second.")]
AtLeast = Annotated[
    str, typer.Option("--duration", metavar="TIME", help="Each point takes at least so long.")
]
Rates = Annotated[str | None, typer.Option("--rates", metavar="LIST", help="Requests per second: 1,2,4.5.")]
Streams = Annotated[
    str | None, typer.Option("--streams", metavar="LIST", help="Requests in flight (1,2,4,8,16,32).")
]
Least = Annotated[int, typer.Option("--requests", min=1, help="And at a rate at least so many requests.")]


def add_curves(group: typer.Typer) -> None:
    """Add the commands."""
    _add_search(group)
    _add_sweep(group)


def _add_search(group: typer.Typer) -> None:
    @command(group, formats=ALL_FORMATS)
    @with_load
    def search(
        common: Common,
        load: LoadOptions,
        select: Select = None,
        limit: Limit = None,
        url: Url = None,
        service: Service = None,
        port: Port = None,
        rate: Start = 1.0,
        duration: AtLeast = "30s",
        requests: Least = 300,
        html: Html = None,
    ) -> None:
        """Find the highest rate at which the SLOs hold: doubling, then halving the gap."""
        from edgectl.cli.running import one_server, show
        from edgectl.ops.bench.point import Curve, Server
        from edgectl.ops.bench.run import OnNodes
        from edgectl.ops.bench.searching import search as run_search
        from edgectl.ops.bench.workload import duration_s

        check_page(html)
        refuse_mixed(select, limit, url, service, port)
        if load.trace is not None:
            raise UsageError("bench search takes no --trace: the rate is what it looks for")
        workload = load.workload(Pace(rate=rate, requests=requests), url=url)
        if not workload.slo:
            raise UsageError("bench search needs to know what must hold", hint="--slo ttft=300ms,tpot=40ms")
        server = Server(url, OnNodes(select, limit, service, port), load.key())
        with one_server(common, url) as opened:
            curve = Curve(
                opened, "bench search", server, workload, duration_s(duration, "--duration"), requests
            )
            report = run_search(curve, rate, lambda line: show(common, [line]))
        write_page(report, html)
        common.finish(report)


def _add_sweep(group: typer.Typer) -> None:
    @command(group, formats=ALL_FORMATS)
    @with_load
    def sweep(
        common: Common,
        load: LoadOptions,
        select: Select = None,
        limit: Limit = None,
        url: Url = None,
        service: Service = None,
        port: Port = None,
        rates: Rates = None,
        streams: Streams = None,
        duration: AtLeast = "30s",
        requests: Least = 300,
        html: Html = None,
    ) -> None:
        """Measure one load after another: the curve of latency and throughput."""
        from edgectl.cli.running import one_server, show
        from edgectl.ops.bench.point import Curve, Server
        from edgectl.ops.bench.run import OnNodes
        from edgectl.ops.bench.sweep import loads_of
        from edgectl.ops.bench.sweep import sweep as run_sweep
        from edgectl.ops.bench.workload import duration_s

        check_page(html)
        refuse_mixed(select, limit, url, service, port)
        if load.trace is not None:
            raise UsageError("bench sweep takes no --trace: its loads are --rates or --streams")
        loads, unit = loads_of(rates, streams)
        pace = Pace(rate=None if rates is None else loads[0], requests=requests)
        workload = load.workload(pace, url=url)
        server = Server(url, OnNodes(select, limit, service, port), load.key())
        with one_server(common, url) as opened:
            curve = Curve(
                opened, "bench sweep", server, workload, duration_s(duration, "--duration"), requests
            )
            report = run_sweep(curve, loads, unit, lambda line: show(common, [line]))
        write_page(report, html)
        common.finish(report)
