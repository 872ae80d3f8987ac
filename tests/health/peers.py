"""What other tools make of the same kernel log and the same readings, by the rules that they publish.

Read at: gpud 4a8de33a, DCGM 4.6.0 (72fa3fee), Azure's node health checks 0e0a1ac2, gcm 1b7bde97. Verdicts on
Xids are those in the catalogue's table; the patterns are theirs, word for word, as they decide what is seen at all.
Each is given what the inventory knows where it has an option for it (numbers of GPUs and ports, VBIOS). Nothing
is judged here that a tool's published rules do not name: what it only exports or logs it has not found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgectl.catalog.xid import XidMeaning, load_xids
from edgectl.ops.health.expected import Expected
from edgectl.ops.health.observed import Collector, Node
from edgectl.ops.health.observed_gpu import Gpu, GpuState

MIB = 1024 * 1024
GB = 1_000_000_000


@dataclass(frozen=True)
class Seen:
    """What a tool can see of a node: the lines of this boot's kernel log, and the readings."""

    lines: Sequence[str]
    node: Node
    expected: Expected

    @property
    def gpus(self) -> list[Gpu]:
        """The GPUs that NVML reaches."""
        return [gpu for gpu in self.node.gpus if gpu.state is GpuState.OK]

    @property
    def answers(self) -> bool:
        """Whether NVML starts at all."""
        return self.node.collector is Collector.NVML

    @property
    def hangs(self) -> bool:
        """Whether the driver does not answer."""
        return any(attempt.hung for attempt in self.node.attempts)

    def codes(self) -> set[int]:
        """The collectors' codes."""
        return {attempt.code for attempt in self.node.attempts if attempt.code is not None}

    def lost(self) -> bool:
        """Whether NVML calls a GPU lost."""
        return any(gpu.state is GpuState.LOST and gpu.index is not None for gpu in self.node.gpus)

    def listed(self) -> int:
        """How many GPUs NVML lists."""
        return sum(gpu.index is not None for gpu in self.node.gpus)


Rule = Callable[[Seen], bool]


def any_gpu(broken: Callable[[Gpu], object]) -> Rule:
    return lambda seen: any(bool(broken(gpu)) for gpu in seen.gpus)


def in_log(pattern: str) -> Rule:
    sought = re.compile(pattern)
    return lambda seen: any(sought.search(line) for line in seen.lines)


def has_code(*codes: int) -> Rule:
    return lambda seen: not seen.codes().isdisjoint(codes)


def fewer_gpus(seen: Seen) -> bool:
    return seen.listed() != seen.expected.gpu_count


def reasons(*names: str) -> Rule:
    return any_gpu(lambda gpu: set(names) & set(gpu.clocks_event_reasons or ()))


def disk(broken: Callable[[float, float], bool]) -> Rule:
    """Judge by the free share and the free gigabytes of each file system."""
    return lambda seen: any(
        broken(one.free_bytes / one.size_bytes, one.free_bytes / GB)
        for one in (seen.node.machine and seen.node.machine.disks) or ()
    )


def xids(pattern: str, verdict: Callable[[XidMeaning | None, int], bool]) -> Rule:
    """Judge the numbers that a pattern sees: its last group."""
    sought, table = re.compile(pattern), load_xids()

    def rule(seen: Seen) -> bool:
        found = (sought.search(line) for line in seen.lines)
        numbers = [int(one.groups()[-1]) for one in found if one]
        return any(verdict(table.get(number), number) for number in numbers)

    return rule


def machine(broken: Callable[..., object], *names: str) -> Rule:
    def rule(seen: Seen) -> bool:
        values = [getattr(seen.node.machine, name) for name in names]
        return None not in values and bool(broken(*values))

    return rule


def _texts(seen: Seen) -> Iterator[str]:
    for gpu in seen.gpus:
        yield from gpu.unread.error.values()


def _ports_up(seen: Seen) -> int:
    return sum("active" in (port.state or "").lower() for port in seen.node.ports or ())


def _no_peermem(seen: Seen) -> bool:
    modules = (seen.node.machine and seen.node.machine.modules) or ()
    return bool(seen.expected.rdma) and "nvidia_peermem" not in modules


