"""The options of `bench run` that shape its load: what requests say, when they come, and what does not count."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgectl.errors import UsageError

_LENGTHS = "uniform:128-1024, normal:512,128, lognormal:512,0.5 or weights:256=3,1024=1."
PromptLengths = Annotated[
    str | None,
    typer.Option("--prompt-lengths", metavar="DIST", help=f"Lengths of prompts: {_LENGTHS}"),
]
OutputLengths = Annotated[
    str | None,
    typer.Option("--output-lengths", metavar="DIST", help="Tokens to ask for, the same."),
]
PrefixTokens = Annotated[
    int,
    typer.Option("--prefix-tokens", min=0, help="How much of a prompt is shared."),
]
Prefixes = Annotated[int, typer.Option("--prefixes", min=1, help="How many shared beginnings.")]
Turns = Annotated[int, typer.Option("--turns", min=1, help="Turns of each conversation.")]
Think = Annotated[str | None, typer.Option("--think", metavar="TIME", help="Between two turns.")]
Prompts = Annotated[
    Path | None,
    typer.Option("--prompts", metavar="FILE", help="Prompts: JSONL, or ShareGPT's form."),
]
Trace = Annotated[
    Path | None,
    typer.Option(
        "--trace",
        metavar="FILE",
        help="Replay: timestamps and lengths, JSONL or CSV.",
    ),
]
Burstiness = Annotated[
    float,
    typer.Option("--burstiness", help="Of gamma arrivals: 1 is Poisson, less is burstier."),
]
MaxInFlight = Annotated[
    int | None,
    typer.Option("--max-in-flight", min=1, help="With --rate: more wait here, and that counts."),
]
Ramp = Annotated[
    str | None,
    typer.Option("--ramp", metavar="TIME", help="The load rises, not counted."),
]
CoolDown = Annotated[
    str | None,
    typer.Option("--cooldown", metavar="TIME", help="It goes on, not counted."),
]
WarmUpLimit = Annotated[
    str | None,
    typer.Option(
        "--warmup-limit",
        metavar="TIME",
        help="Warm up until stable, at most so long.",
    ),
]
Cores = Annotated[
    str | None,
    typer.Option("--cores", metavar="LIST", help="Cores of the client, such as 0-3,8."),
]


def seconds_or_0(text: str | None, option: str) -> float:
    """Return a duration that may be left out, in seconds. Raises `UsageError`."""
    from edgectl.ops.bench.workload import duration_s

    return 0.0 if text is None else duration_s(text, option)


def prompts_of(path: Path | None) -> list[dict[str, Any]] | None:
    """Return the prompts of a file. Raises `InputError`."""
    from edgectl.ops.bench.inputs import read_prompts

    return None if path is None else read_prompts(path)


def trace_of(path: Path | None) -> list[list[float]] | None:
    """Return the trace of a file. Raises `InputError`."""
    from edgectl.ops.bench.inputs import read_trace

    return None if path is None else read_trace(path)


def cores_of(text: str | None) -> list[int] | None:
    """Parse `0-3,8`. Raises `UsageError`."""
    if text is None:
        return None
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UsageError(f"--cores wants numbers and ranges such as 0-3,8, not {text!r}")
        found += range(int(first), int(last or first) + 1)
    return found
