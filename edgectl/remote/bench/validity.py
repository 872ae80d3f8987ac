"""Whether the client, rather than the server, made the figures."""

from __future__ import annotations

from typing import Any, Sequence

from edgectl.remote.bench.percentiles import highest_known, summary
from edgectl.remote.bench.request import Record

_NS_PER_MS = 1_000_000
# A send this late is seen as latency that the server never had; aiperf's pacer allows itself the same 10 ms.
SEND_LAG_LIMIT_MS = 10.0
# A process this busy delays its own stamps: its threads wait for the interpreter, not for the network.
CPU_LIMIT = 0.8


def validity(records: Sequence[Record], cpu: Sequence[float]) -> dict[str, Any]:
    """Return the client's own error bar; `client_bound` means that the figures are not the server's.

    The lag is judged by the highest percentile that the sample bears.
    """
    lag = summary([(record.started_ns - record.scheduled_ns) / _NS_PER_MS for record in records])
    name, worst_ms = highest_known(lag)
    busiest = max(cpu, default=0.0)
    reasons = []
    if worst_ms > SEND_LAG_LIMIT_MS:
        reasons.append(f"send lag {name} {worst_ms:.1f} ms, limit {SEND_LAG_LIMIT_MS:g} ms")
    if busiest > CPU_LIMIT:
        reasons.append(f"a client process used {busiest:.0%} of a core, limit {CPU_LIMIT:.0%}")
    return {
        "client_bound": bool(reasons),
        "reasons": reasons,
        "send_lag_ms": lag,
        "client_cpu": round(busiest, 4),
        "processes": len(cpu),
        "limits": {"send_lag_ms": SEND_LAG_LIMIT_MS, "client_cpu": CPU_LIMIT},
    }
