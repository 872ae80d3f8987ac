"""Facts about this host under Ansible's names, read from /proc, /sys and /etc without starting a program."""

from __future__ import annotations

import os
import platform
import pwd
import re
import sys
import time

from edgectl.remote import facts_hardware, facts_network
from edgectl.remote.facts_hardware import text_of
from edgectl.remote.lean import Any, Dict, List

_SUBSETS = ("min", "hardware", "network", "virtual")
# Ansible's words where they are not the first one of NAME in /etc/os-release.
_DISTRIBUTIONS = {
    "rhel": "RedHat",
    "centos": "CentOS",
    "ol": "OracleLinux",
    "almalinux": "AlmaLinux",
    "opensuse-leap": "openSUSE Leap",
    "opensuse-tumbleweed": "openSUSE Tumbleweed",
    "arch": "Archlinux",
    "linuxmint": "Linux Mint",
    "sled": "SLED",
    "sles": "SLES",
}
_FAMILIES = {
    "Debian": ("debian", "ubuntu"),
    "RedHat": ("rhel", "fedora", "centos", "amzn", "ol"),
    "Suse": ("suse", "opensuse", "opensuse-leap", "opensuse-tumbleweed", "sles", "sled"),
    "Archlinux": ("arch",),
    "Alpine": ("alpine",),
}
_PACKAGE_MANAGERS = (
    ("apt-get", "apt"),
    ("dnf", "dnf"),
    ("yum", "yum"),
    ("zypper", "zypper"),
    ("apk", "apk"),
    ("pacman", "pacman"),
)


def chosen(wanted: List[str]) -> frozenset[str]:
    """Return the subsets that a `gather_subset` means, as with Ansible; `ValueError` for an unknown word."""
    out = {word[1:] for word in wanted if word.startswith("!")}
    within = {word for word in wanted if not word.startswith("!")}
    for word in sorted(out | within):
        if word not in (*_SUBSETS, "all"):
            raise ValueError(f"there is no subset '{word}': write one of all, {', '.join(_SUBSETS)}")
    if "all" in within or not within:
        within |= set(_SUBSETS)
    if "all" in out:
        within -= set(_SUBSETS) - {word for word in wanted if word != "all"}
    found = within - out - {"all"}
    return frozenset(found if "min" in out else found | {"min"})


def gather(subsets: frozenset[str] = frozenset(_SUBSETS)) -> Dict[str, Any]:
    """Return the facts of some subsets, each under its full name."""
    facts: Dict[str, Any] = {"gather_subset": sorted(subsets), "module_setup": True}
    if "min" in subsets:
        for part in (_system, _distribution, _names, _user, _clock, _python, _services):
            facts.update(part())
    if "hardware" in subsets:
        facts.update(facts_hardware.gather())
    if "network" in subsets:
        facts.update(facts_network.gather())
    if "virtual" in subsets:
        facts.update(facts_hardware.virtualization())
    named = {
        f"ansible_{name}": value
        for name, value in facts.items()
        if name not in ("gather_subset", "module_setup")
    }
    return {
        **named,
        "gather_subset": facts["gather_subset"],
        "module_setup": True,
        "edgectl_boot_id": boot_id(),
    }


def boot_id() -> str:
    """Return what differs after every boot of this host."""
    return text_of("/proc/sys/kernel/random/boot_id")


def _system() -> Dict[str, Any]:
    uname = os.uname()
    bits = platform.architecture()[0].replace("bit", "")
    return {
        "system": uname.sysname,
        "kernel": uname.release,
        "kernel_version": uname.version,
        "machine": uname.machine,
        "architecture": uname.machine,
        "userspace_bits": bits,
        "userspace_architecture": "i386" if (uname.machine, bits) == ("x86_64", "32") else uname.machine,
        "machine_id": text_of("/etc/machine-id"),
        "cmdline": dict(_kernel_argument(word) for word in text_of("/proc/cmdline").split()),
        "env": dict(os.environ),
        "fips": text_of("/proc/sys/crypto/fips_enabled") == "1",
        "selinux": {"status": "enabled" if os.path.isdir("/sys/fs/selinux/booleans") else "disabled"},
        "apparmor": {"status": "enabled" if os.path.isdir("/sys/kernel/security/apparmor") else "disabled"},
    }


def _kernel_argument(word: str) -> tuple[str, Any]:
    name, equals, value = word.partition("=")
    return name, value if equals else True


def os_release() -> Dict[str, str]:
    """Return /etc/os-release."""
    text = text_of("/etc/os-release") or text_of("/usr/lib/os-release")
    pairs = re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)
    return {name: value.strip().strip("\"'") for name, value in pairs}


