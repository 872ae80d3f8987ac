"""What an operator asks to be measured, checked before anything is contacted. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from edgectl.errors import UsageError
from edgectl.playbook.schema import seconds
from edgectl.remote.args import ArgumentError, build
from edgectl.remote.bench.load import Load

DEFAULT_CONCURRENCY = 1
DEFAULT_DURATION_S = 30.0
_SLO_METRICS = ("ttft", "tpot", "itl", "icl", "e2e")
_PREFIX = "bench_"
_ANY_URL = "http://127.0.0.1"


@dataclass(frozen=True, slots=True)
class Workload:
    """The load, and what is asked of each answer; `slo` maps `ttft_ms` and so on to limits in ms."""

    rate: float | None = None
    concurrency: int | None = None
    requests: int | None = None
    duration_s: float | None = None
    prompt_tokens: int = 512
    output_tokens: int = 128
    arrivals: str = "poisson"
    seed: int = 0
    slo: Mapping[str, float] = field(default_factory=dict)
    model: str | None = None
    warmup_requests: int = 2
    timeout_s: float = 120.0
    processes: int | None = None
    burstiness: float = 0.5
    prompt_lengths: str | None = None
    output_lengths: str | None = None
    prefix_tokens: int = 0
    prefixes: int = 1
    turns: int = 1
    think_s: float = 0.0
    prompts: Sequence[Mapping[str, Any]] | None = None
    trace: Sequence[Sequence[float]] | None = None
    max_in_flight: int | None = None
    ramp_s: float = 0.0
    cooldown_s: float = 0.0
    warmup_limit_s: float = 0.0
    cores: Sequence[int] | None = None

    def variables(self) -> dict[str, Any]:
        """Return what the playbook calls them."""
        said = {**asdict(self), "slo": dict(self.slo) or None}
        return {_PREFIX + name: value for name, value in said.items()}

    def arguments(self) -> dict[str, Any]:
        """Return what is put on record of it: what was given, and of long files how many entries they had."""
        said = {name: value for name, value in self.variables().items() if value is not None}
        counts = {_PREFIX + name: len(entries) for name, entries in self._files() if entries is not None}
        return {**said, **counts}

    def _files(self) -> Sequence[tuple[str, Sequence[Any] | None]]:
        return (("prompts", self.prompts), ("trace", self.trace))


def checked(workload: Workload, url: str | None = None) -> Workload:
    """Return the workload with its defaults. Raises `UsageError` where it or the URL cannot be meant.

    The defaults are a closed loop of one request at a time, for 30 seconds.
    """
    fields = asdict(workload)
    if workload.rate is not None and workload.concurrency is not None:
        raise UsageError("--rate and --concurrency exclude each other: one paces requests, the other streams")
    if workload.requests is not None and workload.duration_s is not None:
        raise UsageError("--requests and --duration exclude each other")
    if workload.rate is None and workload.concurrency is None and workload.trace is None:
        fields["concurrency"] = DEFAULT_CONCURRENCY
    if workload.requests is None and workload.duration_s is None and workload.trace is None:
        fields["duration_s"] = DEFAULT_DURATION_S
    try:
        build(Load, {"url": url or _ANY_URL, **fields})
    except ArgumentError as error:
        raise UsageError(str(error)) from None
    return Workload(**fields)


def parse_slo(text: str) -> dict[str, float]:
    """Parse `ttft=300ms,tpot=40ms` into limits in ms. Raises `UsageError`."""
    limits: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, limit = (word.strip() for word in part.partition("="))
        if not equals or name not in _SLO_METRICS:
            known = ", ".join(_SLO_METRICS)
            raise UsageError(f"--slo '{part}': one of {known} is wanted, such as ttft=300ms")
        if f"{name}_ms" in limits:
            raise UsageError(f"--slo says '{name}' twice")
        limits[f"{name}_ms"] = round(duration_s(limit, f"--slo {name}") * 1000, 6)
    return limits


def duration_s(text: str, option: str) -> float:
    """Parse `60s`, `5m` or `300ms` into seconds. Raises `UsageError` that names the option."""
    try:
        parsed = seconds(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None
    if parsed <= 0:
        raise UsageError(f"{option}: more than 0 is wanted, not {text}")
    return parsed


def parse_provider(text: str) -> dict[str, str]:
    """Parse where a secret comes from: `env:NAME`, `file:PATH` or `command:WORDS`. Raises `UsageError`."""
    kind, colon, source = text.partition(":")
    if not colon or not source or kind not in ("env", "file", "command"):
        raise UsageError(
            "--api-key wants where the key is kept, not the key itself: env:NAME, file:PATH or command:WORDS"
        )
    return {kind: source}
