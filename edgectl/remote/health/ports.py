"""Ports of RDMA-capable cards: state, rate, error counters, from `/sys/class/infiniband`."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Optional

from edgectl.remote.gpu.readings import bus_id
from edgectl.remote.health.files import names, number, text

# Counters that say something broke, or that RoCE had to slow down; throughput is not health.
_COUNTERS = (
    "symbol_error",
    "link_error_recovery",
    "link_downed",
    "port_rcv_errors",
    "port_rcv_remote_physical_errors",
    "port_xmit_discards",
    "port_xmit_wait",
    "local_link_integrity_errors",
    "excessive_buffer_overrun_errors",
    "VL15_dropped",
)
_HARDWARE_COUNTERS = (
    "out_of_sequence",
    "packet_seq_err",
    "local_ack_timeout_err",
    "rnr_nak_retry_err",
    "req_cqe_error",
    "resp_cqe_error",
    "roce_adp_retrans_to",
    "np_cnp_sent",
    "rp_cnp_handled",
    "rx_icrc_encapsulated",
)
_FLAPS = "carrier_down_count"
_ADDRESS = re.compile(r"^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$")
_RATE = re.compile(r"([\d.]+) Gb/sec")


def read(root: str = "") -> List[Dict[str, Any]]:
    """Return every port of every card that has a driver."""
    folder = f"{root}/sys/class/infiniband"
    return [
        _port(root, device, int(port))
        for device in names(folder)
        for port in names(f"{folder}/{device}/ports")
        if port.isdigit()
    ]


def _port(root: str, device: str, port: int) -> Dict[str, Any]:
    card = f"{root}/sys/class/infiniband/{device}"
    folder = f"{card}/ports/{port}"
    address = os.path.basename(os.path.realpath(f"{card}/device"))
    interface = _interface(card, folder)
    found = {
        "interface": interface,
        "pci_bus_id": bus_id(address) if _ADDRESS.match(address) else None,
        "link_layer": text(f"{folder}/link_layer"),
        "state": _word(text(f"{folder}/state")),
        "physical_state": _word(text(f"{folder}/phys_state")),
        "rate_gbps": _rate_gbps(text(f"{folder}/rate")),
        "firmware": text(f"{card}/fw_ver"),
    }
    missing = [name for name, value in found.items() if value is None]
    return {
        "device": device,
        "port": port,
        **found,
        "counters": _counters(folder, f"{root}/sys/class/net/{interface}"),
        "unread": {"unsupported": missing, "error": {}, "not_collected": []},
    }


def _interface(card: str, folder: str) -> Optional[str]:
    """The kernel's own table of addresses names it; without one, a card of one interface has no other."""
    said = text(f"{folder}/gid_attrs/ndevs/0")
    if said:
        return said
    found = names(f"{card}/device/net")
    return found[0] if len(found) == 1 else None


def _word(said: Optional[str]) -> Optional[str]:
    """Return `ACTIVE` of `4: ACTIVE`."""
    return said.rpartition(": ")[2] if said else None


def _rate_gbps(said: Optional[str]) -> Optional[float]:
    found = _RATE.match(said or "")
    return float(found.group(1)) if found else None


def _counters(folder: str, interface: str) -> Dict[str, int]:
    """Return the counters that this card has."""
    paths = {
        **{name: f"{folder}/counters/{name}" for name in _COUNTERS},
        **{name: f"{folder}/hw_counters/{name}" for name in _HARDWARE_COUNTERS},
        _FLAPS: f"{interface}/{_FLAPS}",
    }
    found = {name: number(path) for name, path in paths.items()}
    return {name: value for name, value in found.items() if value is not None}
