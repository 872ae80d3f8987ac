"""One measurement from its load to the figures of the report."""

from __future__ import annotations

from typing import Any

from edgectl.remote.bench import metrics
from edgectl.remote.bench.curves import quantiles, queue
from edgectl.remote.bench.environment import digest as content_digest
from edgectl.remote.bench.environment import environment
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.plan import Plan
from edgectl.remote.bench.probe import model_name, word_count
from edgectl.remote.bench.schedule import digest
from edgectl.remote.bench.validity import validity
from edgectl.remote.bench.workers import Measured, measure

# What the report says of the load, beside what it says of the server.
_SETTINGS = (
    "url", "rate", "concurrency", "requests", "duration_s", "prompt_tokens", "output_tokens", "arrivals",
    "seed", "warmup_requests", "timeout_s", "burstiness", "prompt_lengths", "output_lengths", "prefix_tokens",
    "prefixes", "turns", "think_s", "max_in_flight", "ramp_s", "cooldown_s", "warmup_limit_s", "cores",
)  # fmt: skip
# A report is read whole; a longer schedule is told by its digest, and made again from its seed.
_OFFSETS_LIMIT = 20_000


def measured(load: Load) -> tuple[Plan, Measured]:
    """Find out what the load needs, then make it. Raises `RequestFailed` where the server does not answer."""
    model = model_name(load)
    plan = Plan(load, model, word_count(load, model))
    return plan, measure(plan)


def report(load: Load) -> dict[str, Any]:
    """Measure, and look at what was measured; return the object of the report. Raises `RequestFailed`."""
    plan, seen = measured(load)
    return {**bench(plan, seen), "environment": environment(load, plan.model, seen.power)}


def bench(plan: Plan, seen: Measured) -> dict[str, Any]:
    """Return the object of the report (times in ms, durations in s); see `metrics.DEFINITIONS`."""
    good = [record for record in seen.records if not record.error]
    load = plan.load
    found = {
        **metrics.latencies(good),
        "requests": metrics.requests(seen.records),
        "discarded": len(seen.discarded),
        **metrics.throughput(seen, load),
        "warmup": seen.warmups,
        "tokens": metrics.tokens(good),
        "engine": metrics.engine(good),
        "queue": queue(good),
        "quantiles": quantiles(good),
        "validity": validity(seen),
        "schedule": schedule(seen),
        "power": power(seen),
        "load": {
            **{name: getattr(load, name) for name in _SETTINGS},
            "model": plan.model,
            "prompts": len(load.prompts or ()),
            "trace": len(load.trace or ()),
            "given_sha256": content_digest([load.prompts, load.trace])
            if load.prompts or load.trace
            else None,
        },
        "definitions": metrics.DEFINITIONS,
    }
    if load.slo:
        limits = {name: float(limit) for name, limit in load.slo.items()}
        found["slo"] = metrics.slo(seen.records, limits, found["duration_s"])
    return found


def schedule(seen: Measured) -> dict[str, Any] | None:
    """Return when the requests of an open loop were due, in µs from the start."""
    offsets_ns = seen.offsets_ns
    if not offsets_ns:
        return None
    is_told = len(offsets_ns) <= _OFFSETS_LIMIT
    offsets_us = [offset_ns // 1000 for offset_ns in offsets_ns] if is_told else None
    return {"sha256": digest(offsets_ns), "n": len(offsets_ns), "offsets_us": offsets_us}


def power(seen: Measured) -> dict[str, Any] | None:
    """Return the GPUs over the window, and what a token took."""
    if seen.power is None:
        return None
    good = [record for record in [*seen.records, *seen.discarded] if not record.error]
    tokens = sum(map(metrics.output_tokens, good))
    joules = seen.power.get("energy_j")
    per_token = round(joules / tokens, 4) if joules is not None and tokens else None
    return {**seen.power, "joules_per_token": per_token}
