"""Whether health was looked at, as samples: who told and who did not, and when that was. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from edgectl.engine.outcome import HostOutcome
from edgectl.report import Metric


def look_metrics(hosts: Sequence[HostOutcome], judged: Collection[str], ended: datetime) -> list[Metric]:
    """Return a sample per host that was asked, and the time of the look where at least one host told anything."""
    name, said = "edgectl_health_judged", "1 where the host told its health, 0 where it did not."
    samples = [
        Metric(name, said, float(host.host in judged), {"host": host.host, "pop": host.pop}) for host in hosts
    ]
    if judged:
        name, said = "edgectl_health_last_success_timestamp_seconds", "When health was last told by any host."
        samples.append(Metric(name, said, ended.timestamp(), {}))
    return samples
