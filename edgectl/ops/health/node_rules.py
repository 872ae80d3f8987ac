"""The rules about a node as a whole: how many GPUs, which driver, and whether it answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from edgectl.catalog.rules_model import Severity
from edgectl.ops.health.expected import Expected
from edgectl.ops.health.finding import Breach, Judged, Standing
from edgectl.ops.health.observed import Collector, Node

NodeRule = Callable[[Node, Expected], Judged]
# nvml.h and nvidia-smi(1) agree on this number.
_MISMATCH = 18


def gpu_count(node: Node, expected: Expected) -> Judged:
    """Lost GPUs are in the list and count: they are told as lost."""
    found, wanted = len(node.gpus), expected.gpu_count
    if wanted is None:
        return Standing.UNJUDGED
    if found == wanted or (wanted == 0 and found > 0):
        return Standing.HOLDS
    severity = Severity.CRITICAL if found < wanted else Severity.WARNING
    return Breach(severity, {"is": found, "wanted": wanted}, f"{found} of {wanted}")


def driver_not_loaded(node: Node, expected: Expected) -> Judged:
    """Asked only where GPUs are expected: a DPU needs no NVIDIA driver."""
    if not expected.gpu_count:
        return Standing.UNJUDGED
    if node.driver_version is not None or node.collector is not Collector.KERNEL or _has_other_reason(node):
        return Standing.HOLDS
    return Breach(Severity.CRITICAL, _attempts(node), _last_words(node))


def driver_mismatch(node: Node, _expected: Expected) -> Judged:
    """By the code of either collector."""
    if node.collector is not Collector.KERNEL:
        return Standing.HOLDS
    if not _is_mismatch(node):
        return Standing.UNJUDGED
    return Breach(Severity.CRITICAL, _attempts(node), _last_words(node))


def driver_hung(node: Node, _expected: Expected) -> Judged:
    """A collector was killed at its deadline."""
    if not _is_hung(node):
        return Standing.UNJUDGED if node.collector is Collector.KERNEL else Standing.HOLDS
    return Breach(Severity.CRITICAL, _attempts(node), _last_words(node))


def driver_version(node: Node, expected: Expected) -> Judged:
    """The oldest that will do, then the version or else the branch that the inventory says."""
    version = node.driver_version
    oldest = expected.gpu.min_driver if expected.gpu else None
    if version is None or not (oldest or expected.driver_version or expected.driver_branch):
        return Standing.UNJUDGED
    if oldest and _numbers(version) < _numbers(oldest):
        return _drift(version, oldest, Severity.CRITICAL)
    if expected.driver_version:
        is_right = _numbers(version) == _numbers(expected.driver_version)
        return Standing.HOLDS if is_right else _drift(version, expected.driver_version, Severity.WARNING)
    if expected.driver_branch and _numbers(version)[:1] != _numbers(expected.driver_branch)[:1]:
        return _drift(version, expected.driver_branch, Severity.WARNING)
    return Standing.HOLDS


def not_collected(node: Node, expected: Expected) -> Judged:
    """No collector, or a kernel log that we may not read. Unknown is not healthy."""
    if expected.gpu_count == 0:
        return Standing.UNJUDGED
    is_blind = node.collector is Collector.KERNEL and (node.driver_version or _has_other_reason(node))
    if is_blind and not _is_hung(node) and not _is_mismatch(node):
        return Breach(Severity.CRITICAL, _attempts(node), _last_words(node))
    if node.kernel_log.source is None:
        return Breach(Severity.WARNING, {"kernel_log": node.kernel_log.error}, node.kernel_log.error)
    return Standing.HOLDS


NODE_RULES: Mapping[str, NodeRule] = {
    "gpu-count": gpu_count,
    "driver-not-loaded": driver_not_loaded,
    "driver-mismatch": driver_mismatch,
    "driver-hung": driver_hung,
    "driver-version": driver_version,
    "not-collected": not_collected,
}


def _drift(version: str, wanted: str, severity: Severity) -> Breach:
    return Breach(severity, {"is": version, "wanted": wanted}, f"{version}, wanted {wanted}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _is_hung(node: Node) -> bool:
    return any(attempt.hung for attempt in node.attempts)


def _is_mismatch(node: Node) -> bool:
    return any(attempt.code == _MISMATCH for attempt in node.attempts)


# nvml.h and nvidia-smi(1): these come from a driver that is loaded, 9 and 12 from one that is not.
_LOADED_CODES = frozenset({8, 10, 11, 14, 15, 16, _MISMATCH})


def _has_other_reason(node: Node) -> bool:
    return _is_hung(node) or any(attempt.code in _LOADED_CODES for attempt in node.attempts)


def _attempts(node: Node) -> dict[str, str]:
    return {attempt.collector.value: attempt.error for attempt in node.attempts}


def _last_words(node: Node) -> str:
    return node.attempts[-1].error if node.attempts else ""
