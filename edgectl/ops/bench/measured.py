"""What a host measured, as types: the one place that reads the travelling code's object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LATENCIES = ("ttft_ms", "tpot_ms", "itl_ms", "icl_ms", "e2e_ms")


@dataclass(frozen=True, slots=True)
class Latency:
    """A metric in ms; None where the sample cannot bear the figure."""

    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Client:
    """The load generator's own error bar; `cpu` is a share of one core, `lag` in ms."""

    is_bound: bool
    reasons: Sequence[str]
    lag: Latency
    cpu: float
    loop_lag: Latency | None = None
    server_itl_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Energy:
    """What the host's GPUs drew over the window; None where it is not known. `throttled` are shares of the time."""

    joules_per_token: float | None
    power_w: float | None
    throttled: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement; `where` is a host or a URL, `whole` the object that reports carry."""

    where: str
    pop: str
    latencies: Mapping[str, Latency]
    histograms: Mapping[str, Sequence[int]]
    sent: int
    ok: int
    errors: Mapping[str, int]
    examples: Mapping[str, str]
    requests_per_s: float
    offered_per_s: float | None
    output_tokens_per_s: float
    duration_s: float
    estimated: int
    slo_limits: Mapping[str, float]
    slo_met: int
    client: Client
    definitions: Mapping[str, str]
    model: str
    seed: int
    whole: Mapping[str, Any]
    lengths: Mapping[str, Latency]
    energy: Energy | None = None


def read_measured(where: str, pop: str, bench: Mapping[str, Any]) -> Measured:
    """Read the object of `bench_load`."""
    slo = bench.get("slo") or {"limits": {}, "met": 0}
    client = bench["validity"]
    return Measured(
        where=where,
        pop=pop,
        latencies={name: Latency(**bench[name]) for name in LATENCIES},
        histograms={name: drawn["counts"] for name, drawn in bench["histograms"].items()},
        sent=bench["requests"]["sent"],
        ok=bench["requests"]["ok"],
        errors=bench["requests"]["errors"],
        examples=bench["requests"]["examples"],
        requests_per_s=bench["requests_per_s"],
        offered_per_s=bench["offered_per_s"],
        output_tokens_per_s=bench["output_tokens_per_s"],
        duration_s=bench["duration_s"],
        estimated=bench["tokens"]["estimated"],
        slo_limits=slo["limits"],
        slo_met=slo["met"],
        client=Client(
            is_bound=client["client_bound"],
            reasons=client["reasons"],
            lag=Latency(**client["send_lag_ms"]),
            cpu=client["client_cpu"],
            loop_lag=Latency(**client["loop_lag_ms"]) if client.get("loop_lag_ms", {}).get("n") else None,
            server_itl_ms=_witness(client.get("server")),
        ),
        definitions=bench["definitions"],
        model=bench["load"]["model"],
        seed=bench["load"]["seed"],
        whole=bench,
        lengths={name: Latency(**bench["tokens"][name]) for name in ("prompt", "output")},
        energy=_energy(bench.get("power")),
    )


def _witness(server: Mapping[str, Any] | None) -> float | None:
    """Return the server's own ITL, where it counted the same requests as we did."""
    if server is None or server["other_traffic"]:
        return None
    itl_ms: float | None = server["itl_ms"]
    return itl_ms


def _energy(power: Mapping[str, Any] | None) -> Energy | None:
    if power is None or "gpus" not in power:
        return None
    watts = [gpu["power_w"]["mean"] for gpu in power["gpus"] if gpu["power_w"] is not None]
    throttled: dict[str, float] = {}
    for gpu in power["gpus"]:
        for reason, share in gpu["throttled"].items():
            throttled[reason] = max(share, throttled.get(reason, 0.0))
    return Energy(power["joules_per_token"], sum(watts) if watts else None, throttled)
