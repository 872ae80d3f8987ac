"""The census as samples for Prometheus; labels are hosts and PoPs of the inventory, and standings. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from edgectl.ops.ping.census import UP, Stand, Standing, by_standing
from edgectl.report import Metric

_SAID = {
    "edgectl_ping_seconds": "Time to log in and run an empty job.",
    "edgectl_ping_rtt_seconds": "Round trip to the host as the kernel measured it in TCP's handshake.",
    "edgectl_ping_connect_seconds": "Time until the TCP connection stood, through a bastion the whole way.",
    "edgectl_ping_login_seconds": "Time from the connection to the login.",
}


def census_metrics(stands: Sequence[Stand]) -> list[Metric]:
    """Return whether each host answers, how fast, and how many stand how; times only of those that answer."""
    asked = [stand for stand in stands if stand.standing is not Standing.NOT_ASKED]
    said = "1 where the host let us in and answered."
    up = [Metric("edgectl_ping_up", said, float(stand.standing in UP), _labels(stand)) for stand in asked]
    times = [
        Metric(name, _SAID[name], value, _labels(stand))
        for stand in asked
        if stand.standing in UP
        for name, value in _times(stand).items()
        if value is not None
    ]
    counted = [
        Metric("edgectl_ping_hosts", "Hosts by how they stand.", len(of_it), {"standing": standing.value})
        for standing, of_it in by_standing(stands).items()
    ]
    return [*up, *times, *counted]


def _times(stand: Stand) -> dict[str, float | None]:
    look = stand.look
    if look is None:
        return {}
    return {
        "edgectl_ping_seconds": look.seconds,
        "edgectl_ping_rtt_seconds": look.rtt_s,
        "edgectl_ping_connect_seconds": look.tcp_s,
        "edgectl_ping_login_seconds": look.login_s,
    }


def _labels(stand: Stand) -> dict[str, str]:
    return {"host": stand.outcome.host, "pop": stand.outcome.pop}
