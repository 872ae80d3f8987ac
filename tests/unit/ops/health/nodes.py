"""Nodes as hosts tell about them, healthy unless a test says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgectl.inventory.model import Host, Pop, PopState, SshOptions

RTX = "NVIDIA RTX PRO 6000 Blackwell Server Edition"
HARDWARE = "rtx-pro-6000-server-2"
_HEALTHY = {
    "state": "ok",
    "name": RTX,
    "vbios": "98.02.8D.00.03",
    "memory_total_mib": 97887,
    "memory_used_mib": 0,
    "temperature_c": 36.0,
    "margin_c": 56.0,
    "slowdown_margin_c": -2.0,
    "power_w": 82.4,
    "power_limit_w": 600.0,
    "clock_sm_mhz": 180,
    "performance_state": "P8",
    "utilization_percent": 0.0,
    "clocks_event_reasons": ["gpu_idle"],
    "ecc_mode": True,
    "ecc_volatile_corrected": 0,
    "ecc_volatile_uncorrected": 0,
    "remapped_rows_uncorrected": 0,
    "remap_pending": False,
    "remap_failure": False,
    "pcie_gen": 5,
    "pcie_gen_max": 5,
    "pcie_width": 16,
    "pcie_width_max": 16,
    "mig_mode": False,
    "persistence_mode": True,
    "recovery_action": "none",
    "unread": {"unsupported": ["memory_temperature_c"]},
}


def a_gpu(number: int, **changes: Any) -> dict[str, Any]:
    identity = {
        "index": number,
        "uuid": f"GPU-0000000{number}-0000-0000-0000-000000000000",
        "serial": f"16500000000{number:02d}",
        "pci_bus_id": f"00000000:{0x41 + 0x10 * number:02X}:00.0",
    }
    return {**_HEALTHY, **identity, **changes}


def a_node(gpus: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    return {
        "collector": "nvml",
        "attempts": [],
        "driver_version": "580.105.08",
        "kernel": "6.8.0-88-generic",
        "boot_id": "7fbc",
        "gpus": gpus,
        "pci_gpus": [],
        "xids": [],
        "kernel_log": {"source": "journalctl", "error": ""},
        "seconds": 0.1,
        **changes,
    }


def an_xid(code: int, **changes: Any) -> dict[str, Any]:
    return {
        "code": code,
        "pci_bus_id": "00000000:41:00.0",
        "gpu_instance": None,
        "compute_instance": None,
        "count": 1,
        "first": "2026-08-21T09:34:04Z",
        "last": "2026-08-21T09:34:04Z",
        "line": f"NVRM: Xid (PCI:0000:41:00): {code}",
        "processes": [],
        "gpu": "GPU-00000000-0000-0000-0000-000000000000",
        **changes,
    }


def a_host(name: str = "fra1-r1-n01", **changes: Any) -> Host:
    pop = Pop("fra1", "FRA", "eu-central", "DE", "Europe/Berlin", PopState.LIVE, None, {})
    fields: dict[str, Any] = {
        "address": "192.0.2.1",
        "pop": pop,
        "rack": "",
        "role": "gpu",
        "hardware": HARDWARE,
        "labels": {},
        "vars": {},
        "ssh": SshOptions(),
        "host_key": None,
        "groups": (),
        "origins": {},
        **changes,
    }
    return Host(name=name, **fields)


CASES = Path(__file__).parents[3] / "cases" / "health.yaml"
