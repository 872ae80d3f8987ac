"""What load to make: the arguments of one measurement, checked together."""

from __future__ import annotations

import math
import os
from typing import Any, Literal

from edgectl.remote.args import arg
from edgectl.remote.bench.lengths import Lengths
from edgectl.remote.bench.target import target_of
from edgectl.remote.frozen import dataclass

# Beyond this the fixed costs of a measurement (starting workers, parsing) are certainly covered.
_MARGIN_S = 60.0
# What a limit may be set for.
SLO_METRICS = ("ttft_ms", "tpot_ms", "itl_ms", "icl_ms", "e2e_ms")
# A worker process has one interpreter lock; more processes than this serve no engine of one node.
_MOST_PROCESSES = 4
_CORES_PER_PROCESS = 4
_TRACE_FIELDS = 3


@dataclass(frozen=True)
class Load:
    """Open loop with `rate` or `trace`, closed loop with `concurrency`; bounded by `requests` or `duration_s`."""

    url: str = arg(doc="Base URL of the server, such as http://127.0.0.1:8000.")
    model: str | None = arg(None, doc="Name of the model; the first of /v1/models where none is given.")
    rate: float | None = arg(None, doc="Requests per second, sent whether or not earlier ones have ended.")
    concurrency: int | None = arg(None, doc="Requests in flight, each followed at once by the next.")
    requests: int | None = arg(None, doc="How many requests, or conversations, to measure.")
    duration_s: float | None = arg(None, doc="For how many seconds to start requests.")
    prompt_tokens: int = arg(512, doc="Length of each prompt, about, in tokens.")
    output_tokens: int = arg(128, doc="Tokens to ask for; the end of sequence is ignored.")
    arrivals: Literal["constant", "poisson", "gamma"] = arg("poisson", doc="How requests of a rate arrive.")
    burstiness: float = arg(0.5, doc="Shape of gamma arrivals: 1 is Poisson, less is burstier.")
    seed: int = arg(0, doc="Decides arrivals and prompts; the same seed gives the same load.")
    slo: dict | None = arg(None, doc="Limits that a good request meets, by metric: {ttft_ms: 300}.")  # type: ignore[type-arg]
    api_key: str | None = arg(None, doc="Sent as a bearer token.")
    warmup_requests: int = arg(2, doc="Requests sent before, and not counted.")
    timeout_s: float = arg(120.0, doc="A request that takes longer has failed.")
    processes: int | None = arg(None, doc="Worker processes; one for every four cores, at most four.")
    calibrate: bool = arg(True, doc="Ask twice before, to learn how many words make a token.")
    prompt_lengths: str | None = arg(None, doc="Distribution of prompt lengths, such as uniform:128-1024.")
    output_lengths: str | None = arg(None, doc="Distribution of answer lengths, such as lognormal:128,0.5.")
    prefix_tokens: int = arg(0, doc="How much of each prompt is shared with others.")
    prefixes: int = arg(1, doc="Among how many shared beginnings prompts choose.")
    turns: int = arg(1, doc="Turns of each conversation; every turn brings all that was said before it.")
    think_s: float = arg(0.0, doc="Seconds between an answer and the next turn.")
    prompts: list | None = arg(None, doc="Prompts: {turns: [text], messages: before them, output_tokens}.")  # type: ignore[type-arg]
    trace: list | None = arg(None, doc="Requests to replay: [seconds, prompt tokens, output tokens].")  # type: ignore[type-arg]
    max_in_flight: int | None = arg(None, doc="With a rate: further requests wait here, and that counts.")
    ramp_s: float = arg(0.0, doc="Seconds over which the load rises, not counted; with duration_s.")
    cooldown_s: float = arg(0.0, doc="For how many seconds the load goes on, not counted; with duration_s.")
    warmup_limit_s: float = arg(0.0, doc="Warm up until latencies are stable, for at most so long.")
    cores: list[int] | None = arg(None, doc="Cores for the worker processes, away from the engine's.")

    def __post_init__(self) -> None:
        """Refuse what cannot be meant together."""
        target_of(self.url)
        _check_pace(self)
        _check_numbers(self)
        _check_workload(self)
        unknown = sorted(set(self.slo or {}) - set(SLO_METRICS))
        if unknown:
            raise ValueError(f"'slo' has limits for {', '.join(SLO_METRICS)}, not for {', '.join(unknown)}")

    @property
    def is_open(self) -> bool:
        """Tell whether requests are sent whether or not earlier ones have ended."""
        return self.concurrency is None

    @property
    def span_s(self) -> float | None:
        """Return for how long requests are started, those included that are not counted."""
        return None if self.duration_s is None else self.ramp_s + self.duration_s + self.cooldown_s

    @property
    def worker_count(self) -> int:
        """Return how many processes make the load; no more than there are streams to share out."""
        cores = os.cpu_count() or 1
        wanted = self.processes or min(_MOST_PROCESSES, max(1, cores // _CORES_PER_PROCESS))
        streams = self.concurrency or self.max_in_flight or wanted
        return max(1, min(wanted, streams, self.requests or wanted))

    @property
    def limit_s(self) -> float:
        """Return how long the measured part may take before something is wrong."""
        each_s = self.turns * (self.timeout_s + self.think_s)
        if self.span_s is not None:
            return self.span_s + each_s + _MARGIN_S
        if self.trace:
            return float(self.trace[-1][0]) + each_s + _MARGIN_S
        requests = self.requests or 1
        if self.rate is not None and self.max_in_flight is None:
            # Random arrivals may take longer than their mean; twice is never reached by more than a few.
            return 2 * requests / self.rate + each_s + _MARGIN_S
        rounds = math.ceil(requests / (self.concurrency or self.max_in_flight or 1))
        return rounds * each_s + _MARGIN_S


def _check_pace(load: Load) -> None:
    if load.trace is not None and (load.rate, load.concurrency) != (None, None):
        raise ValueError("a 'trace' says itself when requests are due: leave 'rate' and 'concurrency' out")
    if load.trace is None and (load.rate is None) == (load.concurrency is None):
        raise ValueError("give either 'rate' or 'concurrency'")
    if load.requests is not None and load.duration_s is not None:
        raise ValueError("give either 'requests' or 'duration_s'")
    if load.requests is None and load.duration_s is None and load.trace is None:
        raise ValueError("give either 'requests' or 'duration_s'")
    if load.duration_s is None and (load.ramp_s or load.cooldown_s):
        raise ValueError("'ramp_s' and 'cooldown_s' are for a load with 'duration_s'")
    if load.max_in_flight is not None and load.concurrency is not None:
        raise ValueError("'max_in_flight' is for 'rate'; 'concurrency' is one itself")


def _check_numbers(load: Load) -> None:
    for name in ("rate", "concurrency", "requests", "duration_s", "timeout_s", "burstiness", "max_in_flight"):
        value = getattr(load, name)
        if value is not None and not (0 < value < math.inf):
            raise ValueError(f"'{name}' must be more than 0, not {value:g}")
    for name in ("prompt_tokens", "output_tokens", "prefixes", "turns"):
        if getattr(load, name) < 1:
            raise ValueError(f"'{name}' must be at least 1")
    for name in ("warmup_requests", "prefix_tokens", "think_s", "ramp_s", "cooldown_s", "warmup_limit_s"):
        if not (0 <= getattr(load, name) < math.inf):
            raise ValueError(f"'{name}' cannot be negative")


def _check_workload(load: Load) -> None:
    for lengths in (load.prompt_lengths, load.output_lengths):
        if lengths is not None:
            Lengths(lengths)
    if load.trace is not None and not _is_trace(load.trace):
        raise ValueError("'trace' wants entries [seconds, prompt tokens, output tokens] in order of time")
    if load.prompts is not None and not (load.prompts and all(map(_is_entry, load.prompts))):
        raise ValueError("'prompts' wants entries {turns: [text, …]}")
    if load.prompts and (load.prefix_tokens or load.prompt_lengths):
        raise ValueError("'prompts' are what they are: leave 'prefix_tokens' and 'prompt_lengths' out")


def _is_trace(trace: list[Any]) -> bool:
    if not trace or not all(isinstance(entry, list) and len(entry) == _TRACE_FIELDS for entry in trace):
        return False
    at_s = [entry[0] for entry in trace]
    return at_s[0] >= 0 and at_s == sorted(at_s) and all(min(entry[1:]) >= 1 for entry in trace)


def _is_entry(entry: Any) -> bool:
    turns = entry.get("turns") if isinstance(entry, dict) else None
    return isinstance(turns, list) and bool(turns) and all(isinstance(turn, str) for turn in turns)
