"""The rules about the driver of a node: loaded, answering, of the wanted version. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from edgectl.catalog.rules_model import Rule, Severity
from edgectl.ops.health.expected import Expected
from edgectl.ops.health.finding import Breach, Judged, Standing
from edgectl.ops.health.observed import Attempt, Collector, Node

# nvml.h and nvidia-smi(1) agree on this number.
_MISMATCH = 18
# nvml.h and nvidia-smi(1): these come from a driver that is loaded, 9 and 12 from one that is not.
_LOADED_CODES = frozenset({8, 10, 11, 14, 15, 16, _MISMATCH})
# nvml.h, nvmlReturn_t. Its 10 is a timeout.
_NVML_CODES: Mapping[int, str] = {
    8: "a GPU lacks power: check its auxiliary cables",
    11: "the kernel cannot deliver a GPU's interrupts",
    12: "libnvidia-ml.so.1 is not there",
    14: "a GPU's InfoROM is damaged",
    15: "a GPU is lost",
    16: "a GPU must be reset",
}
# nvidia-smi(1), return values. Its 10 is an interrupt.
_SMI_CODES: Mapping[int, str] = {
    8: "a GPU lacks power: check its auxiliary cables",
    10: "the kernel cannot deliver a GPU's interrupts",
    12: "libnvidia-ml.so.1 is not there",
    14: "a GPU's InfoROM is damaged",
    15: "a GPU is lost",
}
_UNKNOWN = 999
# The collector's word for a library that took its process down.
_CRASHED = re.compile(r"\bdied of SIG")


def driver_not_loaded(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Asked only where GPUs are expected: a DPU needs no NVIDIA driver."""
    if not expected.gpu_count:
        return Standing.UNJUDGED
    if node.driver_version is not None or node.collector is not Collector.KERNEL or _has_other_reason(node):
        return Standing.HOLDS
    return Breach(Severity.CRITICAL, _attempts(node), _last_words(node))


def driver_mismatch(node: Node, _expected: Expected, _rule: Rule) -> Judged:
    """By the code of either collector, or by the versions of driver and library, which asks no driver."""
    driver, library = node.driver_version, node.library_version
    if node.collector is not Collector.KERNEL:
        return Standing.HOLDS
    if _is_mismatch(node):
        return Breach(Severity.CRITICAL, _attempts(node), _last_words(node))
    if driver is None or library is None:
        return Standing.UNJUDGED
    if not _versions_differ(node):
        return Standing.HOLDS
    versions = {"driver": driver, "library": library}
    return Breach(Severity.CRITICAL, versions, f"driver {driver}, library {library}")


def driver_hung(node: Node, _expected: Expected, _rule: Rule) -> Judged:
    """A collector was killed at its deadline."""
    if not _is_hung(node):
        return Standing.UNJUDGED if node.collector is Collector.KERNEL else Standing.HOLDS
    return Breach(Severity.CRITICAL, _attempts(node), _last_words(node))


def driver_error(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """A code that names its cause, or a library that crashed; without a driver its absence is no news."""
    if node.collector is not Collector.KERNEL:
        crashed = any(_CRASHED.search(attempt.error) for attempt in node.attempts)
        return Breach(Severity.WARNING, _attempts(node), _last_words(node)) if crashed else Standing.HOLDS
    said = _named_error(node)
    if said is None or not expected.gpu_count:
        return Standing.UNJUDGED
    return said


def driver_version(node: Node, expected: Expected, _rule: Rule) -> Judged:
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


def not_collected(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """No collector, or a kernel log that we may not read. Unknown is not healthy."""
    if expected.gpu_count == 0:
        return Standing.UNJUDGED
    if _is_blind(node, expected):
        return Breach(Severity.CRITICAL, _attempts(node), _last_words(node))
    if node.kernel_log.source is None:
        return Breach(Severity.WARNING, {"kernel_log": node.kernel_log.error}, node.kernel_log.error)
    return Standing.HOLDS


def branch_of(version: str | None) -> int | None:
    """Return the branch of a driver's version: 580 of 580.105.08."""
    numbers = _numbers(version or "")
    return numbers[0] if numbers else None


def _is_blind(node: Node, expected: Expected) -> bool:
    """Say whether nobody told anything about the GPUs, for no reason that another rule names."""
    if node.collector is not Collector.KERNEL or not (node.driver_version or _has_other_reason(node)):
        return False
    named = expected.gpu_count and _named_error(node) is not None
    return not (_is_hung(node) or _is_mismatch(node) or _versions_differ(node) or named)


def _named_error(node: Node) -> Breach | None:
    """Return the first attempt whose code says what is wrong; 999 says nothing, and warns if nothing else does."""
    for attempt in node.attempts:
        text = _meaning(attempt, node)
        if text:
            return Breach(Severity.CRITICAL, _attempts(node), text)
    if any(attempt.code == _UNKNOWN for attempt in node.attempts) and not _versions_differ(node):
        return Breach(Severity.WARNING, _attempts(node), _last_words(node))
    return None


def _meaning(attempt: Attempt, node: Node) -> str | None:
    if attempt.code is None or (attempt.code == 12 and node.driver_version is None):  # noqa: PLR2004 - as above
        return None
    codes = _NVML_CODES if attempt.collector is Collector.NVML else _SMI_CODES
    return codes.get(attempt.code)


def _drift(version: str, wanted: str, severity: Severity) -> Breach:
    return Breach(severity, {"is": version, "wanted": wanted}, f"{version}, wanted {wanted}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _versions_differ(node: Node) -> bool:
    versions = (node.driver_version, node.library_version)
    return None not in versions and versions[0] != versions[1]


def _is_hung(node: Node) -> bool:
    return any(attempt.hung for attempt in node.attempts)


def _is_mismatch(node: Node) -> bool:
    return any(attempt.code == _MISMATCH for attempt in node.attempts)


def _has_other_reason(node: Node) -> bool:
    return _is_hung(node) or any(attempt.code in _LOADED_CODES for attempt in node.attempts)


def _attempts(node: Node) -> dict[str, str]:
    return {attempt.collector.value: attempt.error for attempt in node.attempts}


def _last_words(node: Node) -> str:
    return node.attempts[-1].error if node.attempts else ""
