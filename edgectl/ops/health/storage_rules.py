"""The rules about a node's file systems. Pure."""

from __future__ import annotations

from collections.abc import Callable

from edgectl.catalog.rules_model import Rule, Severity
from edgectl.ops.health.expected import Expected
from edgectl.ops.health.finding import Breach, Judged, Standing
from edgectl.ops.health.observed import Node
from edgectl.ops.health.observed_node import Disk

_GB = 1_000_000_000
# What image-based systems, sandboxes and containers mount for reading alone, without a line in the file system table.
_READ_ONLY_BY_DESIGN = ("/run/host", "/usr", "/snap", "/nix/store", "/ostree", "/sysroot")
_Judge = Callable[[Disk, Rule], Severity | None]


def disk_full(node: Node, _expected: Expected, rule: Rule) -> Judged:
    """File systems for writing; one that is small has to have a share free, and any a little."""
    return _judged(node, rule, _fullness, lambda disk: f"{_free(disk):.1%} free")


def disk_inodes(node: Node, _expected: Expected, rule: Rule) -> Judged:
    """File systems that count inodes; btrfs and others have none to count."""
    return _judged(node, rule, _inode_fullness, lambda disk: f"{_inodes_free(disk):.1%} of its inodes free")


def disk_read_only(node: Node, _expected: Expected, _rule: Rule) -> Judged:
    """Where the file system table asks for writing, or does not name it; images of a system are read-only."""
    disks = _disks(node)
    if disks is None:
        return Standing.UNJUDGED
    mounts = [disk.mount for disk in disks if disk.read_only and disk.wanted_writable and not _is_image(disk)]
    return Breach(Severity.CRITICAL, mounts, ", ".join(mounts)) if mounts else Standing.HOLDS


def _judged(node: Node, rule: Rule, judge: _Judge, told: Callable[[Disk], str]) -> Judged:
    disks = _disks(node)
    if disks is None:
        return Standing.UNJUDGED
    broken = [(disk, level) for disk in disks if not disk.read_only and (level := judge(disk, rule))]
    if not broken:
        return Standing.HOLDS
    is_critical = any(level is Severity.CRITICAL for _, level in broken)
    value = {
        disk.mount: {"free_bytes": disk.free_bytes, "inodes_free": disk.inodes_free} for disk, _ in broken
    }
    said = ", ".join(f"{disk.mount} {told(disk)}" for disk, _ in broken)
    return Breach(Severity.CRITICAL if is_critical else Severity.WARNING, value, said)


def _fullness(disk: Disk, rule: Rule) -> Severity | None:
    limits, free_gb = rule.thresholds, disk.free_bytes / _GB
    if disk.size_bytes <= 0 or free_gb >= limits["roomy"]:
        return None
    is_large = disk.size_bytes / _GB > limits["least_free"] / limits["low"]
    if _free(disk) < limits["least"] or (is_large and free_gb < limits["least_free"]):
        return Severity.CRITICAL
    return Severity.WARNING if _free(disk) < limits["low"] else None


def _inode_fullness(disk: Disk, rule: Rule) -> Severity | None:
    if not disk.inodes or disk.inodes_free is None:
        return None
    if _inodes_free(disk) < rule.thresholds["least"]:
        return Severity.CRITICAL
    return Severity.WARNING if _inodes_free(disk) < rule.thresholds["low"] else None


def _is_image(disk: Disk) -> bool:
    return any(disk.mount == root or disk.mount.startswith(f"{root}/") for root in _READ_ONLY_BY_DESIGN)


def _free(disk: Disk) -> float:
    return disk.free_bytes / disk.size_bytes


def _inodes_free(disk: Disk) -> float:
    return (disk.inodes_free or 0) / (disk.inodes or 1)


def _disks(node: Node) -> tuple[Disk, ...] | None:
    disks = node.machine.disks if node.machine else None
    return None if disks is None else tuple(disks)
