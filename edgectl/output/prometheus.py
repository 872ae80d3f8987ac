"""The report as a file for node_exporter's textfile collector."""

from __future__ import annotations

from typing import IO

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from edgectl.report import Metric, Report


class _Fixed:
    """Hands the report's samples to prometheus_client."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for metric in self._metrics:
            names = sorted(metric.labels)
            if metric.name not in families:
                families[metric.name] = GaugeMetricFamily(metric.name, metric.help, labels=names)
            families[metric.name].add_metric([metric.labels[name] for name in names], metric.value)
        return list(families.values())


def render(report: Report, stream: IO[str]) -> None:
    """Write every metric of the report."""
    registry = CollectorRegistry()
    registry.register(_Fixed(list(report.metrics)))
    stream.write(generate_latest(registry).decode())
