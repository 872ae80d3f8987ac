"""Health as samples: stable names, base units, labels from the inventory and the cards. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from edgectl.catalog.rules_model import Severity
from edgectl.engine.outcome import HostOutcome
from edgectl.ops.health.fleet.incidents import Incident
from edgectl.ops.health.observed import Node
from edgectl.ops.health.observed_gpu import Gpu, GpuState
from edgectl.ops.health.verdict import Verdict
from edgectl.report import Metric

_MIB = 1024 * 1024
_Read = Callable[[Gpu], float | None]

# A GPU without a reading has no sample: absent is not zero.
_GAUGES: tuple[tuple[str, str, _Read], ...] = (
    ("edgectl_gpu_up", "1 where the driver reaches the GPU.", lambda gpu: gpu.state is GpuState.OK),
    ("edgectl_gpu_temperature_celsius", "Temperature of the GPU.", lambda gpu: gpu.temperature_c),
    ("edgectl_gpu_margin_celsius", "How far the GPU is from its limit.", lambda gpu: gpu.margin_c),
    ("edgectl_gpu_power_watts", "Power that the GPU draws.", lambda gpu: gpu.power_w),
    ("edgectl_gpu_power_limit_watts", "Power limit in force.", lambda gpu: gpu.power_limit_w),
    ("edgectl_gpu_memory_bytes", "Memory of the GPU.", lambda gpu: _bytes(gpu.memory_total_mib)),
    ("edgectl_gpu_memory_used_bytes", "Memory in use.", lambda gpu: _bytes(gpu.memory_used_mib)),
    ("edgectl_gpu_utilization_ratio", "Share of time at work.", lambda gpu: _ratio(gpu.utilization_percent)),
    (
        "edgectl_gpu_ecc_uncorrected_errors",
        "Uncorrected memory errors since the driver was loaded.",
        lambda gpu: gpu.ecc_volatile_uncorrected,
    ),
    (
        "edgectl_gpu_ecc_corrected_errors",
        "Corrected memory errors since the driver was loaded.",
        lambda gpu: gpu.ecc_volatile_corrected,
    ),
    (
        "edgectl_gpu_remapped_rows_uncorrected",
        "Memory rows remapped for uncorrected errors, over the card's life.",
        lambda gpu: gpu.remapped_rows_uncorrected,
    ),
    ("edgectl_gpu_remap_pending", "1 where a remap waits for a reset.", lambda gpu: gpu.remap_pending),
    ("edgectl_gpu_remap_failure", "1 where a remap failed.", lambda gpu: gpu.remap_failure),
    ("edgectl_gpu_pcie_width_lanes", "Lanes of the PCIe link.", lambda gpu: gpu.pcie_width),
    ("edgectl_gpu_pcie_generation", "Generation of the PCIe link.", lambda gpu: gpu.pcie_gen),
)


def health_metrics(rows: Sequence[tuple[HostOutcome, Node, Verdict]]) -> list[Metric]:
    """Return the samples of all hosts that were judged."""
    return [
        metric
        for host, node, verdict in rows
        for metric in (*_of_host(host, node, verdict), *_of_gpus(host, node))
    ]


def incident_metrics(incidents: Sequence[Incident]) -> list[Metric]:
    """Return a sample per incident: how many hosts it has; nothing where there is none."""
    name, said = "edgectl_health_incident_hosts", "Hosts of an incident: findings with one suspected cause."
    return [
        Metric(name, said, len(one.hosts), {"incident": one.id, "severity": one.severity.value})
        for one in incidents
    ]


def _of_host(host: HostOutcome, node: Node, verdict: Verdict) -> Iterator[Metric]:
    labels = {"host": host.host, "pop": host.pop}
    counts = Counter(finding.severity for finding in verdict.findings)
    for severity in Severity:
        name, said = "edgectl_health_findings", "Findings by severity."
        yield Metric(name, said, counts[severity], {**labels, "severity": severity.value})
    yield Metric("edgectl_health_gpus", "GPUs that the node shows, lost ones too.", len(node.gpus), labels)
    for finding, count in Counter(finding.id for finding in verdict.findings).items():
        yield Metric("edgectl_health_finding", "Findings by rule.", count, {**labels, "finding": finding})


def _of_gpus(host: HostOutcome, node: Node) -> Iterator[Metric]:
    for gpu in node.gpus:
        labels = {"host": host.host, "pop": host.pop, "gpu": gpu.uuid or gpu.pci_bus_id or gpu.label}
        for name, said, read in _GAUGES:
            value = read(gpu)
            if value is not None:
                yield Metric(name, said, float(value), labels)


def _bytes(mib: int | None) -> float | None:
    return None if mib is None else mib * _MIB


def _ratio(percent: float | None) -> float | None:
    return None if percent is None else percent / 100
