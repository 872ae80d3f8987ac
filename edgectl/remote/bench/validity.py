"""Whether the client, rather than the server, made the figures."""

from __future__ import annotations

from typing import Any

from edgectl.remote.bench import server
from edgectl.remote.bench.percentiles import highest_known, summary
from edgectl.remote.bench.workers import Measured

_NS_PER_MS = 1_000_000
# A send this late is seen as latency that the server never had; aiperf's pacer allows itself the same 10 ms.
SEND_LAG_LIMIT_MS = 10.0
# A chunk that waits this long for the loop is stamped as much too late.
LOOP_LAG_LIMIT_MS = 10.0
# A process this busy delays its own stamps.
CPU_LIMIT = 0.8
# A process that is ready and does not get its core for this share of the time is starved by others.
WAIT_LIMIT = 0.2
# The mean of ours against the server's own counters over the same requests; less than 0.1 ms is their rounding.
DEPARTURE_LIMIT = 0.05
_DEPARTURE_FLOOR_MS = 0.1


def validity(seen: Measured) -> dict[str, Any]:
    """Return the client's own error bar; `client_bound` means that the figures are not the server's.

    A lag is judged by the highest percentile that the sample bears.
    """
    send_lag = summary([record.lag_ns / _NS_PER_MS for record in seen.records])
    loop_lag = summary(seen.lags_ms)
    cpu, waits = max(seen.cpu, default=0.0), max(seen.waits, default=0.0)
    window = server.window(seen.before, seen.after, [*seen.records, *seen.discarded])
    reasons = [
        *_late("send lag", send_lag, SEND_LAG_LIMIT_MS),
        *_late("loop lag", loop_lag, LOOP_LAG_LIMIT_MS),
        *([f"a client process used {cpu:.0%} of a core, limit {CPU_LIMIT:.0%}"] if cpu > CPU_LIMIT else []),
        *([f"a client process waited {waits:.0%} of the time for its core, limit {WAIT_LIMIT:.0%}"]
          if waits > WAIT_LIMIT else []),
        *_departed(window),
    ]  # fmt: skip
    return {
        "client_bound": bool(reasons),
        "reasons": reasons,
        "send_lag_ms": send_lag,
        "loop_lag_ms": loop_lag,
        "client_cpu": round(cpu, 4),
        "client_waits": round(waits, 4),
        "server": server.told(window),
        "read_early": seen.read_early,
        "processes": len(seen.cpu),
        "limits": {
            "send_lag_ms": SEND_LAG_LIMIT_MS,
            "loop_lag_ms": LOOP_LAG_LIMIT_MS,
            "client_cpu": CPU_LIMIT,
            "client_waits": WAIT_LIMIT,
            "server_departure": DEPARTURE_LIMIT,
        },
    }


def _late(what: str, lag: dict[str, float | int | None], limit_ms: float) -> list[str]:
    name, worst_ms = highest_known(lag)
    return [f"{what} {name} {worst_ms:.1f} ms, limit {limit_ms:g} ms"] if worst_ms > limit_ms else []


def _departed(window: server.Window | None) -> list[str]:
    if window is None or window.departure is None or not window.server_itl_ms or window.client_itl_ms is None:
        return []
    away_ms = abs(window.client_itl_ms - window.server_itl_ms)
    if abs(window.departure) <= DEPARTURE_LIMIT or away_ms <= _DEPARTURE_FLOOR_MS:
        return []
    ours, theirs = window.client_itl_ms, window.server_itl_ms
    said = f"ITL {ours:.2f} ms, {window.departure:+.0%} from the server's own {theirs:.2f} ms"
    return [f"{said}, limit {DEPARTURE_LIMIT:.0%}"]
