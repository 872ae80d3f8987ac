"""Files for other programs that come with edgectl: Prometheus alerts, a Grafana dashboard, a systemd timer."""

from __future__ import annotations

from enum import StrEnum
from importlib import resources


class Shipped(StrEnum):
    """A file, by what it is for."""

    ALERTS = "alerts"
    DASHBOARD = "dashboard"
    SERVICE = "service"
    TIMER = "timer"


_FILES = {
    Shipped.ALERTS: "alerts.yaml",
    Shipped.DASHBOARD: "dashboard.json",
    Shipped.SERVICE: "edgectl-health.service",
    Shipped.TIMER: "edgectl-health.timer",
}


def text_of(wanted: Shipped) -> str:
    """Return the file's content."""
    return resources.files("edgectl.catalog.monitoring").joinpath(_FILES[wanted]).read_text(encoding="utf-8")
