"""Facts about processors, memory, mounts and what kind of machine this is."""

from __future__ import annotations

import os
import re

from edgectl.remote.lean import Any, Dict, List

_DMI = {
    "bios_date": "bios_date",
    "bios_vendor": "bios_vendor",
    "bios_version": "bios_version",
    "board_name": "board_name",
    "board_serial": "board_serial",
    "board_vendor": "board_vendor",
    "chassis_serial": "chassis_serial",
    "chassis_vendor": "chassis_vendor",
    "product_name": "product_name",
    "product_serial": "product_serial",
    "product_uuid": "product_uuid",
    "product_version": "product_version",
    "system_vendor": "sys_vendor",
}
# What hypervisors call the machine they show.
_HYPERVISORS = (
    ("kvm", "kvm"),
    ("qemu", "kvm"),
    ("openstack", "openstack"),
    ("amazon ec2", "kvm"),
    ("google compute engine", "kvm"),
    ("vmware", "VMware"),
    ("virtualbox", "virtualbox"),
    ("virtual machine", "VirtualPC"),
    ("xen", "xen"),
)
# A dead server of one of these would hold statvfs() for ever.
_REMOTE_FILESYSTEMS = re.compile(r"^(nfs|cifs|smb|ceph|gluster|lustre|beegfs|fuse)")


def text_of(path: str) -> str:
    """Return what a file says, without space around it; an empty text where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read().strip()
    except OSError:
        return ""


def gather() -> Dict[str, Any]:
    """Return the facts of the subset `hardware`."""
    dmi = {name: text_of(f"/sys/class/dmi/id/{file}") or "NA" for name, file in _DMI.items()}
    loads = os.getloadavg()
    return {
        **_memory(),
        **_processors(),
        **dmi,
        "mounts": _mounts(),
        "loadavg": {"1m": loads[0], "5m": loads[1], "15m": loads[2]},
    }


def _memory() -> Dict[str, Any]:
    found = re.findall(r"^(\w+):\s+(\d+)", text_of("/proc/meminfo"), re.MULTILINE)
    mb = {name: int(value) // 1024 for name, value in found}
    total, free = mb.get("MemTotal", 0), mb.get("MemFree", 0)
    swap, swap_free = mb.get("SwapTotal", 0), mb.get("SwapFree", 0)
    nocache = free + mb.get("Cached", 0) + mb.get("Buffers", 0)
    return {
        "memtotal_mb": total,
        "memfree_mb": free,
        "swaptotal_mb": swap,
        "swapfree_mb": swap_free,
        "memory_mb": {
            "real": {"total": total, "used": total - free, "free": free},
            "nocache": {"free": nocache, "used": total - nocache},
            "swap": {
                "total": swap,
                "free": swap_free,
                "used": swap - swap_free,
                "cached": mb.get("SwapCached", 0),
            },
        },
    }


def _processors() -> Dict[str, Any]:
    """Return the processors, one socket with one core each where /proc/cpuinfo says nothing else."""
    described: List[str] = []
    sockets: Dict[str, int] = {}
    siblings = 1
    for number, block in enumerate(re.split(r"\n\s*\n", text_of("/proc/cpuinfo"))):
        field = {
            key.strip(): value.strip()
            for key, _, value in (line.partition(":") for line in block.splitlines())
        }
        if "processor" not in field:
            continue
        described += [str(number), *(field[key] for key in ("vendor_id", "model name") if key in field)]
        sockets[field.get("physical id", str(number))] = int(field.get("cpu cores", 1))
        siblings = int(field.get("siblings", siblings))
    cores = max(sockets.values(), default=1)
    count = len(sockets) or 1
    threads = max(siblings // cores, 1)
    return {
        "processor": described,
        "processor_count": count,
        "processor_cores": cores,
        "processor_threads_per_core": threads,
        "processor_vcpus": threads * count * cores,
        "processor_nproc": len(os.sched_getaffinity(0)),
    }


def _mounts() -> List[Dict[str, Any]]:
    mounts = []
    for line in text_of("/proc/self/mounts").splitlines():
        device, mount, kind, options = (_unescaped(word) for word in line.split()[:4])
        if (device.startswith("/") or ":/" in device) and kind != "none":
            mounts.append(
                {"device": device, "mount": mount, "fstype": kind, "options": options, **_size(mount, kind)}
            )
    return mounts


def _unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), word)


def _size(mount: str, kind: str) -> Dict[str, int]:
    if _REMOTE_FILESYSTEMS.match(kind):
        return {}
    try:
        found = os.statvfs(mount)
    except OSError:
        return {}
    return {
        "size_total": found.f_frsize * found.f_blocks,
        "size_available": found.f_frsize * found.f_bavail,
        "block_size": found.f_bsize,
        "block_total": found.f_blocks,
        "block_available": found.f_bavail,
        "block_used": found.f_blocks - found.f_bavail,
        "inode_total": found.f_files,
        "inode_available": found.f_favail,
        "inode_used": found.f_files - found.f_favail,
    }


def virtualization() -> Dict[str, Any]:
    """Return the facts of the subset `virtual`: what this is a guest of, as far as files tell."""
    container = text_of("/run/systemd/container")
    if not container and (os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv")):
        container = "podman" if os.path.exists("/run/.containerenv") else "docker"
    kind = container or _hypervisor()
    role = "guest" if kind else "host" if os.path.exists("/dev/kvm") else "NA"
    kind = kind or ("kvm" if role == "host" else "NA")
    return {"virtualization_role": role, "virtualization_type": kind}


def _hypervisor() -> str:
    if os.path.isdir("/proc/xen") or text_of("/sys/hypervisor/type") == "xen":
        return "xen"
    shown = " ".join(text_of(f"/sys/class/dmi/id/{name}") for name in ("product_name", "sys_vendor")).lower()
    for word, kind in _HYPERVISORS:
        if word in shown:
            return kind
    flags = re.search(r"^flags\s*:.*\bhypervisor\b", text_of("/proc/cpuinfo"), re.MULTILINE)
    return "kvm" if flags else ""
