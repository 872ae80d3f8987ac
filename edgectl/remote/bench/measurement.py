"""One measurement from its load to the figures of the report."""

from __future__ import annotations

from typing import Any

from edgectl.remote.bench import metrics
from edgectl.remote.bench.curves import quantiles, queue
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.probe import model_name, word_count
from edgectl.remote.bench.validity import validity
from edgectl.remote.bench.workers import Measured, Plan, measure

# What the report says of the load, beside what it says of the server.
_SETTINGS = (
    "url", "rate", "concurrency", "requests", "duration_s", "prompt_tokens", "output_tokens", "arrivals",
    "seed", "warmup_requests", "timeout_s",
)  # fmt: skip


def measured(load: Load) -> tuple[Plan, Measured]:
    """Find out what the load needs, then make it. Raises `RequestFailed` where the server does not answer."""
    model = model_name(load)
    plan = Plan(load, model, word_count(load, model))
    return plan, measure(plan)


def bench(plan: Plan, seen: Measured) -> dict[str, Any]:
    """Return the object of the report (times in ms, durations in s); see `metrics.DEFINITIONS`."""
    good = [record for record in seen.records if not record.error]
    load = plan.load
    found = {
        **metrics.latencies(good),
        "requests": metrics.requests(seen.records),
        **metrics.throughput(seen.records, good, is_open=load.rate is not None),
        "tokens": metrics.tokens(good),
        "engine": metrics.engine(good),
        "queue": queue(good),
        "quantiles": quantiles(good),
        "validity": validity(seen.records, seen.cpu),
        "load": {**{name: getattr(load, name) for name in _SETTINGS}, "model": plan.model},
        "definitions": metrics.DEFINITIONS,
    }
    if load.slo:
        found["slo"] = metrics.slo(seen.records, {name: float(limit) for name, limit in load.slo.items()})
    return found
