"""The driver's lines in the kernel log: Xids in all three forms, and GPUs that fell off the bus.

The forms are those of the driver's source (open-gpu-kernel-modules, kernel_rc.c): `(PCI:dddd:bb:dd)`, with a
MIG instance `(PCI:… GPU-I:nn)`, and with its compute instance `(PCI:… GPU-I:nn GPU-CI:nn)`. An Xid in any
other form is kept too, without an address: none is ever dropped.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, Dict, Iterable, List, Optional, Tuple

from edgectl.remote.gpu.readings import bus_id

MARKER = re.compile(b"NVRM")
FALLEN_OFF = 79
_LINE_CHARACTERS = 300
_PROCESSES = 8
_MOMENTS = 8
_ADDRESS = r"([0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}(?:\.\d)?)"
_XID = re.compile(rf"NVRM: Xid \((?:PCI:)?{_ADDRESS}(?: GPU-I:(\d+))?(?: GPU-CI:(\d+))?\): (\d+)(?:, (.*))?")
_ANY_XID = re.compile(r"NVRM: .*?Xid.*?: (\d+)\b(?:, (.*))?")
_UUID = re.compile(rf"NVRM: GPU at (?:PCI:)?{_ADDRESS}: (GPU-[0-9A-Fa-f-]+)")
_SERIAL = re.compile(rf"NVRM: GPU {_ADDRESS}: GPU serial number is (\w+)")
_FALLEN = re.compile(rf"NVRM: GPU {_ADDRESS}: GPU has fallen off the bus")
# The form of three lines: the address, the PCI id, the message.
_NAMED = re.compile(rf"NVRM: The NVIDIA GPU {_ADDRESS}")
_PROCESS = re.compile(r"pid=([^,]*), name=([^,]*)")
_ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,]\d+)?([+-]\d\d):?(\d\d) ")
_SECONDS = re.compile(r"\[\s*(\d+\.\d+)\]")
_KMSG = re.compile(r"\d+,\d+,(\d+),[^;]*;")


def parse(text: str, booted: float, boot: int = 0) -> Dict[str, Any]:
    """Return `xids`, folded by code and place, and the `uuids` and `serials` by address.

    `booted` turns a time since boot into a time of day; `boot` is 0 for this boot, -1 for the one before.
    """
    found = _Found(booted, boot)
    for line in text.splitlines():
        found.take(line)
    return {"xids": found.folded(), "uuids": found.uuids, "serials": found.serials}


class _Found:
    def __init__(self, booted: float, boot: int) -> None:
        self._booted, self._boot = booted, boot
        self._folds: Dict[Tuple[int, Optional[str], Optional[str], Optional[str]], Dict[str, Any]] = {}
        self._named: Optional[str] = None
        self.uuids: Dict[str, str] = {}
        self.serials: Dict[str, str] = {}
        self._fallen: List[Tuple[str, str]] = []

    def take(self, line: str) -> None:
        xid = _XID.search(line)
        if xid:
            address, gpu_instance, compute_instance, code, detail = xid.groups()
            self._add((int(code), bus_id(address), gpu_instance, compute_instance), line, detail or "")
            return
        other = _ANY_XID.search(line)
        if other:
            self._add((int(other.group(1)), None, None, None), line, other.group(2) or "")
            return
        for pattern, known in ((_UUID, self.uuids), (_SERIAL, self.serials)):
            said = pattern.search(line)
            if said:
                known[bus_id(said.group(1))] = said.group(2)
                return
        self._take_loss(line)

    def _take_loss(self, line: str) -> None:
        named, fallen = _NAMED.search(line), _FALLEN.search(line)
        if named:
            self._named = bus_id(named.group(1))
        elif fallen:
            self._fallen.append((bus_id(fallen.group(1)), line))
        elif self._named and "fallen off the bus" in line:
            self._fallen.append((self._named, line))
            self._named = None

    def _add(
        self, key: Tuple[int, Optional[str], Optional[str], Optional[str]], line: str, detail: str
    ) -> None:
        at = moment(line, self._booted)
        code, address, gpu_instance, compute_instance = key
        fold = self._folds.setdefault(
            key,
            {
                "code": code,
                "pci_bus_id": address,
                "gpu_instance": gpu_instance,
                "compute_instance": compute_instance,
                "count": 0,
                "first": at,
                "processes": [],
                "boot": self._boot,
                "moments": [],
            },
        )
        moments = [*fold["moments"], at][-_MOMENTS:] if at else fold["moments"]
        fold.update(count=fold["count"] + 1, last=at, line=_message(line), moments=moments)
        process = _PROCESS.search(detail)
        if process and "<unknown>" not in process.group(1):
            said = f"{process.group(2)} ({process.group(1)})"
            if said not in fold["processes"] and len(fold["processes"]) < _PROCESSES:
                fold["processes"].append(said)

    def folded(self) -> List[Dict[str, Any]]:
        """Return the folds; a GPU that fell off the bus has an Xid 79 even where the driver wrote none."""
        told = {key[1] for key in self._folds if key[0] == FALLEN_OFF}
        for address, line in self._fallen:
            if address not in told:
                self._add((FALLEN_OFF, address, None, None), line, "")
        return list(self._folds.values())


def _message(line: str) -> str:
    return line[line.index("NVRM") :][:_LINE_CHARACTERS]


def moment(line: str, booted: float) -> Optional[str]:
    """Return when a line was written, in UTC, from the prefix of `journalctl`, `dmesg` or `/dev/kmsg`."""
    iso, seconds, kmsg = _ISO.match(line), _SECONDS.search(line), _KMSG.match(line)
    if iso:
        written = datetime.strptime(f"{iso.group(1)}{iso.group(2)}{iso.group(3)}", "%Y-%m-%dT%H:%M:%S%z")
    elif kmsg:
        written = datetime.fromtimestamp(booted + int(kmsg.group(1)) / 1e6, timezone.utc)
    elif seconds:
        written = datetime.fromtimestamp(booted + float(seconds.group(1)), timezone.utc)
    else:
        return None
    return written.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def fallen_off(xids: Iterable[Dict[str, Any]]) -> List[str]:
    """Return the addresses of the GPUs that fell off the bus since this boot."""
    gone = [xid for xid in xids if xid["code"] == FALLEN_OFF and xid["boot"] == 0]
    return [xid["pci_bus_id"] for xid in gone if xid["pci_bus_id"]]
