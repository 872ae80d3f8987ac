"""Faults as data: what is wrong at a host, and the finding that must tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.nvml.skus import address
from tests.nvml.tree import BlueField, Machine

GPU = address(0)
XID = f"NVRM: Xid (PCI:{GPU[:-2]})"
SLOT = f"NVRM: GPU {GPU}"
DPU = BlueField()
SYS_GPU = f"sys/bus/pci/devices/{GPU}"
PORT = "sys/class/infiniband/mlx5_0/ports/1"
SECOND_GONE = {f"gpu1.{key}": None for key in ("uuid", "name", "bus_id")}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong; `finds` are its findings, no more and no less, on every GPU model it can befall.

    `state` changes the library's answers, `log` and `before` the kernel's, `machine` the files; `units` has
    systemd's answer about a service; `smi` is another nvidia-smi; `disk` changes what the first file system says;
    `wanted` the inventory; `earlier` what the first GPU said a look before. `since` is the first branch that has the
    reading, `only` the GPUs that can have the fault: `nvlink`, `fabric` or `mig`.
    """

    name: str
    finds: Sequence[str]
    state: Mapping[str, str | None] = field(default_factory=dict)
    log: Sequence[str] = ()
    before: Sequence[str] | None = None
    machine: Machine = field(default_factory=lambda: Machine(dpus=(DPU,)))
    units: str = ""
    disk: Mapping[str, Any] = field(default_factory=dict)
    wanted: Mapping[str, Any] = field(default_factory=dict)
    earlier: Mapping[str, Any] = field(default_factory=dict)
    offset_s: float = 0.0
    since: int = 0
    only: str = ""
    deadline_s: float = 5.0
    smi: str | None = None


def failing(code: int, said: str) -> str:
    """Return an nvidia-smi that only fails."""
    return f'#!/bin/sh\necho "{said}" >&2; exit {code}\n'


def dpu(**changes: Any) -> Machine:
    return Machine(dpus=(BlueField(**changes),))


def host(files: Mapping[str, str] | None = None, **changes: Any) -> Machine:
    return Machine(dpus=(DPU,), files=dict(files or {}), **changes)


def unit(active: str, sub: str, load: str = "loaded", restarts: int = 0) -> str:
    return f"Id=vllm.service\nLoadState={load}\nActiveState={active}\nSubState={sub}\nNRestarts={restarts}\n"


def field_us(number: int, us: int) -> dict[str, str | None]:
    """Return a counter of the library that is to be read as microseconds."""
    return {f"gpu0.field.{number}": f"ull:{us * 1000}"}


