"""The options of `bench`'s commands, declared once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from edgectl.errors import UsageError


class Arrivals(StrEnum):
    """How the requests of a rate arrive."""

    CONSTANT = "constant"
    POISSON = "poisson"
    GAMMA = "gamma"


class Profile(StrEnum):
    """A load with a name."""

    QUICK = "quick"


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
ProfileOption = Annotated[
    Profile | None, typer.Option("--profile", help="A load with a name: quick takes 30 s.")
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
Repeats = Annotated[int, typer.Option("--repeats", min=1, help="Measure so many times, by other prompts.")]


def refuse_mixed(
    select: str | None, limit: str | None, url: str | None, service: str | None, port: int | None
) -> None:
    """Raise `UsageError` where a URL and hosts are given, or two ways to say which server of a host."""
    if url is not None and (select, limit, service, port) != (None, None, None, None):
        raise UsageError("--url measures from here; SELECT, --limit, --service and --port are for the nodes")
    if service is not None and port is not None:
        raise UsageError("--service says which port; leave --port out")
