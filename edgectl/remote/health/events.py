"""Lines of the kernel log, and of the fabric manager's own, that say something broke; Xids are read apart.

Each kind of line has a pattern; its group is the device it is about, else that is the first PCI address of the line.
"""

from __future__ import annotations

import re
import time
from typing import Any, Dict, List, Match, NamedTuple, Optional, Tuple

from edgectl.remote.gpu.readings import bus_id
from edgectl.remote.gpu.xid import moment

_LINE_CHARACTERS = 240
_PCI = r"([0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}(?:\.[0-7])?)"


class Kind(NamedTuple):
    """A kind of event. `literals` are texts of which each such line has one: they are sought first, being cheap."""

    name: str
    literals: Tuple[str, ...]
    pattern: str


# Sources: NVIDIA/open-gpu-kernel-modules 595 (osinit.c, kernel_rc_watchdog_callback.c, kernel_gsp.c), its nvswitch
# driver; Linux 6.12: drivers/net/ethernet/mellanox/mlx5/core (events.c, cmd.c, health.c), drivers/pci/pcie/aer.c,
# mm/oom_kill.c, kernel/watchdog.c, kernel/hung_task.c, fs/ext4, fs/xfs, fs/btrfs, block/blk-core.c,
# drivers/nvme/host, arch/x86/kernel/cpu/mce, drivers/edac; the fabric manager's user guide for its log.
KINDS = (
    Kind("rm-init-failed", ("RmInitAdapter failed",), r"NVRM: .*RmInitAdapter failed"),
    Kind("power-cables", ("power cables",), r"NVRM: .*necessary power cables"),
    Kind("watchdog-locked", ("probably locked",), r"NVRM: .*GPU is probably locked"),
    Kind(
        "gsp-timeout",
        ("GSP", "likely needs to be reset"),
        r"NVRM: .*(?:[Tt]imeout.*GSP|GSP.*(?:[Tt]ime[d ]*out|heartbeat)|likely needs to be reset)",
    ),
    Kind("sxid", ("SXid",), r"SXid \(.*\): \d+"),
    Kind("slot-power", ("insufficient power",), r"mlx5_core .*insufficient power on the PCIe slot"),
    Kind("module-temperature", ("High Temperature",), r"mlx5_core .*High Temperature"),
    Kind(
        "mlx5-command",
        ("mlx5_cmd", "leak of a command"),
        r"mlx5_core .*(?:mlx5_cmd_(?:out_err|check)\b.*failed|leak of a command)",
    ),
    Kind(
        "mlx5-health",
        ("health compromised", "atal error"),
        r"mlx5_core .*(?:health compromised|[Ff]atal error)",
    ),
    Kind(
        "pcie-aer",
        ("severity=Uncorrect", "AER: Uncorrect"),
        rf"PCIe Bus Error: severity=Uncorrect|AER: Uncorrect\w+ \([\w-]+\) error .*?{_PCI}",
    ),
    Kind("oom-kill", ("Killed process",), r"ut of memory: Killed process \d+ \((.+?)\)"),
    Kind(
        "soft-lockup", ("soft lockup", "hard LOCKUP"), r"(?:soft lockup - |hard LOCKUP on cpu )(CPU#\d+|\d+)"
    ),
    Kind("hung-task", ("blocked for more than",), r"INFO: task (.+?):\d+ blocked for more than"),
    Kind(
        "fs-error",
        ("-fs error", "emounting filesystem read-only", "XFS (", "BTRFS", "I/O error, dev"),
        r"EXT[234]-fs error \(device ([\w-]+)\)|EXT[234]-fs \(([\w-]+)\): Remounting filesystem read-only"
        r"|XFS \(([\w-]+)\): .*(?:[Cc]orruption|I/O [Ee]rror|[Ss]hut(?:ting )?down)"
        r"|BTRFS (?:error|critical) \(device ([\w-]+)|I/O error, dev ([\w-]+)",
    ),
    Kind(
        "nvme-error",
        ("nvme nvme",),
        r"nvme (nvme\d+): (?:I/O .*timeout|controller is down|Removing after probe|Device not ready|.*reset failed)",
    ),
    Kind(
        "mce",
        ("[Hardware Error]", "EDAC"),
        r"\[Hardware Error\]: (?:CPU (\d+): )?.*(?:Machine [Cc]heck|[Uu]ncorrected|[Ff]atal)|EDAC (MC\d+): \d+ UE",
    ),
    Kind("peermem-context", ("detected invalid context",), r"ERROR detected invalid context"),
)
FABRIC_MANAGER = "fabric-manager"
_FABRIC_LOG = "/var/log/fabricmanager.log"
_FABRIC_TAIL_BYTES = 65536
_FABRIC_ERROR = re.compile(r"\[(\w{3} \d\d \d{4} \d\d:\d\d:\d\d)\] (\[ERROR\].*)")
# What the fabric manager says of an order that changes nothing.
_BENIGN = "NV_WARN_NOTHING_TO_DO"

