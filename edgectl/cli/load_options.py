"""The options that say what is asked of a server, declared once for the commands that put a load on one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from edgectl.cli.bench_options import (
    ApiKey,
    Arrivals,
    ArrivalsOption,
    Model,
    OutputTokens,
    Processes,
    Profile,
    PromptTokens,
    Seed,
    Slo,
    Timeout,
    WarmUp,
)
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
from edgectl.errors import UsageError

if TYPE_CHECKING:
    from edgectl.ops.bench.workload import Workload


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and how many, as it was typed."""

    rate: float | None = None
    concurrency: int | None = None
    requests: int | None = None
    duration: str | None = None


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What each request is like; how many there are, and how fast, is the command's own."""

    model: Model = None
    api_key: ApiKey = None
    prompt_tokens: PromptTokens = 512
    output_tokens: OutputTokens = 128
    arrivals: ArrivalsOption = None
    seed: Seed = None
    slo: Slo = ""
    warmup: WarmUp = 2
    timeout: Timeout = "120s"
    processes: Processes = None
    prompt_lengths: PromptLengths = None
    output_lengths: OutputLengths = None
    prefix_tokens: PrefixTokens = 0
    prefixes: Prefixes = 1
    turns: Turns = 1
    think: Think = None
    prompts: Prompts = None
    trace: Trace = None
    burstiness: Burstiness = 0.5
    max_in_flight: MaxInFlight = None
    ramp: Ramp = None
    cooldown: CoolDown = None
    warmup_limit: WarmUpLimit = None
    cores: Cores = None

    def workload(self, pace: Pace, *, url: str | None = None, profile: Profile | None = None) -> Workload:
        """Return the load, with its defaults. Raises `UsageError`."""
        import secrets

        from edgectl.ops.bench.profiles import quick
        from edgectl.ops.bench.workload import Workload, checked, duration_s, parse_slo

        if self.arrivals is not None and pace.rate is None:
            raise UsageError(
                "--arrivals is for --rate: with --concurrency each answer brings the next request"
            )
        asked = Workload(
            rate=pace.rate,
            concurrency=pace.concurrency,
            requests=pace.requests,
            duration_s=None if pace.duration is None else duration_s(pace.duration, "--duration"),
            prompt_tokens=self.prompt_tokens,
            output_tokens=self.output_tokens,
            arrivals=(self.arrivals or Arrivals.POISSON).value,
            # Repeats and points count on from it.
            seed=secrets.randbelow(1 << 30) if self.seed is None else self.seed,
            slo=parse_slo(self.slo),
            model=self.model,
            warmup_requests=self.warmup,
            timeout_s=duration_s(self.timeout, "--timeout"),
            processes=self.processes,
            prompt_lengths=self.prompt_lengths,
            output_lengths=self.output_lengths,
            prefix_tokens=self.prefix_tokens,
            prefixes=self.prefixes,
            turns=self.turns,
            think_s=seconds_or_0(self.think, "--think"),
            prompts=prompts_of(self.prompts),
            trace=trace_of(self.trace),
            burstiness=self.burstiness,
            max_in_flight=self.max_in_flight,
            ramp_s=seconds_or_0(self.ramp, "--ramp"),
            cooldown_s=seconds_or_0(self.cooldown, "--cooldown"),
            warmup_limit_s=seconds_or_0(self.warmup_limit, "--warmup-limit"),
            cores=cores_of(self.cores),
        )
        return checked(asked if profile is None else quick(asked), url)

    def key(self) -> dict[str, str] | None:
        """Return where the server's key is kept. Raises `UsageError`."""
        from edgectl.ops.bench.workload import parse_provider

        return None if self.api_key is None else parse_provider(self.api_key)


def with_load(function: Callable[..., None]) -> Callable[..., None]:
    """Return `function(common, load, …)` with the load's options in the place of `load`."""
    common, load, *own = inspect.signature(function, eval_str=True).parameters.values()
    options = list(inspect.signature(LoadOptions, eval_str=True).parameters.values())

    @functools.wraps(function)
    def wrapper(common: Any, **given: Any) -> None:
        chosen = LoadOptions(**{field.name: given.pop(field.name) for field in fields(LoadOptions)})
        function(common, chosen, **given)

    by_name = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*own, *options)]
    wrapper.__signature__ = inspect.Signature([common, *by_name])  # type: ignore[attr-defined]  # what inspect reads
    del load
    return wrapper
