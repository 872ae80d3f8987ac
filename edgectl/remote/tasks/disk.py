"""A file system of ours on a disk that is named by id, and mounted; what is on it and not ours is never overwritten."""

from __future__ import annotations

import json
import os

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.hardware import disks
from edgectl.remote.lean import Any, Dict, List, Literal, Union
from edgectl.remote.ownership import AS_IT_IS
from edgectl.remote.result import TaskResult, failed

REPEAT = "idempotent"
_MAKERS = {"ext4": ["mkfs.ext4", "-q", "-F", "-L"], "xfs": ["mkfs.xfs", "-q", "-f", "-L"]}
# xfs takes no longer one.
_LABEL_LENGTH = 12
# blkid(8), EXIT STATUS.
_NOTHING_FOUND = 2


@dataclass(frozen=True)
class Args:
    """Name the disk as it is called on every boot, and where it belongs."""

    id: str = arg(doc="Its name below /dev/disk/by-id, the whole disk's.")
    path: str = arg(doc="Where it is mounted.")
    label: str = arg(doc="The file system's label, by which it is known as ours.")
    fstype: Literal["ext4", "xfs"] = arg("ext4", doc="The file system.")
    options: str = arg("defaults,nofail", doc="Mount options; nofail lets the host boot without the disk.")
    serial: str | None = arg(None, doc="The disk's serial number: what is on it and not ours may be erased.")
    fstab: str = arg("/etc/fstab", doc="What is mounted at boot.")
    root: str = arg("", doc="A folder that stands for / where disks are looked up.")

    def __post_init__(self) -> None:
        """Refuse names that do not stay, parts of disks, and labels that do not fit."""
        if "/" in self.id or "-part" in self.id or not self.id:
            raise ValueError("'id' is the name of a whole disk below /dev/disk/by-id")
        if not 0 < len(self.label) <= _LABEL_LENGTH or set(self.label) & set(" \\\t\n"):
            raise ValueError(f"'label' must be a word of at most {_LABEL_LENGTH} letters")
        if not self.path.startswith("/") or set(self.path) & set(" \\\t\n"):
            raise ValueError("'path' must be a whole path without spaces")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Make the file system where there is nothing, mount it, and look again."""
    device = os.path.realpath(f"{args.root}/dev/disk/by-id/{args.id}")
    if not os.path.exists(device):
        return failed(f"there is no disk {args.id}: see /dev/disk/by-id")
    found = _signatures(device, context)
    if isinstance(found, str):
        return failed(found)
    refusal = "" if _is_ours(args, found) else _refusal(args, device, found)
    values: dict[str, Any] = {"device": device, "signatures": [_named(one) for one in found]}
    if refusal:
        return failed(refusal, **values)
    todo = _todo(args, device, found)
    if context.check or not todo:
        return TaskResult(bool(todo), values={**values, "changes": todo})
    problem = "" if _is_ours(args, found) else _make(args, device, found, context)
    made = _signatures(device, context)
    if problem or isinstance(made, str) or not _is_ours(args, made):
        said = (
            made
            if isinstance(made, str)
            else f"on {args.id} is no {args.fstype} '{args.label}' after it was made"
        )
        return failed(problem or said, **values)
    problem = _mount(args, device, _line(args, made), context)
    left = _todo(args, device, made)
    if problem or left:
        return failed(problem or f"still to do at {args.id}: {', '.join(left)}", **values)
    return TaskResult(changed=True, values={**values, "changes": todo})


def _signatures(device: str, context: TaskContext) -> Union[List[Dict[str, Any]], str]:
    """Return what wipefs finds on the disk, or why that cannot be told: then it is not touched."""
    done = context.proc.run(["wipefs", "--no-act", "--json", device], timeout_s=60.0)
    if done.rc != 0:
        return f"what is on {device} cannot be told: {done.stderr.strip() or 'wipefs gave no reason'}"
    try:
        found = [dict(one) for one in json.loads(done.stdout or '{"signatures": []}')["signatures"]]
    except (ValueError, KeyError, TypeError):
        return f"what is on {device} cannot be told: wipefs said {done.stdout.strip()[:200]!r}"
    if found:
        return found
    # That nothing is there is believed only where two say so.
    second = context.proc.run(["blkid", "-p", "-o", "export", device], timeout_s=60.0)
    is_empty = second.rc == _NOTHING_FOUND and not second.stdout.strip()
    return (
        [] if is_empty else f"what is on {device} cannot be told: wipefs sees nothing, blkid does not agree"
    )


def _is_ours(args: Args, found: List[Dict[str, Any]]) -> bool:
    return [(one.get("type"), one.get("label")) for one in found] == [(args.fstype, args.label)]


def _refusal(args: Args, device: str, found: List[Dict[str, Any]]) -> str:
    """Return why no file system may be made there, or an empty text."""
    name = f"/dev/{os.path.basename(device)}" if args.root else device
    disk = next((one for one in disks(args.root) if one["device"] == name), None)
    if disk is None:
        return f"{args.id} is no whole disk of this host"
    if not disk["free"]:
        return f"{args.id} is in use: it is mounted, has partitions, or something holds it"
    if not found or (args.serial is not None and args.serial == disk["serial"]):
        return ""
    told = (
        f"'{args.serial}' is not its serial number" if args.serial else "to erase it, give its serial number"
    )
    return f"on {args.id} is {', '.join(_named(one) for one in found)}, which is not ours; {told}"


def _named(signature: Dict[str, Any]) -> str:
    label = signature.get("label")
    return f"{signature.get('type')} '{label}'" if label else str(signature.get("type"))


def _todo(args: Args, device: str, found: List[Dict[str, Any]]) -> List[str]:
    is_ours = _is_ours(args, found)
    todo = [] if is_ours else [f"{args.fstype} '{args.label}'"]
    if not is_ours or _line(args, found) not in _fstab(args):
        todo.append(f"{args.path} in {args.fstab}")
    if not _is_mounted(args, device):
        todo.append(f"mounted at {args.path}")
    return todo


def _line(args: Args, found: List[Dict[str, Any]]) -> str:
    return f"UUID={found[0]['uuid']} {args.path} {args.fstype} {args.options} 0 2"


def _fstab(args: Args) -> List[str]:
    return (files.read(args.fstab) or b"").decode("utf-8", "surrogateescape").splitlines()


def _is_mounted(args: Args, device: str) -> bool:
    lines = (files.read(f"{args.root}/proc/self/mounts") or b"").decode("utf-8", "replace").splitlines()
    return [device, args.path] in [line.split(" ")[:2] for line in lines]


def _make(args: Args, device: str, found: List[Dict[str, Any]], context: TaskContext) -> str:
    commands = [["wipefs", "--all", device]] if found else []
    for words in [*commands, [*_MAKERS[args.fstype], args.label, device]]:
        done = context.proc.run(words)
        if done.rc != 0:
            return f"{words[0]} ended with {done.rc}: {done.stderr.strip()}"
    return ""


def _mount(args: Args, device: str, line_of_ours: str, context: TaskContext) -> str:
    """Write it down for every boot and mount it; another line for the same place makes way."""
    kept = [line for line in _fstab(args) if line.startswith("#") or args.path not in line.split()[1:2]]
    text = "".join(f"{line}\n" for line in [*kept, line_of_ours])
    files.write_atomically(args.fstab, text.encode("utf-8", "surrogateescape"), AS_IT_IS)
    if _is_mounted(args, device):
        return ""
    os.makedirs(args.path, exist_ok=True)
    done = context.proc.run(["mount", "-t", args.fstype, "-o", args.options, device, args.path])
    return f"mount ended with {done.rc}: {done.stderr.strip()}" if done.rc else ""
