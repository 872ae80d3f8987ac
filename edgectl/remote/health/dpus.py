"""BlueField DPUs as their host sees them: PCI, the rshim driver's files, sysfs. No firmware tool is run."""

from __future__ import annotations

import glob
import os
import re
from typing import Any, Dict, Iterator, List, Optional, Tuple

from edgectl.remote.gpu.readings import bus_id
from edgectl.remote.health.files import names, number, text

_MELLANOX = "0x15b3"
# pci.ids: the network function that the processor on each card shares with its host.
_MODELS = {"0xa2d2": "BlueField", "0xa2d6": "BlueField-2", "0xa2dc": "BlueField-3", "0xa2df": "BlueField-4"}
# Mellanox/rshim-user-space, rshim.c: what it prints under BF_MODE; a locked card is one in NIC mode.
_MODES = {"DPU mode": "dpu", "NIC mode": "nic"}
_READY = ("DPU is ready", "Linux up")
_LINE = re.compile(r"^([A-Z_]+)\s+(.*)$", re.MULTILINE)
_LOG_LINE = re.compile(r"^\s*(?:INFO|WARN|ERR|ASSERT)\w*\[[^\]]*\]: ?(.*)$", re.MULTILINE)
# Older rshim names no PCI domain: `pcie-04:00.2`, where newer ones say `pcie-0000:04:00.2`.
_DEVICE = re.compile(r"pcie-(?:([0-9a-fA-F]{4}):)?([0-9a-fA-F]{2}:[0-9a-fA-F]{2})\.")
_UPTIME = re.compile(r"(\d+)\(s\)")
_READINGS = (
    *("part", "serial", "firmware", "mode", "rshim", "arm_up", "boot_state"),
    *("software", "uptime_s", "temperature_c"),
)
_VPD_FIELD = re.compile(rb"(PN|SN)(.)", re.DOTALL)


def read(root: str = "") -> List[Dict[str, Any]]:
    """Return every BlueField once, under the address of its first network function."""
    folder = f"{root}/sys/bus/pci/devices"
    cards: Dict[str, str] = {}
    for address in names(folder):
        is_ours = text(f"{folder}/{address}/vendor") == _MELLANOX
        if is_ours and text(f"{folder}/{address}/device") in _MODELS:
            cards.setdefault(address.rpartition(".")[0], address)
    consoles, inside = _consoles(root), _inside(root)
    return [_card(root, address, inside or consoles.get(slot)) for slot, address in sorted(cards.items())]


def _inside(root: str) -> Optional[Dict[str, Any]]:
    """Return what only the DPU's own system has: we run on the DPU itself, in DPU mode or there would be none."""
    software, uptime = text(f"{root}/etc/mlnx-release"), text(f"{root}/proc/uptime")
    if software is None or uptime is None:
        return None
    return {"software": software, "mode": "dpu", "arm_up": True, "uptime_s": float(uptime.split()[0])}


def _card(root: str, address: str, console: Optional[Dict[str, Any]]) -> Dict[str, Any]:
    folder = f"{root}/sys/bus/pci/devices/{address}"
    device = text(f"{folder}/device") or ""
    part, serial = _product(f"{folder}/vpd")
    firmware = (text(path) for path in sorted(glob.glob(f"{folder}/infiniband/*/fw_ver")))
    found: Dict[str, Any] = {
        **dict.fromkeys(_READINGS),
        "part": part,
        "serial": serial,
        "firmware": next((version for version in firmware if version), None),
        "temperature_c": _temperature_c(folder),
        **(console or {}),
    }
    missing = [name for name in _READINGS if found[name] is None]
    unread = {
        "unsupported": missing if console else [],
        "error": {},
        "not_collected": [] if console else missing,
    }
    return {
        "pci_bus_id": bus_id(address),
        "model": _MODELS[device],
        "device_id": device[2:],
        **found,
        "unread": unread,
    }


def consoles(root: str = "") -> List[Tuple[str, str]]:
    """Return every rshim and the slot of the card that it says it is of, as `0000:b1:00`; '' for no PCI card."""
    return [(rshim, _slot(fields.get("DEV_NAME", ""))) for rshim, _, fields in _spoken(root)]


def log_lines(said: str) -> List[str]:
    """Return the messages of the card's processor in what an rshim's `misc` says, with their levels."""
    return [match.group(0).strip() for match in _LOG_LINE.finditer(said)]


def _consoles(root: str) -> Dict[str, Dict[str, Any]]:
    """Return what each rshim says, by the slot of its card."""
    return {
        _slot(fields.get("DEV_NAME", "")): _console(root, rshim, said, fields)
        for rshim, said, fields in _spoken(root)
    }


def _spoken(root: str) -> Iterator[Tuple[str, str, Dict[str, str]]]:
    for path in sorted(glob.glob(f"{root}/dev/rshim*/misc")):
        said = text(path)
        if said:
            yield os.path.basename(os.path.dirname(path)), said, dict(_LINE.findall(said))


def _slot(name: str) -> str:
    """Return the slot in rshim's name of a card; '' where it is no PCI card, as on a BMC's USB."""
    said = _DEVICE.match(name)
    return f"{said.group(1) or '0000'}:{said.group(2)}".lower() if said else ""


def _console(root: str, rshim: str, said: str, fields: Dict[str, str]) -> Dict[str, Any]:
    log = _LOG_LINE.findall(said)
    uptime = _UPTIME.match(fields.get("UP_TIME", ""))
    is_locked = fields.get("SECURE_NIC_MODE", "").startswith("1")
    mode = "nic" if is_locked else _MODES.get(fields.get("BF_MODE", "").strip())
    return {
        "rshim": rshim,
        "mode": mode,
        "uptime_s": float(uptime.group(1)) if uptime else None,
        "boot_state": log[-1].strip(": ") if log else None,
        "arm_up": True if any(word in line for line in log for word in _READY) else _carrier(root, rshim),
    }


def _carrier(root: str, rshim: str) -> Optional[bool]:
    """The network over rshim has a carrier while the other end's Linux, or its firmware, answers."""
    said = text(f"{root}/sys/class/net/tmfifo_net{rshim[len('rshim') :]}/carrier")
    return None if said is None else said == "1"


def _temperature_c(folder: str) -> Optional[float]:
    for path in sorted(glob.glob(f"{folder}/hwmon/hwmon*/temp1_input")):
        value = number(path)
        if value is not None:
            return value / 1000
    return None


def _product(path: str) -> Any:
    """Return part and serial number from the card's product data, which only root reads (PCI 3.0, appendix I)."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(4096)
    except OSError:
        return None, None
    found: Dict[bytes, str] = {}
    for match in _VPD_FIELD.finditer(data):
        value = data[match.end() : match.end() + match.group(2)[0]]
        found.setdefault(match.group(1), value.decode("ascii", "replace").strip())
    return found.get(b"PN") or None, found.get(b"SN") or None
