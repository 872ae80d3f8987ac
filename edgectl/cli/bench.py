"""`bench`: measure inference, on the nodes or from here."""

from __future__ import annotations

import typer

from edgectl.cli.bench_curves import add_curves
from edgectl.cli.bench_judging import add_judging
from edgectl.cli.bench_options import (
    ApiKey,
    Arrivals,
    ArrivalsOption,
    Concurrency,
    Duration,
    Model,
    OutputTokens,
    Port,
    Processes,
    PromptTokens,
    Rate,
    Repeats,
    Requests,
    Seed,
    Service,
    Slo,
    Timeout,
    Url,
    WarmUp,
    refuse_mixed,
)
from edgectl.cli.options import ALL_FORMATS, Common, Limit, Select, command
from edgectl.cli.quick import QuickGroup
from edgectl.errors import UsageError


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="Measure inference, on the nodes or from here.", no_args_is_help=True, cls=QuickGroup
    )
    app.add_typer(group, name="bench")
    _add_run(group)
    add_curves(group)
    add_judging(group)


def _add_run(group: typer.Typer) -> None:
    @command(group, formats=ALL_FORMATS)
    def run(
        common: Common,
        select: Select = None,
        limit: Limit = None,
        url: Url = None,
        service: Service = None,
        port: Port = None,
        model: Model = None,
        api_key: ApiKey = None,
        rate: Rate = None,
        concurrency: Concurrency = None,
        requests: Requests = None,
        duration: Duration = None,
        prompt_tokens: PromptTokens = 512,
        output_tokens: OutputTokens = 128,
        arrivals: ArrivalsOption = None,
        seed: Seed = None,
        slo: Slo = "",
        warmup: WarmUp = 2,
        timeout: Timeout = "120s",
        processes: Processes = None,
        repeats: Repeats = 1,
    ) -> None:
        """Measure TTFT, ITL, TPOT and throughput: at each host its own server, or one URL from here."""
        import secrets

        from edgectl.cli.running import local_services, services
        from edgectl.ops.bench.run import OnNodes, bench_nodes, bench_url
        from edgectl.ops.bench.workload import Workload, checked, duration_s, parse_provider, parse_slo

        refuse_mixed(select, limit, url, service, port)
        if arrivals is not None and rate is None:
            raise UsageError(
                "--arrivals is for --rate: with --concurrency each answer brings the next request"
            )
        workload = checked(
            Workload(
                rate=rate,
                concurrency=concurrency,
                requests=requests,
                duration_s=None if duration is None else duration_s(duration, "--duration"),
                prompt_tokens=prompt_tokens,
                output_tokens=output_tokens,
                arrivals=(arrivals or Arrivals.POISSON).value,
                seed=secrets.randbelow(1 << 31) if seed is None else seed,
                slo=parse_slo(slo),
                model=model,
                warmup_requests=warmup,
                timeout_s=duration_s(timeout, "--timeout"),
                processes=processes,
            ),
            url,
        )
        key = None if api_key is None else parse_provider(api_key)
        if url is not None:
            with local_services(common) as here:
                report = bench_url(here, url, workload, key, repeats)
        else:
            with services(common) as opened:
                report = bench_nodes(opened, OnNodes(select, limit, service, port), workload, key, repeats)
        common.finish(report)
