"""`bench`: measure inference, on the nodes or from here."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from edgectl.cli.bench_workload import (
    Burstiness,
    CoolDown,
    Cores,
    MaxInFlight,
    OutputLengths,
    Prefixes,
    PrefixTokens,
    PromptLengths,
    Prompts,
    Ramp,
    Think,
    Trace,
    Turns,
    WarmUpLimit,
    cores_of,
    prompts_of,
    seconds_or_0,
    trace_of,
)
from edgectl.cli.options import ALL_FORMATS, Common, Limit, Select, command
from edgectl.cli.quick import QuickGroup
from edgectl.errors import UsageError


class Arrivals(StrEnum):
    """How the requests of a rate arrive."""

    CONSTANT = "constant"
    POISSON = "poisson"
    GAMMA = "gamma"


Url = Annotated[str | None, typer.Option("--url", metavar="URL", help="Measure this server, from here.")]
Service = Annotated[str | None, typer.Option("--service", metavar="NAME", help="Measure this service.")]
Port = Annotated[
    int | None, typer.Option("--port", min=1, max=65535, help="Measure what listens there (8000).")
]
Model = Annotated[str | None, typer.Option("--model", help="The model's name (default: the server's first).")]
ApiKey = Annotated[
    str | None,
    typer.Option("--api-key", metavar="PROVIDER", help="Where the key is: env:NAME, file:PATH, command:…"),
]
Rate = Annotated[float | None, typer.Option("--rate", help="Requests per second, whatever the server does.")]
Concurrency = Annotated[int | None, typer.Option("--concurrency", min=1, help="Requests in flight (1).")]
Requests = Annotated[int | None, typer.Option("--requests", min=1, help="How many requests to measure.")]
Duration = Annotated[
    str | None, typer.Option("--duration", metavar="TIME", help="For how long: 60s, 5m (30s).")
]
PromptTokens = Annotated[int, typer.Option("--prompt-tokens", min=1, help="Length of a prompt, about.")]
OutputTokens = Annotated[int, typer.Option("--output-tokens", min=1, help="Tokens to ask for.")]
ArrivalsOption = Annotated[
    Arrivals | None, typer.Option("--arrivals", help="With --rate: how requests arrive (poisson).")
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Same seed, same prompts and arrivals (default: a new one).")
]
Slo = Annotated[
    str, typer.Option("--slo", metavar="LIMITS", help="ttft=300ms,tpot=40ms; also itl, icl, e2e.")
]
WarmUp = Annotated[int, typer.Option("--warmup", min=0, help="Requests before, not counted.")]
Timeout = Annotated[str, typer.Option("--timeout", metavar="TIME", help="A slower request has failed.")]
Processes = Annotated[
    int | None, typer.Option("--processes", min=1, help="Client processes (one per four cores, at most 4).")
]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="Measure inference, on the nodes or from here.", no_args_is_help=True, cls=QuickGroup
    )
    app.add_typer(group, name="bench")

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
        prompt_lengths: PromptLengths = None,
        output_lengths: OutputLengths = None,
        prefix_tokens: PrefixTokens = 0,
        prefixes: Prefixes = 1,
        turns: Turns = 1,
        think: Think = None,
        prompts: Prompts = None,
        trace: Trace = None,
        burstiness: Burstiness = 0.5,
        max_in_flight: MaxInFlight = None,
        ramp: Ramp = None,
        cooldown: CoolDown = None,
        warmup_limit: WarmUpLimit = None,
        cores: Cores = None,
    ) -> None:
        """Measure TTFT, ITL, TPOT and throughput: at each host its own server, or one URL from here."""
        import secrets

        from edgectl.cli.running import local_services, services
        from edgectl.ops.bench.run import OnNodes, bench_nodes, bench_url
        from edgectl.ops.bench.workload import Workload, checked, duration_s, parse_provider, parse_slo

        _refuse_mixed(select, limit, url, service, port)
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
                prompt_lengths=prompt_lengths,
                output_lengths=output_lengths,
                prefix_tokens=prefix_tokens,
                prefixes=prefixes,
                turns=turns,
                think_s=seconds_or_0(think, "--think"),
                prompts=prompts_of(prompts),
                trace=trace_of(trace),
                burstiness=burstiness,
                max_in_flight=max_in_flight,
                ramp_s=seconds_or_0(ramp, "--ramp"),
                cooldown_s=seconds_or_0(cooldown, "--cooldown"),
                warmup_limit_s=seconds_or_0(warmup_limit, "--warmup-limit"),
                cores=cores_of(cores),
            ),
            url,
        )
        key = None if api_key is None else parse_provider(api_key)
        if url is not None:
            with local_services(common) as here:
                report = bench_url(here, url, workload, key)
        else:
            with services(common) as opened:
                report = bench_nodes(opened, OnNodes(select, limit, service, port), workload, key)
        common.finish(report)


def _refuse_mixed(
    select: str | None, limit: str | None, url: str | None, service: str | None, port: int | None
) -> None:
    if url is not None and (select, limit, service, port) != (None, None, None, None):
        raise UsageError("--url measures from here; SELECT, --limit, --service and --port are for the nodes")
    if service is not None and port is not None:
        raise UsageError("--service says which port; leave --port out")