def _governor(seen: Seen) -> bool:
    wanted = seen.expected.cpu_governor
    return wanted is not None and seen.node.machine is not None and seen.node.machine.governor != wanted


def _idle_services(seen: Seen) -> bool:
    units = (seen.node.machine and seen.node.machine.units) or ()
    return any(unit.active != "active" for unit in units)


# pkg/nvidia/product/capabilities.go: only these products are asked for remapped rows.
_GPUD_REMAPS = ("a100", "b100", "b200", "gb200", "h100", "h200", "a10")


def _gpud_remaps(gpu: Gpu) -> bool:
    return any(name in (gpu.name or "").lower() for name in _GPUD_REMAPS)


GPUD: Mapping[str, Rule] = {
    "xid": xids(
        r"NVRM: Xid \(((?:PCI:)?[0-9a-fA-F:]+)\).*?: (\d+),",
        lambda meaning, _number: meaning is not None and not meaning.peers["gpud"].startswith(("not", "note")),
    ),
    "fallen off": in_log(r"GPU has fallen off the bus|fallen off the bus and is not responding"),
    "sxid": in_log(r"SXid.*?: (\d+),"),
    "lost": lambda seen: seen.lost() or any("requires" in text for text in _texts(seen)),
    "count": fewer_gpus,
    "row remap": any_gpu(lambda gpu: _gpud_remaps(gpu) and (gpu.remap_pending or gpu.remap_failure)),
    "temperature": any_gpu(lambda gpu: (gpu.temperature_c or 0) > (gpu.slowdown_temperature_c or 1000)),
    "hw slowdown": reasons("hw_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown"),
    "persistence": any_gpu(lambda gpu: gpu.persistence_mode is False),
    "fabric": any_gpu(lambda gpu: gpu.fabric_state and (gpu.fabric_state != "completed" or gpu.fabric_status)),
    "stuck": machine(lambda stuck: [one for one in stuck if one.name.startswith("nvidia")], "stuck"),
    "zombies": machine(lambda count: count >= 1000, "zombies"),
    "disk": disk(lambda share, free_gb: share < 0.10 or free_gb < 0.5),
    "memory": machine(lambda available: available < 100 * MIB, "memory_available_bytes"),
    "files": machine(lambda used, most: used > 0.8 * most, "files", "files_max"),
    "kernel": in_log(
        r"Out of memory|oom-kill|soft lockup|blocked for more than|I/O error|Remounting filesystem read-only"
        r"|EXT4-fs error|nvme .*timeout"
    ),
    "network": in_log(r"insufficient power on the PCIe slot|Port module event.*High Temperature"
                      r"|ACCESS_REG.*failed|ERROR detected invalid context"),
    "ports": lambda seen: _ports_up(seen) < (seen.expected.ports_up or 0),
}  # fmt: skip
_DCGM_BAD = ("failure", "devastating", "warning")
DCGM: Mapping[str, Rule] = {
    # The health watch has every Xid from NVML's events; its reader of the kernel log sees 79, 119 and 120.
    "xid": xids(
        r"NVRM: Xid \(PCI:(.*)\): (\d+)",
        lambda meaning, _number: meaning is not None and meaning.peers["dcgm"].endswith(_DCGM_BAD),
    ),
    # It waits with a driver that hangs (NVSentinel issue 1748).
    "lost": lambda seen: seen.lost() or not (seen.answers or seen.hangs),
    "double bit": any_gpu(lambda gpu: gpu.ecc_volatile_uncorrected),
    "row remap": any_gpu(lambda gpu: gpu.remap_failure or (gpu.remapped_rows_uncorrected or 0) >= 512),
    "unrepairable": any_gpu(lambda gpu: gpu.memory_unrepairable),
    "retired": any_gpu(lambda gpu: (gpu.retired_pages or 0) >= 63 or gpu.retired_pages_pending),
    "inforom": any_gpu(lambda gpu: gpu.inforom_valid is False),
    # Any increase of the counters, which a reason that holds now is.
    "thermal": any_gpu(lambda gpu: gpu.hw_thermal_slowdown_us or gpu.sw_thermal_slowdown_us),
    "thermal now": reasons("hw_thermal_slowdown", "sw_thermal_slowdown"),
    "power": any_gpu(lambda gpu: gpu.hw_power_brake_us or "power_w" in gpu.unread.error),
    "power now": reasons("hw_power_brake_slowdown"),
    "replay": any_gpu(lambda gpu: (gpu.pcie_replays or 0) > 31 * 60),
    "recovery": any_gpu(
        lambda gpu: gpu.recovery_action in {"gpu-reset", "node-reboot", "drain-p2p", "drain-and-reset"}
    ),
    "nvlink": any_gpu(lambda gpu: gpu.nvlinks and gpu.nvlinks_active != gpu.nvlinks),
    "nvswitch": in_log(r"SXid"),
}  # fmt: skip
AZURE: Mapping[str, Rule] = {
    "xid": xids(r"Xid.*: (\d+),", lambda meaning, _number: meaning is not None and meaning.peers["azure"] == "fatal"),
    "count": fewer_gpus,
    "nvidia-smi": lambda seen: not seen.answers and bool(seen.codes() & {8, 9, 10, 12, 14, 15, 18}),
    "lost": lambda seen: seen.lost(),
    "ecc": any_gpu(
        lambda gpu: gpu.ecc_sram_uncorrected or (gpu.ecc_volatile_uncorrected or 0) >= 20_000_000
    ),
    "row remap": any_gpu(lambda gpu: gpu.remap_pending or gpu.remap_failure),
    "vbios": lambda seen: len({gpu.vbios for gpu in seen.gpus}) > 1,
    "persistence": any_gpu(lambda gpu: gpu.persistence_mode is False),
    "nvlink": any_gpu(lambda gpu: gpu.nvlinks and gpu.nvlinks_active != gpu.nvlinks),
    "topology": any_gpu(lambda gpu: gpu.pcie_width != gpu.pcie_width_max),
    "ports": lambda seen: _ports_up(seen) < (seen.expected.ports_up or 0),
    "flaps": lambda seen: any(port.counters.get("link_downed", 0) >= 5 for port in seen.node.ports or ()),
}  # fmt: skip
GCM: Mapping[str, Rule] = {
    "xid": xids(r"NVRM: Xid \([^)]+\): (\d+)", lambda _meaning, _number: True),
    "count": fewer_gpus,
    "nvml": lambda seen: not seen.answers or seen.lost(),
    "ecc": any_gpu(lambda gpu: gpu.ecc_volatile_uncorrected or (gpu.ecc_volatile_corrected or 0) > 50_000_000),
    "row remap": any_gpu(lambda gpu: gpu.remap_pending or gpu.remap_failure),
    "retired": any_gpu(lambda gpu: (gpu.retired_pages or 0) > 10),
    "vbios": any_gpu(lambda gpu: gpu.vbios != "98.02.8D.00.03"),
    "temperature": any_gpu(lambda gpu: (gpu.temperature_c or 0) > 90),
    "idle memory": any_gpu(lambda gpu: (gpu.memory_used_mib or 0) > 15),
    "nvlink": any_gpu(lambda gpu: gpu.nvlinks and gpu.nvlinks_active != gpu.nvlinks),
    "pci": any_gpu(lambda gpu: gpu.pcie_width != gpu.pcie_width_max),
    "disk": disk(lambda share, _free_gb: share < 0.20),
    "modules": machine(lambda modules: modules < 8, "memory_modules"),
    "peermem": _no_peermem,
    "clocksource": machine(lambda name: name != "tsc", "clocksource"),
    "governor": _governor,
    "stuck": machine(lambda stuck: [one for one in stuck if (one.age_s or 0) > 300], "stuck"),
    "service": _idle_services,
    "kernel": in_log(r"I.O error, dev nvme|mce:|Machine Check|AER.*error"),
    "ports": lambda seen: _ports_up(seen) < (seen.expected.ports_up or 0),
}  # fmt: skip
PEERS: Mapping[str, Mapping[str, Rule]] = {"gpud": GPUD, "DCGM": DCGM, "Azure NHC": AZURE, "gcm": GCM}


def finds(peer: str, seen: Seen) -> list[str]:
    """Return which of a tool's rules say that something is wrong."""
    return [name for name, rule in PEERS[peer].items() if rule(seen)]
