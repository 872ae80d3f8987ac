"""`bench compare` and `bench gate`: is a server slower than another, or than it was?"""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.bench_options import (
    Concurrency,
    Duration,
    Port,
    ProfileOption,
    Rate,
    Requests,
    Service,
    Url,
    refuse_mixed,
)
from edgectl.cli.load_options import LoadOptions, Pace, with_load
from edgectl.cli.options import ALL_FORMATS, Common, Limit, Select, command
from edgectl.cli.pages import Html, check_page, write_page
from edgectl.errors import UsageError

_SIDE = "A URL (measured now), a FILE (our report, vLLM's or guidellm's; several with commas), or a RUN."
Allow = Annotated[
    str,
    typer.Option("--allow", metavar="SHARES", help="How much worse is fine: 5%, or ttft.p50=5%,tokens=10%."),
]
Repeats = Annotated[int, typer.Option("--repeats", min=2, help="Measure each so many times.")]
AtMost = Annotated[
    int | None,
    typer.Option("--at-most", min=2, help="More repeats, up to so many, while it cannot be told."),
]
Baseline = Annotated[
    str,
    typer.Option(
        "--baseline",
        metavar="auto|FILE|RUN|URL|port:N",
        help="What to compare with: auto is the last bench run.",
    ),
]


def add_judging(group: typer.Typer) -> None:
    """Add the commands."""
    _add_compare(group)
    _add_gate(group)


def _add_compare(group: typer.Typer) -> None:
    @command(group, formats=ALL_FORMATS)
    @with_load
    def compare(
        common: Common,
        load: LoadOptions,
        before: Annotated[str, typer.Argument(metavar="A", help=_SIDE)],
        after: Annotated[str, typer.Argument(metavar="B", help="The same; it is judged by A.")],
        profile: ProfileOption = None,
        rate: Rate = None,
        concurrency: Concurrency = None,
        requests: Requests = None,
        duration: Duration = None,
        repeats: Repeats = 5,
        at_most: AtMost = None,
        allow: Allow = "5%",
        html: Html = None,
    ) -> None:
        """Tell whether B is slower than A: pass, fail, or not to be told; two URLs are measured in turns."""
        from edgectl.cli.running import local_services
        from edgectl.ops.bench.figures import parse_allowed
        from edgectl.ops.bench.judging import Manner, is_url
        from edgectl.ops.bench.judging import compare as run_compare

        check_page(html)
        if "auto" in (before, after):
            raise UsageError("'auto' is for bench gate", hint="edgectl bench gate --baseline auto")
        url = next((word for word in (before, after) if is_url(word)), None)
        workload = load.workload(Pace(rate, concurrency, requests, duration), url=url, profile=profile)
        manner = Manner(workload, parse_allowed(allow), repeats, at_most or repeats, load.key())
        with local_services(common) as here:
            report = run_compare(here, "bench compare", before, after, manner)
        write_page(report, html)
        common.finish(report)


def _add_gate(group: typer.Typer) -> None:
    @command(group, formats=ALL_FORMATS)
    @with_load
    def gate(
        common: Common,
        load: LoadOptions,
        select: Select = None,
        limit: Limit = None,
        url: Url = None,
        service: Service = None,
        port: Port = None,
        baseline: Baseline = "auto",
        profile: ProfileOption = None,
        rate: Rate = None,
        concurrency: Concurrency = None,
        requests: Requests = None,
        duration: Duration = None,
        repeats: Repeats = 5,
        at_most: AtMost = None,
        allow: Allow = "5%",
        html: Html = None,
    ) -> None:
        """Measure and judge by a baseline: exit 0 passed, 4 failed, 6 not to be told from these repeats."""
        from edgectl.cli.running import local_services, services
        from edgectl.ops.bench.figures import parse_allowed
        from edgectl.ops.bench.gate import gate_nodes
        from edgectl.ops.bench.judging import Manner, compare, is_url
        from edgectl.ops.bench.run import OnNodes

        check_page(html)
        refuse_mixed(select, limit, url, service, port)
        workload = load.workload(Pace(rate, concurrency, requests, duration), url=url, profile=profile)
        manner = Manner(workload, parse_allowed(allow), repeats, at_most or repeats, load.key())
        if url is not None:
            with local_services(common) as here:
                report = compare(here, "bench gate", baseline, url, manner)
        elif is_url(baseline):
            raise UsageError("a URL as the --baseline is measured from here: give the server as --url too")
        else:
            with services(common) as opened:
                report = gate_nodes(opened, OnNodes(select, limit, service, port), baseline, manner)
        write_page(report, html)
        common.finish(report)
