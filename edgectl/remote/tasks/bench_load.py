"""Put load on an inference server and measure how it answers."""

from __future__ import annotations

import os
from typing import Any, Dict

from edgectl.remote.bench.failure import RequestFailed
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.measurement import report
from edgectl.remote.bench.workers import WorkerDied
from edgectl.remote.context import TaskContext
from edgectl.remote.result import TaskResult, failed, ok

REPEAT = "reads"
NEEDS = ("pynvml",)
# It changes nothing, but it must neither disturb a run that does nor be disturbed.
SHARES = True

Args = Load


def run(args: Load, context: TaskContext) -> TaskResult:
    """Measure; it failed where not one request was answered well."""
    if context.check:
        return ok("would have measured")
    absent = sorted(set(args.cores or ()) - os.sched_getaffinity(0))
    if absent:
        return failed(f"this host has no core {', '.join(map(str, absent))} for the client")
    try:
        found = report(args)
    except RequestFailed as failure:
        return failed(f"{args.url} cannot be measured: {failure.kind}: {failure.detail}")
    except WorkerDied as died:
        return failed(str(died))
    if not found["requests"]["ok"]:
        kinds = ", ".join(f"{kind} {count}" for kind, count in found["requests"]["errors"].items())
        return failed(f"not one of {found['requests']['sent']} requests was answered: {kinds}", bench=found)
    return ok(bench=found, said=_said(found))


def _said(found: Dict[str, Any]) -> str:
    """Return the measurement in a few words, for who watches several of them."""
    ttft_ms, served = found["ttft_ms"]["p50"], f"{found['requests_per_s']:.3g} req/s"
    return served if ttft_ms is None else f"TTFT {ttft_ms:.3g} ms, {served}"
