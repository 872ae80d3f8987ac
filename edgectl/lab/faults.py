"""The faults a lab can play, and what each takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edgectl.errors import InputError


class FaultKind(StrEnum):
    """What can go wrong at a lab host."""

    UNREACHABLE = "unreachable"
    SLOW = "slow"
    HOSTKEY = "hostkey"
    GPU_LOST = "gpu-lost"
    GPU_ECC = "gpu-ecc"
    GPU_HOT = "gpu-hot"
    GPU_XID = "gpu-xid"
    DISK_FULL = "disk-full"
    REBOOT = "reboot"
    POWER_CUT = "power-cut"


CLEAR = "clear"
# Played inside the host by its own stand-in program; the others on the way to it.
AT_HOST = (FaultKind.GPU_LOST, FaultKind.GPU_ECC, FaultKind.GPU_HOT, FaultKind.GPU_XID, FaultKind.DISK_FULL)
# These happen once; the others last until they are cleared.
AT_ONCE = (FaultKind.REBOOT, FaultKind.POWER_CUT)
# A machine has no GPUs to lose, and no line but its own sshd's.
AT_MACHINES = (FaultKind.UNREACHABLE, FaultKind.HOSTKEY, FaultKind.DISK_FULL, *AT_ONCE)
VALUES = {
    FaultKind.UNREACHABLE: "refuse",
    FaultKind.SLOW: "250",
    FaultKind.HOSTKEY: "",
    FaultKind.GPU_LOST: "0",
    FaultKind.GPU_ECC: "0",
    FaultKind.GPU_HOT: "0",
    FaultKind.GPU_XID: "79",
    FaultKind.DISK_FULL: "",
    FaultKind.REBOOT: "",
    FaultKind.POWER_CUT: "",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and its value: a GPU's index, an Xid, milliseconds, or how a host is unreachable."""

    kind: FaultKind
    value: str

    def __str__(self) -> str:
        return f"{self.kind} {self.value}".rstrip()


def parse_fault(kind: str, value: str | None) -> Fault | None:
    """Return the fault meant; None for `clear`. Raises `InputError` saying what could be meant."""
    if kind == CLEAR:
        return None
    if kind not in set(FaultKind):
        raise InputError(f"unknown fault {kind!r}; there are {', '.join(FaultKind)}, and {CLEAR}")
    known = FaultKind(kind)
    fault = Fault(known, VALUES[known] if value is None else value)
    _check(fault)
    return fault


def _check(fault: Fault) -> None:
    match fault.kind:
        case FaultKind.UNREACHABLE if fault.value not in ("refuse", "silent"):
            raise InputError(f"a host is unreachable as 'refuse' or 'silent', not {fault.value!r}")
        case FaultKind.SLOW | FaultKind.GPU_LOST | FaultKind.GPU_ECC | FaultKind.GPU_HOT | FaultKind.GPU_XID:
            if not fault.value.isdecimal():
                raise InputError(f"fault {fault.kind} takes a whole number, not {fault.value!r}")
        case _:
            return
