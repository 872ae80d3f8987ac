"""Whether GPUs are there, are the right ones, and say what they are. Pure."""

from __future__ import annotations

from collections import defaultdict

from edgectl.catalog.rules_model import Rule, Severity
from edgectl.ops.health.expected import Expected
from edgectl.ops.health.finding import Breach, Judged, Standing
from edgectl.ops.health.observed import Node
from edgectl.ops.health.observed_gpu import Gpu, GpuState
from edgectl.ops.health.sight import Sight, drift, flag

_DRIVER = "nvidia"
_ADDRESSES = 4
# pynvml's text for NVML_ERROR_RESET_REQUIRED (16), and nvidia-smi's.
_RESET_WORDS = ("requires restart", "requires reset", "reset required")
_URGENT_ACTIONS = frozenset({"gpu-reset", "node-reboot", "drain-and-reset", "bus-reset", "system-reboot"})


def gpu_count(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Lost GPUs are in the list and count: they are told as lost."""
    found, wanted = len(node.gpus), expected.gpu_count
    if wanted is None:
        return Standing.UNJUDGED
    if found == wanted or (wanted == 0 and found > 0):
        return Standing.HOLDS
    severity = Severity.CRITICAL if found < wanted else Severity.WARNING
    return Breach(severity, _counts(node, wanted), f"{found} of {wanted}{_gone(node, wanted)}")


def gpu_dropped(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Compare PCI and the driver's files with the list, address by address; lost GPUs are in the list."""
    if node.pci_gpus is None or not expected.gpu_count:
        return Standing.UNJUDGED
    listed = {gpu.pci_bus_id for gpu in node.gpus}
    held = {gpu.pci_bus_id for gpu in node.pci_gpus if gpu.driver == _DRIVER}
    dropped = sorted((held | set(node.proc_gpus or ())) - listed)
    if not dropped:
        return Standing.HOLDS
    return Breach(Severity.CRITICAL, dropped, _some(dropped))


def gpu_unbound(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Asked where the driver is loaded: without it no GPU is bound, and that is told on its own."""
    if node.pci_gpus is None or not expected.gpu_count or node.driver_version is None:
        return Standing.UNJUDGED
    strangers = {gpu.pci_bus_id: gpu.driver or "none" for gpu in node.pci_gpus if gpu.driver != _DRIVER}
    if not strangers:
        return Standing.HOLDS
    said = [f"{_short(address)} ({driver})" for address, driver in strangers.items()]
    return Breach(Severity.WARNING, strangers, ", ".join(said))


def vbios_mixed(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Compare GPUs of one product; where the inventory says which VBIOS, each is judged by that."""
    by_product: defaultdict[str, set[str]] = defaultdict(set)
    for gpu in node.gpus:
        if gpu.name and gpu.vbios:
            by_product[gpu.name].add(gpu.vbios)
    if not by_product or expected.gpu_vbios:
        return Standing.UNJUDGED
    mixed = {name: sorted(versions) for name, versions in by_product.items() if len(versions) > 1}
    if not mixed:
        return Standing.HOLDS
    return Breach(Severity.WARNING, mixed, "; ".join(", ".join(versions) for versions in mixed.values()))


def gpu_lost(sight: Sight, _rule: Rule) -> Judged:
    """A GPU that the driver does not reach is in the list as lost."""
    if sight.gpu.state is not GpuState.LOST:
        return Standing.HOLDS
    address, serial = sight.gpu.pci_bus_id, sight.gpu.serial
    where = address if sight.gpu.index is not None else None
    said = ", ".join(filter(None, (where, f"serial {serial}" if serial else "")))
    return Breach(Severity.CRITICAL, address, said)


def gpu_model(sight: Sight, _rule: Rule) -> Judged:
    """Compare NVML's name with the catalogue's."""
    name, wanted = sight.gpu.name, sight.expected.gpu
    if name is None or wanted is None:
        return Standing.UNJUDGED
    if name == wanted.nvml_name:
        return Standing.HOLDS
    return Breach(Severity.CRITICAL, {"is": name, "wanted": wanted.nvml_name}, name)


def reset_required(sight: Sight, _rule: Rule) -> Judged:
    """NVML refuses readings of such a GPU with one and the same error."""
    errors = sight.gpu.unread.error
    if not _asks_for_reset(sight.gpu):
        return Standing.HOLDS
    return Breach(Severity.CRITICAL, dict(errors), f"{len(errors)} readings refused")


def recovery_action(sight: Sight, _rule: Rule) -> Judged:
    """A word that nobody has seen yet is a warning, never nothing."""
    wanted = sight.gpu.recovery_action
    if wanted is None:
        return Standing.UNJUDGED
    if wanted == "none":
        return Standing.HOLDS
    severity = Severity.CRITICAL if wanted in _URGENT_ACTIONS else Severity.WARNING
    return Breach(severity, wanted, wanted, action=f"the driver asks for: {wanted}; drain the node first")


def gsp_firmware(sight: Sight, _rule: Rule) -> Judged:
    """The firmware comes with the driver; a GPU without GSP has no version."""
    return drift(sight.gpu.gsp_firmware, sight.driver_version)


def inforom_corrupt(sight: Sight, _rule: Rule) -> Judged:
    """By the driver's own check."""
    return flag(sight.gpu.inforom_valid, wanted=True, severity=Severity.WARNING)


def vbios(sight: Sight, _rule: Rule) -> Judged:
    """Where the inventory says which."""
    return drift(sight.gpu.vbios, sight.expected.gpu_vbios)


def not_collected(sight: Sight, _rule: Rule) -> Judged:
    """Readings that exist and could not be had, power among them; a reset that is due is told on its own."""
    errors = sight.gpu.unread.error
    if not errors or _asks_for_reset(sight.gpu):
        return Standing.HOLDS
    said = ", ".join(f"{name}: {text}" for name, text in errors.items())
    return Breach(Severity.WARNING, dict(errors), said)


def _asks_for_reset(gpu: Gpu) -> bool:
    texts = " ".join(gpu.unread.error.values()).lower()
    return any(words in texts for words in _RESET_WORDS)


def _counts(node: Node, wanted: int) -> dict[str, int]:
    counts = {"is": len(node.gpus), "wanted": wanted}
    if node.pci_gpus:
        counts["pci"] = len(node.pci_gpus)
    if node.proc_gpus is not None:
        counts["driver"] = len(node.proc_gpus)
    return counts


def _gone(node: Node, wanted: int) -> str:
    """Say where the missing ones are missing, if PCI was read."""
    if not node.pci_gpus or len(node.gpus) >= wanted:
        return ""
    return ", gone from PCI" if len(node.pci_gpus) < wanted else ", all on PCI"


def _some(addresses: list[str]) -> str:
    more = f" and {len(addresses) - _ADDRESSES} more" if len(addresses) > _ADDRESSES else ""
    return ", ".join(map(_short, addresses[:_ADDRESSES])) + more


def _short(address: str) -> str:
    return address.partition(":")[2] or address
