"""`bench`: measure inference, on the nodes or from here."""

from __future__ import annotations

import typer

from edgectl.cli.bench_curves import add_curves
from edgectl.cli.bench_judging import add_judging
from edgectl.cli.bench_options import (
    Concurrency,
    Duration,
    Port,
    ProfileOption,
    Rate,
    Repeats,
    Requests,
    Service,
    Url,
    refuse_mixed,
)
from edgectl.cli.bench_record import add_record
from edgectl.cli.load_options import LoadOptions, Pace, with_load
from edgectl.cli.options import ALL_FORMATS, Common, Limit, Select, command
from edgectl.cli.pages import Html, check_page, write_page
from edgectl.cli.quick import QuickGroup


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="Measure inference, on the nodes or from here.", no_args_is_help=True, cls=QuickGroup
    )
    app.add_typer(group, name="bench")
    _add_run(group)
    add_curves(group)
    add_judging(group)
    add_record(group)


def _add_run(group: typer.Typer) -> None:
    @command(group, formats=ALL_FORMATS)
    @with_load
    def run(
        common: Common,
        load: LoadOptions,
        select: Select = None,
        limit: Limit = None,
        url: Url = None,
        service: Service = None,
        port: Port = None,
        profile: ProfileOption = None,
        rate: Rate = None,
        concurrency: Concurrency = None,
        requests: Requests = None,
        duration: Duration = None,
        repeats: Repeats = 1,
        html: Html = None,
    ) -> None:
        """Measure TTFT, ITL, TPOT and throughput: at each host its own server, or one URL from here."""
        from edgectl.cli.running import one_server
        from edgectl.ops.bench.run import OnNodes, bench_nodes, bench_url

        check_page(html)
        refuse_mixed(select, limit, url, service, port)
        pace = Pace(rate, concurrency, requests, duration)
        workload = load.workload(pace, url=url, profile=profile)
        with one_server(common, url) as opened:
            if url is not None:
                report = bench_url(opened, url, workload, load.key(), repeats)
            else:
                nodes = OnNodes(select, limit, service, port)
                report = bench_nodes(opened, nodes, workload, load.key(), repeats)
        write_page(report, html)
        common.finish(report)