# What is worth keeping of a log of any length: the driver's own lines, and lines that may be an event.
WANTED = re.compile(
    b"|".join(
        [
            b"NVRM",
            *(re.escape(literal.encode()) for kind in KINDS for literal in kind.literals if literal != "GSP"),
        ]
    )
)
_PATTERNS = tuple((kind, re.compile(kind.pattern)) for kind in KINDS)
_ADDRESS = re.compile(rf"(?<![0-9a-fA-F]){_PCI}")
_XID = re.compile(r"NVRM: .*?Xid")


def parse(text: str, booted: float, boot: int = 0) -> List[Dict[str, Any]]:
    """Return the events of one boot, folded by kind and device."""
    folds: Dict[Tuple[str, Optional[str]], Dict[str, Any]] = {}
    for line in text.splitlines():
        known = _event(line)
        if known:
            _fold(folds, known, boot, moment(line, booted), line)
    return list(folds.values())


def _event(line: str) -> Optional[Tuple[str, Optional[str]]]:
    if _XID.search(line):
        return None
    for kind, pattern in _PATTERNS:
        if any(literal in line for literal in kind.literals):
            found = pattern.search(line)
            if found:
                return kind.name, _device(line, found)
    return None


def _device(line: str, found: Match[str]) -> Optional[str]:
    said = next((group for group in found.groups() if group), None)
    if said is None:
        address = _ADDRESS.search(line)
        said = address.group(1) if address else None
    return bus_id(said) if said and _ADDRESS.fullmatch(said) else said


def _fold(
    folds: Dict[Tuple[str, Optional[str]], Dict[str, Any]],
    known: Tuple[str, Optional[str]],
    boot: int,
    at: Optional[str],
    line: str,
) -> None:
    kind, device = known
    fold = folds.setdefault(known, {"kind": kind, "device": device, "count": 0, "first": at, "boot": boot})
    fold.update(count=fold["count"] + 1, last=at, line=_message(line))


def _message(line: str) -> str:
    """Return a line without its stamp: behind `kernel: `, `] ` or the record's `;`."""
    for mark in (" kernel: ", "] ", ";"):
        before, found, message = line.partition(mark)
        if found and len(before) < 80:  # noqa: PLR2004 - no stamp is longer
            return message.strip()[:_LINE_CHARACTERS]
    return line.strip()[:_LINE_CHARACTERS]


def fabric_manager(booted: float, root: str = "") -> List[Dict[str, Any]]:
    """Return the errors since this boot at the end of the fabric manager's log, as one event."""
    folds: Dict[Tuple[str, Optional[str]], Dict[str, Any]] = {}
    for line in _tail(root + _FABRIC_LOG):
        found = _FABRIC_ERROR.match(line)
        if found and _BENIGN not in line:
            at = time.mktime(time.strptime(found.group(1), "%b %d %Y %H:%M:%S"))  # it writes local time
            if at >= booted:
                stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
                _fold(folds, (FABRIC_MANAGER, None), 0, stamp, found.group(2))
    return list(folds.values())


def _tail(path: str) -> List[str]:
    try:
        with open(path, "rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(stream.tell() - _FABRIC_TAIL_BYTES, 0))
            return stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