PRESENCE = (
    Fault("a GPU falls off the bus", ["critical gpu-lost", "critical xid-79"], {"gpu0.all": "ret:15"},
          [f"{XID}: 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."]),
    Fault("the same without a number", ["critical gpu-lost", "critical xid-79"], {"gpu0.all": "ret:15"},
          [f"{SLOT}: GPU has fallen off the bus."]),
    Fault("the same in three lines", ["critical gpu-lost", "critical xid-79"], {"gpu0.all": "ret:15"},
          [f"NVRM: The NVIDIA GPU {GPU}", "NVRM: (PCI ID: 10de:2bb5) installed in this system has",
           "NVRM: fallen off the bus and is not responding to commands."]),
    Fault("a GPU is lost without a word in the log", ["critical gpu-lost"], {"gpu0.all": "ret:15"}),
    Fault("a GPU is gone from PCI", ["critical gpu-count"], SECOND_GONE, machine=host(missing=(1,))),
    Fault("the driver drops a GPU that PCI shows", ["critical gpu-lost"], SECOND_GONE),
    Fault("a virtual machine has a GPU", ["critical gpu-count", "warning gpu-unbound"], SECOND_GONE,
          machine=host(untaken=(1,))),
    Fault("another product is in the slot", ["critical gpu-model"], {"gpu0.name": "NVIDIA T400"}),
    Fault("the driver is not loaded", ["critical driver-not-loaded"], {"init": "9"},
          machine=host(driver="", untaken=(0, 1)), smi=failing(9, "couldn't communicate with the NVIDIA driver")),
    Fault("driver and library differ", ["critical driver-mismatch"], {"init": "18"},
          smi=failing(18, "Failed to initialize NVML: Driver/library version mismatch")),
    Fault("driver and library differ, seen without asking", ["critical driver-mismatch", "warning driver-version"],
          {"init": "999"}, machine=host(driver="565.57.01"), smi=""),
    Fault("a power cable, by return code", ["critical driver-error"], {"init": "8"}, smi=failing(8, "power")),
    Fault("an interrupt, by return code", ["critical driver-error"], {"init": "11"}, smi=failing(10, "interrupt")),
    Fault("an error without a name", ["warning driver-error"], {"init": "999"}, smi=failing(255, "Unknown Error")),
    Fault("the driver hangs", ["critical driver-hung"], {"init": "hang"}, deadline_s=0.5),
    Fault("the library crashes", ["warning driver-error"], {"init": "segfault"}),
    Fault("a GPU must be reset", ["critical gpu-reset-required"], {"gpu0.nvmlDeviceGetTotalEccErrors": "ret:16"}),
    Fault("another driver than wanted", ["warning driver-version"], wanted={"driver_version": "999.1"}),
    Fault("the driver wants a reset", ["critical recovery-action"], {"gpu0.field.230": "1"}, since=570),
    Fault("the driver wants a reboot", ["critical recovery-action"], {"gpu0.field.230": "2"}, since=570),
    Fault("the driver wants what no table has", ["warning recovery-action"], {"gpu0.field.230": "42"}, since=570),
    Fault("firmware of another driver", ["warning gsp-firmware"], {"gpu0.gsp_firmware": "510.10"}),
    Fault("a damaged InfoROM", ["warning inforom-corrupt"], {"gpu0.inforom_valid": "0"}),
    Fault("another VBIOS than wanted", ["warning vbios"], {"gpu0.vbios": "90.00.00.00.01"},
          wanted={"gpu_vbios": "98.02.8D.00.03"}),
    Fault("two VBIOS versions", ["warning vbios-mixed"], {"gpu0.vbios": "90.00.00.00.01"}),
    Fault("power cannot be read", ["warning not-collected"],
          {"gpu0.nvmlDeviceGetPowerUsage": "ret:999", "gpu0.field.186": None}),
    Fault("the driver could not start a GPU", ["critical gpu-init-failed"],
          log=[f"NVRM: GPU {GPU}: RmInitAdapter failed! (0x22:0x56:894)"]),
    Fault("a power cable is missing", ["critical gpu-power-cables"],
          log=[f"{SLOT}: GPU does not have the necessary power cables connected."]),
    Fault("the watchdog says locked", ["critical gpu-watchdog"],
          log=[f"{SLOT}: RC watchdog: GPU is probably locked!  Notify Timeout Seconds: 7"]),
    Fault("the GSP does not answer", ["critical gsp-timeout"],
          log=[f"{SLOT}: _kgspRpcRecvPoll: GSP RPC timeout. The GPU likely needs to be reset."]),
)  # fmt: skip
MEMORY = (
    Fault("an uncorrected error", ["warning ecc-uncorrected"], {"gpu0.ecc.volatile.uncorrected": "1"}),
    Fault("a row waits to be remapped", ["warning row-remap-pending"], {"gpu0.remapped_rows": "0,1,1,0"}),
    Fault("a row could not be remapped", ["critical row-remap-failure"], {"gpu0.remapped_rows": "0,1,0,1"}),
    Fault("600 rows were remapped", ["warning row-remap-history"], {"gpu0.remapped_rows": "3,600,0,0"}),
    Fault("a bank without spare", ["warning row-remap-banks"], {"gpu0.remap_banks": "500,10,1,0,1"}),
    Fault("memory beyond repair", ["critical memory-unrepairable"], {"gpu0.unrepairable": "1"}, since=595),
    Fault("on-chip memory beyond the limit", ["critical ecc-sram-threshold"], {"gpu0.ecc.sram": "40,1"}),
    Fault("ECC is off", ["warning ecc-off"], {"gpu0.ecc_mode": "0,0"}),
    Fault("ECC will be off", ["warning ecc-pending"], {"gpu0.ecc_mode": "1,0"}),
    Fault("Xid 48 with what comes with it",
          ["critical xid-48", "warning xid-63", "critical ecc-uncorrected", "warning row-remap-pending",
           "critical recovery-action"],
          {"gpu0.ecc.volatile.uncorrected": "1", "gpu0.remapped_rows": "0,1,1,0", "gpu0.field.230": "1"},
          [f"{XID}: 48, pid=4242, name=vllm, An uncorrectable double bit error (DBE) has been detected",
           f"{XID}: 63, Row Remapper: New row (0x4) marked for remapping, reset gpu to activate."], since=570),
    Fault("a contained error of a MIG instance", ["warning xid-94"],
          log=[f"NVRM: Xid (PCI:{GPU[:-2]} GPU-I:05 GPU-CI:00): 94, pid=7, name=vllm, Contained memory error"]),
)  # fmt: skip
HEAT = (
    Fault("near its limit", ["warning temperature"], {"gpu0.margin": "4"}, since=570),
    Fault("at its limit", ["critical temperature"], {"gpu0.margin": "-4", "gpu0.temperature": "95"}, since=570),
    Fault("hot, on a driver without margins", ["critical temperature"],
          {"gpu0.margin": None, "gpu0.temperature": "93"}),
    Fault("slowed down for heat a tenth of the time", ["warning thermal-slowdown"],
          field_us(270, 91_000_000) | field_us(269, 0), earlier={"hw_thermal_slowdown_us": 1_000_000}, since=580),
    Fault("slowed down for heat a third of the time", ["critical thermal-slowdown"],
          field_us(270, 301_000_000), earlier={"hw_thermal_slowdown_us": 1_000_000}, since=580),
    Fault("slowed down for heat, by the one counter of older drivers", ["warning thermal-slowdown"],
          field_us(75, 301_000_000) | {f"gpu0.field.{number}": None for number in (269, 270, 271)},
          earlier={"hw_slowdown_us": 1_000_000}),
    Fault("slowed down for heat now", ["warning thermal-slowdown"], {"gpu0.event_reasons": "0x48"}),
    Fault("the power supply brakes", ["warning power-brake"], {"gpu0.event_reasons": "0x88"}),
    Fault("slowed down without a reason", ["warning hw-slowdown"], {"gpu0.event_reasons": "0x8"}),
    Fault("clocks held down", ["warning clocks-locked"], {"gpu0.event_reasons": "0x2"}),
    Fault("power capped", ["warning power-limit"], {"gpu0.power_limit_mw": "60000"}),
    Fault("another limit than wanted", ["warning power-limit"],
          {"gpu0.power_limit_mw": "60000", "gpu1.power_limit_mw": "61000"}, wanted={"gpu_power_limit_w": 61}),
)  # fmt: skip
LINKS = (
    Fault("8 of 16 lanes", ["critical pcie-width"], {"gpu0.pcie.width": "8"}),
    Fault("Gen2 at work", ["warning pcie-gen"],
          {"gpu0.pcie.gen": "2", "gpu0.performance_state": "0", "gpu0.event_reasons": "0x4"}),
    Fault("a slot of Gen1", ["warning pcie-gen"], {"gpu0.pcie.gen_max": "1"}),
    Fault("packets are repeated", ["warning pcie-replay"], {"gpu0.pcie.replays": "99000", "gpu0.field.94": "99000"},
          earlier={"pcie_replays": 0}),
    Fault("a fatal error of the link", ["critical pcie-aer"],
          machine=host({f"{SYS_GPU}/aer_dev_fatal": "DLP 1\nTOTAL_ERR_FATAL 1\n"})),
    Fault("an uncorrected error of the link", ["warning pcie-aer"],
          machine=host({f"{SYS_GPU}/aer_dev_nonfatal": "TLP 1\nTOTAL_ERR_NONFATAL 1\n"})),
    Fault("an NVLink is down", ["critical nvlink-down"], {"gpu0.nvlinks": "18,17"}, only="nvlink"),
    Fault("all NVLinks are down", ["critical nvlink-down"], {"gpu0.nvlinks": "18,0"}, only="nvlink"),
    Fault("not in the fabric", ["critical fabric"], {"gpu0.fabric": "2,0,0"}, only="fabric"),
    Fault("the fabric refused it", ["critical fabric"], {"gpu0.fabric": "3,999,0"}, only="fabric"),
    Fault("persistence mode is off", ["warning persistence-off"], {"gpu0.persistence": "0"}),
    Fault("MIG is off where it is wanted", ["warning mig-mode"], {"gpu1.mig_mode": "1,1", "gpu1.mig_instances": "2"},
          wanted={"mig_instances": 2}, only="mig"),
    Fault("MIG waits for a reset", ["warning mig-pending"], {"gpu0.mig_mode": "0,1"}, only="mig"),
    Fault("MIG instances are gone", ["critical mig-instances"],
          {"gpu0.mig_mode": "1,1", "gpu0.mig_instances": "0", "gpu1.mig_mode": "1,1", "gpu1.mig_instances": "2"},
          wanted={"mig_instances": 2}, only="mig"),
    Fault("memory left over", ["warning gpu-left-over", "warning serving-unit"], {"gpu0.memory_mib": "23034,9000"},
          units=unit("inactive", "dead")),
)  # fmt: skip
XIDS = (
    Fault("a page fault of a program", ["warning xid-31"],
          log=[f"{XID}: 31, pid=11, name=vllm, Ch 00000008, intr 00000000. MMU Fault"]),
    Fault("page faults of different programs", ["warning xid-31", "warning gpu-suspect"],
          log=[f"{XID}: 31, pid=11, name=vllm, MMU Fault", f"{XID}: 31, pid=12, name=trtllm, MMU Fault"]),
    Fault("a GSP timeout", ["critical xid-119"],
          log=[f"{XID}: 119, pid=9, name=nvidia-smi, Timeout after 45s of waiting for RPC response from GPU0 GSP!"]),
    Fault("a GSP timeout that came back after a reboot", ["critical xid-119"],
          log=[f"{XID}: 119, pid=9, name=vllm, Timeout"], before=[f"{XID}: 119, pid=8, name=vllm, Timeout"]),
    Fault("a number that gpud drops", ["critical xid-175"], log=[f"{XID}: 175, Memory subsystem error"]),
    Fault("another number that gpud drops", ["warning xid-133"], log=[f"{XID}: 133, pid=1, name=a, CE17"]),
    Fault("a number that nobody knows", ["warning xid-999"], log=[f"{XID}: 999, something new"]),
    Fault("a number without a comma behind it", ["critical xid-62", "critical recovery-action"],
          {"gpu0.field.230": "1"}, [f"{XID}: 62"], since=570),
    Fault("a page fault in a MIG instance", ["warning xid-31"],
          log=[f"NVRM: Xid (PCI:{GPU[:-2]} GPU-I:03): 31, pid=11, name=vllm, MMU Fault"]),
    Fault("the driver says that it wants a reboot", ["critical xid-154"],
          log=[f"{XID}: 154, GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)"]),
    Fault("a fatal event of an NVLink 5", ["critical xid-145", "critical recovery-action"], {"gpu0.field.230": "4"},
          [f"{XID}: 145, RLW_TAGSTATE Fatal XC0 i0 Link 03 (0x00000008 0x00000002 0x0)"], since=570, only="fabric"),
    Fault("a fatal error of a switch", ["critical nvswitch"],
          log=["nvidia-nvswitch0: SXid (PCI:0000:c1:00.0): 20034, Fatal, Link 30 LTSSM Fault Up"]),
)  # fmt: skip
NETWORK = (
    Fault("the DPU is gone", ["critical dpu-missing", "critical port-down"], machine=Machine()),
    Fault("the DPU is in NIC mode", ["critical dpu-mode"], machine=dpu(mode="NIC mode")),
    Fault("old firmware on the DPU", ["warning dpu-firmware"], machine=dpu(firmware="32.39.1002")),
    Fault("no rshim", ["warning dpu-rshim"], machine=dpu(rshim=False)),
    Fault("the DPU was reset under its host", ["warning dpu-reset"], machine=dpu(uptime_s=600)),
    Fault("the DPU is hot", ["critical dpu-temperature"],
          machine=host({"sys/bus/pci/devices/0000:b1:00.0/hwmon/hwmon3/temp1_input": "107000\n"})),
    Fault("ports are down", ["critical port-down"], machine=dpu(state="1: DOWN", link="down")),
    Fault("a port is slow", ["warning port-speed"], machine=host({f"{PORT}/rate": "100 Gb/sec (2X HDR)\n"})),
    Fault("a port flaps", ["warning port-errors"], machine=host({f"{PORT}/counters/link_downed": "12\n"})),
    Fault("a port has symbol errors", ["warning port-errors"],
          machine=host({f"{PORT}/counters/symbol_error": "90000\n"})),
    Fault("RDMA without its module", ["warning peermem"], wanted={"rdma": True}),
    Fault("a command of mlx5 fails", ["warning mlx5-command"],
          log=["mlx5_core 0000:b1:00.0: mlx5_cmd_out_err:808:(pid 1): ACCESS_REG(0x805) op_mod(0x1) failed"]),
    Fault("too little power in the slot", ["warning slot-power"],
          log=["mlx5_core 0000:b1:00.0: Detected insufficient power on the PCIe slot (27W)."]),
    Fault("a hot module", ["warning module-temperature"],
          log=["mlx5_core 0000:b1:00.0: Port module event[error]: module 0, Cable error, High Temperature"]),
)  # fmt: skip
MACHINE = (
    Fault("a disk is nearly full", ["warning disk-full"], disk={"free_bytes": 40_000_000_000}),
    Fault("a disk is full", ["critical disk-full"], disk={"free_bytes": 90_000_000}),
    Fault("no inodes", ["critical disk-inodes"], disk={"inodes_free": 3}),
    Fault("a disk went read-only", ["critical disk-read-only"],
          machine=host({"proc/self/mounts": "/dev/nvme0n1p2 / ext4 ro,relatime 0 0\n"})),
    Fault("little memory", ["warning memory-low"],
          machine=host({"proc/meminfo": "MemTotal: 528280000 kB\nMemAvailable: 5282800 kB\n"})),
    Fault("no memory", ["critical memory-low"],
          machine=host({"proc/meminfo": "MemTotal: 528280000 kB\nMemAvailable: 52000 kB\n"})),
    Fault("a memory module is missing", ["critical memory-modules"],
          machine=host({"sys/devices/system/edac/mc/mc0/dimm3/size": "0\n"})),
    Fault("a process was ended for memory", ["warning oom-kill"],
          log=["Out of memory: Killed process 4242 (vllm) total-vm:1234kB, anon-rss:1kB"]),
    Fault("a processor locked up", ["warning lockup"],
          log=["watchdog: BUG: soft lockup - CPU#12 stuck for 26s! [vllm:4242]"]),
    Fault("a task hangs", ["warning lockup"], log=["INFO: task nvidia-smi:4242 blocked for more than 122 seconds."]),
    Fault("a file system has errors", ["warning disk-errors"],
          log=["EXT4-fs error (device nvme0n1p2): ext4_find_entry:1455: inode #2: comm ls: reading directory"]),
    Fault("a disk has errors", ["warning disk-errors"],
          log=["I/O error, dev nvme0n1, sector 1234 op 0x0:(READ) flags 0x0"]),
    Fault("a machine check", ["warning machine-check"],
          log=["mce: [Hardware Error]: CPU 3: Machine Check Exception: 5 Bank 7: be00000000800400"]),
    Fault("many open files", ["warning open-files"], machine=host({"proc/sys/fs/file-nr": "95000\t0\t100000\n"})),
    Fault("the clock is off", ["warning time-offset"], offset_s=0.4),
    Fault("the clock is wrong", ["critical time-offset"], offset_s=-60.0),
    Fault("a slow clock source", ["warning clocksource"],
          machine=host({"sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet\n"})),
    Fault("another governor", ["warning governor"], wanted={"cpu_governor": "powersave"}),
    Fault("the service failed", ["critical serving-unit"], units=unit("failed", "failed")),
    Fault("the service is not there", ["critical serving-unit"], units=unit("inactive", "dead", "not-found")),
    Fault("the service starts again and again", ["warning serving-unit"], units=unit("active", "running", restarts=9)),
)  # fmt: skip
FAULTS = (*PRESENCE, *MEMORY, *HEAT, *LINKS, *XIDS, *NETWORK, *MACHINE)