def _distribution() -> Dict[str, Any]:
    release = os_release()
    identity = release.get("ID", "")
    name = _DISTRIBUTIONS.get(identity) or (release.get("NAME") or "NA").split()[0]
    version = release.get("VERSION_ID", "NA")
    point = text_of("/etc/debian_version")
    if identity == "debian" and re.fullmatch(r"[\d.]+", point):
        version = point
    code = re.search(r"\(([^)]+)\)", release.get("VERSION", ""))
    major, _, minor = version.partition(".")
    return {
        "distribution": name,
        "distribution_version": version,
        "distribution_major_version": major,
        "distribution_minor_version": minor,
        "distribution_release": release.get("VERSION_CODENAME") or (code.group(1) if code else "NA"),
        "os_family": _family(identity, release.get("ID_LIKE", ""), name),
    }


def _family(identity: str, like: str, name: str) -> str:
    for word in (identity, *like.split()):
        for family, members in _FAMILIES.items():
            if word in members:
                return family
    return name


def _names() -> Dict[str, Any]:
    """Return the host's names; the full one comes from /etc/hosts, since asking DNS may take seconds."""
    node = os.uname().nodename
    full = node
    for line in text_of("/etc/hosts").splitlines() if "." not in node else []:
        names = line.partition("#")[0].split()[1:]
        if node in names:
            full = next((name for name in names if name.startswith(node + ".")), node)
            break
    return {
        "nodename": node,
        "hostname": node.partition(".")[0],
        "fqdn": full,
        "domain": full.partition(".")[2],
    }


def _user() -> Dict[str, Any]:
    ids = {
        "real_user_id": os.getuid(),
        "effective_user_id": os.geteuid(),
        "real_group_id": os.getgid(),
        "effective_group_id": os.getegid(),
        "user_uid": os.geteuid(),
        "user_gid": os.getegid(),
    }
    try:
        user = pwd.getpwuid(os.geteuid())
    except KeyError:
        return {
            **ids,
            "user_id": str(os.geteuid()),
            "user_dir": os.environ.get("HOME", "/"),
            "user_shell": "",
        }
    named = {"user_id": user.pw_name, "user_dir": user.pw_dir, "user_shell": user.pw_shell}
    return {**ids, **named, "user_gecos": user.pw_gecos}


def _clock() -> Dict[str, Any]:
    now = time.time()
    here, there = time.localtime(now), time.gmtime(now)
    micro = f"{int(now % 1 * 1000000):06d}"
    formats = {
        "date": "%Y-%m-%d",
        "day": "%d",
        "hour": "%H",
        "iso8601_basic_short": "%Y%m%dT%H%M%S",
        "minute": "%M",
        "month": "%m",
        "second": "%S",
        "time": "%H:%M:%S",
        "tz": "%Z",
        "tz_offset": "%z",
        "weekday": "%A",
        "weekday_number": "%w",
        "weeknumber": "%W",
        "year": "%Y",
    }
    shown = {name: time.strftime(form, here) for name, form in formats.items()}
    shown.update(
        epoch=str(int(now)),
        epoch_int=str(int(now)),
        iso8601=time.strftime("%Y-%m-%dT%H:%M:%SZ", there),
        iso8601_micro=time.strftime("%Y-%m-%dT%H:%M:%S.", there) + micro + "Z",
        iso8601_basic=time.strftime("%Y%m%dT%H%M%S", here) + micro,
        tz_dst=time.tzname[1],
    )
    uptime = float((text_of("/proc/uptime") or "0").split()[0])
    return {"date_time": shown, "uptime_seconds": int(uptime)}


def _python() -> Dict[str, Any]:
    version = sys.version_info
    names = ("major", "minor", "micro", "releaselevel", "serial")
    return {
        "python_version": platform.python_version(),
        "python": {
            "executable": sys.executable,
            "type": sys.implementation.name,
            "version": dict(zip(names, version)),
            "version_info": list(version),
        },
    }


def _services() -> Dict[str, Any]:
    """Return what manages packages and services here."""
    first = text_of("/proc/1/comm")
    manager = first if first not in ("", "init", "sh", "bash") else "service"
    if os.path.isdir("/run/systemd/system"):
        manager = "systemd"
    packages = next((name for program, name in _PACKAGE_MANAGERS if is_on_path(program)), "unknown")
    return {"service_mgr": manager, "pkg_mgr": packages}


def is_on_path(program: str) -> bool:
    """Tell whether a program can be started by its name."""
    folders = os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").split(":")
    return any(os.access(os.path.join(folder, program), os.X_OK) for folder in folders)
