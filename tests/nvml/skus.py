"""GPUs to play: public figures of each model, and what its healthy, idle card answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.nvml.branches import BRANCHES

AMPERE, ADA, HOPPER, BLACKWELL = 7, 8, 9, 10  # nvml.h, NVML_DEVICE_ARCH_*


@dataclass(frozen=True)
class Sku:
    """A GPU model; `links` are its NVLinks, `mig` how many instances it can have (0: no MIG).

    Where the vendor publishes no figure (host link of B200, memory of B300 and GB300 in MiB), it is a likely one:
    nothing is tested against it but that it is read.
    """

    name: str
    device_id: str
    architecture: int
    memory_mib: int
    power_w: int
    pcie_gen: int = 5
    links: int = 0
    mig: int = 0
    memory_heat: bool = False
    slowdown_margin_c: int = -2


SKUS = {
    "rtx-pro-6000-server": Sku(
        "NVIDIA RTX PRO 6000 Blackwell Server Edition", "2bb5", BLACKWELL, 97887, 600, mig=4
    ),
    "rtx-pro-4500-server": Sku(
        "NVIDIA RTX PRO 4500 Blackwell Server Edition", "2c3a", BLACKWELL, 32623, 165, mig=2
    ),
    "rtx-pro-5000": Sku("NVIDIA RTX PRO 5000 Blackwell", "2bb3", BLACKWELL, 48935, 300, mig=2),
    "rtx-pro-6000-workstation": Sku(
        "NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "2bb1", BLACKWELL, 97887, 600, mig=4
    ),
    "b200": Sku("NVIDIA B200", "2901", BLACKWELL, 183359, 1000, 5, 18, 7, True, -3),
    "b300": Sku("NVIDIA B300 SXM6 AC", "3182", BLACKWELL, 275040, 1100, 6, 18, 7, memory_heat=True),
    "gb200": Sku("NVIDIA GB200", "2941", BLACKWELL, 189471, 1200, 5, 18, 7, memory_heat=True),
    "gb300": Sku("NVIDIA GB300", "31c2", BLACKWELL, 284208, 1400, 5, 18, 7, memory_heat=True),
    "h200": Sku("NVIDIA H200", "2335", HOPPER, 143771, 700, 5, 18, 7, memory_heat=True),
    "h200-nvl": Sku("NVIDIA H200 NVL", "233b", HOPPER, 143771, 600, 5, 0, 7, memory_heat=True),
    "h100": Sku("NVIDIA H100 80GB HBM3", "2330", HOPPER, 81559, 700, 5, 18, 7, memory_heat=True),
    "h100-pcie": Sku("NVIDIA H100 PCIe", "2331", HOPPER, 81559, 350, 5, 0, 7, memory_heat=True),
    "l40s": Sku("NVIDIA L40S", "26b9", ADA, 46068, 350, 4),
    "l4": Sku("NVIDIA L4", "27b8", ADA, 23034, 72, 4),
    "a100": Sku("NVIDIA A100-SXM4-80GB", "20b2", AMPERE, 81920, 400, 4, 12, 7, memory_heat=True),
    "a100-pcie": Sku("NVIDIA A100 80GB PCIe", "20b5", AMPERE, 81920, 300, 4, 0, 7, memory_heat=True),
}
_FIRST_BUS = 0x41


def address(index: int) -> str:
    """Return the PCI address of a GPU, as sysfs writes it."""
    return f"0000:{_FIRST_BUS + 0x10 * index:02x}:00.0"


def uuid(index: int) -> str:
    """Return a GPU's UUID."""
    return f"GPU-{index:08d}-0000-4000-8000-{index:012d}"


def serial(index: int) -> str:
    """Return a card's serial number."""
    return f"16500000{index:05d}"


def healthy(sku: Sku, index: int, branch: str) -> dict[str, str]:
    """Return what a healthy idle card answers, by the keys of the library's state file."""
    blackwell_gb20x = sku.architecture == BLACKWELL and not sku.memory_heat
    return {
        "uuid": uuid(index),
        "name": sku.name,
        "serial": serial(index),
        "bus_id": f"0000{address(index).upper()}",
        "board_part": "900-2G153-0000-000",
        "vbios": "98.02.8D.00.03",
        "inforom": "G153.0510.00.03",
        "inforom_valid": "1",
        "architecture": str(sku.architecture),
        "gsp_firmware": BRANCHES[branch].version,
        "memory_mib": f"{sku.memory_mib},0",
        "ecc_mode": "1,1",
        **{f"ecc.{when}.{kind}": "0" for when in ("volatile", "aggregate") for kind in ("corrected", "uncorrected")},
        "ecc.sram": "0,0",
        "remapped_rows": "0,0,0,0",
        "remap_banks": "512,0,0,0,0" if blackwell_gb20x else "640,0,0,0,0",
        "unrepairable": "0",
        **_heat_and_power(sku),
        **_links(sku),
        **_mig(sku),
        "performance_state": "8",
        "persistence": "1",
        "utilization": "0",
        "event_reasons": "0x1",
        "processes": "",
        **{f"field.{number}": value for number, value in _fields(sku).items()},
    }  # fmt: skip


def _heat_and_power(sku: Sku) -> dict[str, str]:
    margin = {} if sku.architecture == AMPERE else {"margin": "52"}
    return {
        "temperature": "34",
        **margin,
        "threshold.1": "92",
        "threshold.0": "95",
        "power_mw": "82400",
        "power_limit_mw": str(sku.power_w * 1000),
        "power_default_mw": str(sku.power_w * 1000),
        "clock_sm": "180",
        "clock_sm_max": "2430",
        "clock_memory": "405",
        "clock_memory_max": "12481",
    }


def _links(sku: Sku) -> dict[str, str]:
    links = {"nvlinks": f"{sku.links},{sku.links}"} if sku.links else {}
    fabric = {"fabric": "3,0,0"} if sku.links and sku.architecture >= HOPPER else {}
    return {
        "pcie.gen": "1",
        "pcie.gen_max": str(sku.pcie_gen),
        "pcie.width": "16",
        "pcie.width_max": "16",
        "pcie.replays": "0",
        **links,
        **fabric,
    }


def _mig(sku: Sku) -> dict[str, str]:
    return {"mig_mode": "0,0", "mig_most": str(sku.mig), "mig_instances": "0"} if sku.mig else {}


def _fields(sku: Sku) -> Mapping[int, str]:
    links = {91: str(sku.links)} if sku.links else {}
    errors = (
        dict.fromkeys((206, 207, 208, 210, 211, 214, 215, 219), "ull:0")
        if sku.architecture >= BLACKWELL
        else {}
    )
    margins = {} if sku.architecture == AMPERE else {194: str(sku.slowdown_margin_c), 195: "0"}
    counters = dict.fromkeys((74, 76, 269, 270, 271), "ull:0")
    memory = {82: "36"} if sku.memory_heat else {}
    pcie = dict.fromkeys((94, 95, 173, 179, 180), "0")
    return {**counters, **margins, **memory, **pcie, **links, **(errors if sku.links else {}),
            185: "82400", 186: "82400", 230: "0"}  # fmt: skip
