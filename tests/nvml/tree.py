"""A host's `/sys`, `/proc`, `/dev` and `/etc` as files under a folder, as far as the collector looks at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.nvml.branches import BRANCHES
from tests.nvml.skus import SKUS, Sku, address, uuid

_SPEEDS = {1: "2.5", 2: "5.0", 3: "8.0", 4: "16.0", 5: "32.0", 6: "64.0"}
BOOT_ID = "7f1c1c52-0000-4000-8000-000000000001"
UPTIME_S = 86400.0
RSHIM = """DISPLAY_LEVEL   0 (0:basic, 1:advanced, 2:log)
BF_MODE         {mode}
BOOT_MODE       1 (0:rshim, 1:emmc, 2:emmc-boot-swap)
BOOT_TIMEOUT    300 (seconds)
DROP_MODE       0 (0:normal, 1:drop)
SW_RESET        0 (1: reset)
DEV_NAME        pcie-{slot}.2
DEV_INFO        BlueField-3(Rev 1)
OPN_STR         9009D3B400ENEA
UP_TIME         {uptime_s}(s)
SECURE_NIC_MODE 0 (0:no, 1:yes)
"""


@dataclass(frozen=True)
class BlueField:
    """A BlueField-3 with two ports; `rshim` False for a host without its driver."""

    bus: str = "b1"
    mode: str = "DPU mode"
    firmware: str = "32.43.1014"
    uptime_s: int = 86300
    rshim: bool = True
    state: str = "4: ACTIVE"
    link: str = "up"


@dataclass(frozen=True)
class Machine:
    """The host around the GPUs; `files` are written last and may replace any of the others."""

    driver: str | None = None  # the loaded one; as the branch's where it is not given, "" for none
    missing: tuple[int, ...] = ()  # GPUs that PCI no longer shows
    untaken: tuple[int, ...] = ()  # GPUs that the driver has not taken
    dpus: tuple[BlueField, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


def tree(root: Path, sku: str, gpus: int, branch: str, machine: Machine = Machine()) -> Path:
    """Write a host with that many GPUs below `root` and return it."""
    version = BRANCHES[branch].version if machine.driver is None else machine.driver
    _node(root)
    for index in range(gpus):
        if index not in machine.missing:
            _gpu(root, SKUS[sku], index, taken=index not in machine.untaken and bool(version))
    if version:
        said = f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {version}  Release Build\n"
        _write(root, "proc/driver/nvidia/version", said)
    for number, dpu in enumerate(machine.dpus):
        _blue_field(root, dpu, number)
    for path, text in machine.files.items():
        _write(root, path, text)
    return root


def _write(root: Path, path: str, text: str) -> None:
    whole = root / path
    whole.parent.mkdir(parents=True, exist_ok=True)
    whole.write_text(text, encoding="utf-8")


def _link(root: Path, path: str, target: str) -> None:
    whole, to = root / path, root / target
    to.mkdir(parents=True, exist_ok=True)
    whole.parent.mkdir(parents=True, exist_ok=True)
    if not whole.is_symlink():
        whole.symlink_to(to)


def _gpu(root: Path, sku: Sku, index: int, *, taken: bool) -> None:
    where = f"sys/bus/pci/devices/{address(index)}"
    speed = f"{_SPEEDS[sku.pcie_gen]} GT/s PCIe\n"
    files = {
        "vendor": "0x10de\n",
        "device": f"0x{sku.device_id}\n",
        "class": "0x030200\n",
        "current_link_speed": "2.5 GT/s PCIe\n",
        "max_link_speed": speed,
        "current_link_width": "16\n",
        "max_link_width": "16\n",
        "aer_dev_correctable": "RxErr 0\nBadTLP 0\nTOTAL_ERR_COR 0\n",
        "aer_dev_nonfatal": "Undefined 0\nTLP 0\nTOTAL_ERR_NONFATAL 0\n",
        "aer_dev_fatal": "Undefined 0\nDLP 0\nTOTAL_ERR_FATAL 0\n",
    }
    for name, text in files.items():
        _write(root, f"{where}/{name}", text)
    if taken:
        _link(root, f"{where}/driver", "sys/bus/pci/drivers/nvidia")
        said = f"Model: \t\t {sku.name}\nIRQ:   \t\t 181\nGPU UUID: \t {uuid(index)}\nVideo BIOS: \t 98.02.8D.00.03\n"
        _write(root, f"proc/driver/nvidia/gpus/{address(index)}/information", said)


def _node(root: Path) -> None:
    files = {
        "proc/sys/kernel/random/boot_id": f"{BOOT_ID}\n",
        "proc/uptime": f"{UPTIME_S:.2f} {UPTIME_S:.2f}\n",
        "proc/loadavg": "0.42 0.30 0.25 2/812 4242\n",
        "proc/meminfo": "MemTotal:       528280000 kB\nMemFree:        400000000 kB\nMemAvailable:   500000000 kB\n",
        "proc/self/mounts": "/dev/nvme0n1p2 / ext4 rw,relatime 0 0\n",
        "proc/modules": "".join(f"{name} 1 0 - Live 0x0\n" for name in ("nvidia", "nvidia_uvm", "mlx5_core")),
        "proc/sys/fs/file-nr": "4096\t0\t9223372036854775807\n",
        "proc/sys/kernel/threads-max": "4127000\n",
        "proc/sys/kernel/pid_max": "4194304\n",
        "proc/1/stat": "1 (systemd) S 0 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n",
        "etc/fstab": "/dev/nvme0n1p2 / ext4 defaults 0 1\n",
        "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
        "sys/devices/system/cpu/online": "0-63\n",
    }
    for path, text in files.items():
        _write(root, path, text)
    for processor in range(4):
        _write(root, f"sys/devices/system/cpu/cpu{processor}/cpufreq/scaling_governor", "performance\n")
    for number in range(8):
        _write(root, f"sys/devices/system/edac/mc/mc0/dimm{number}/size", "65536\n")


def _blue_field(root: Path, dpu: BlueField, number: int) -> None:
    slot = f"0000:{dpu.bus}:00"
    for port in range(2):
        _dpu_port(root, dpu, f"{slot}.{port}", 2 * number + port)
    _pci(root, f"{slot}.2", "0xc2d5", "0x080100")
    if dpu.rshim:
        said = RSHIM.format(mode=dpu.mode, slot=slot, uptime_s=dpu.uptime_s)
        _write(root, f"dev/rshim{number}/misc", said)
        _write(root, f"sys/class/net/tmfifo_net{number}/operstate", "up\n")
        _write(root, f"sys/class/net/tmfifo_net{number}/carrier", "1\n")


def _dpu_port(root: Path, dpu: BlueField, where: str, number: int) -> None:
    device, interface = f"mlx5_{number}", f"ens{number}np{number % 2}"
    _pci(root, where, "0xa2dc", "0x020000")
    folder = f"sys/bus/pci/devices/{where}"
    _write(root, f"{folder}/hwmon/hwmon3/temp1_input", "58000\n")
    _write(root, f"{folder}/net/{interface}/operstate", f"{dpu.link}\n")
    _write(root, f"{folder}/infiniband/{device}/fw_ver", f"{dpu.firmware}\n")
    _link(root, f"sys/class/infiniband/{device}/device", folder)
    _write(root, f"sys/class/infiniband/{device}/fw_ver", f"{dpu.firmware}\n")
    _write(root, f"sys/class/infiniband/{device}/board_id", "MT_0000000884\n")
    port = f"sys/class/infiniband/{device}/ports/1"
    files = {
        "state": dpu.state,
        "phys_state": "5: LinkUp" if dpu.link == "up" else "3: Disabled",
        "rate": "200 Gb/sec (4X HDR)",
        "link_layer": "Ethernet",
        "gid_attrs/ndevs/0": interface,
        "counters/link_downed": "0",
        "counters/symbol_error": "0",
        "counters/port_rcv_errors": "0",
        "hw_counters/out_of_sequence": "0",
    }
    for name, text in files.items():
        _write(root, f"{port}/{name}", f"{text}\n")
    _link(root, f"sys/class/net/{interface}/device", folder)


def _pci(root: Path, where: str, device: str, class_: str) -> None:
    for name, text in (("vendor", "0x15b3"), ("device", device), ("class", class_)):
        _write(root, f"sys/bus/pci/devices/{where}/{name}", f"{text}\n")
    _link(root, f"sys/bus/pci/devices/{where}/driver", "sys/bus/pci/drivers/mlx5_core")
