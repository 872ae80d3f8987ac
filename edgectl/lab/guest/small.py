"""Programs a playbook may call in passing, as far as a lab host needs them."""

from __future__ import annotations

import os
import socket
import sys

_MODULES = "/run/edgectl-lab/modules"
_ALWAYS_LOADED = ("overlay", "br_netfilter", "nvme", "mlx5_core")


def nothing(_arguments: list[str]) -> int:
    """Succeed, as what there is to do is not there in a lab."""
    return 0


def hostnamectl(arguments: list[str]) -> int:
    """Print or set the host's name."""
    words = [word for word in arguments[1:] if not word.startswith("-")]
    if words[:1] in (["set-hostname"], ["hostname"]) and len(words) > 1:
        socket.sethostname(words[1])
        with open("/etc/hostname", "w", encoding="utf-8") as file:
            file.write(f"{words[1]}\n")
    elif words[:1] == ["hostname"]:
        sys.stdout.write(f"{socket.gethostname()}\n")
    else:
        sys.stdout.write(f" Static hostname: {socket.gethostname()}\n  Virtualization: edgectl-lab\n")
    return 0


def timedatectl(arguments: list[str]) -> int:
    """Print the clock's state or set the time zone; the clock itself is the machine's."""
    words = [word for word in arguments[1:] if not word.startswith("-")]
    if words[:1] == ["set-timezone"] and len(words) > 1:
        return _set_timezone(words[1])
    with open("/etc/timezone", encoding="utf-8") as file:
        zone = file.read().strip()
    values = {"Timezone": zone, "LocalRTC": "no", "CanNTP": "yes", "NTP": "yes", "NTPSynchronized": "yes"}
    if words[:1] == ["show"]:
        sys.stdout.write("".join(f"{name}={value}\n" for name, value in values.items()))
    else:
        sys.stdout.write(f"                Time zone: {zone}\nSystem clock synchronized: yes\n")
    return 0


def _set_timezone(zone: str) -> int:
    source = f"/usr/share/zoneinfo/{zone}"
    if not os.path.isfile(source):
        sys.stderr.write(f"Failed to set time zone: Invalid or not installed time zone '{zone}'\n")
        return 1
    os.symlink(source, "/etc/localtime.new")
    os.replace("/etc/localtime.new", "/etc/localtime")
    with open("/etc/timezone", "w", encoding="utf-8") as file:
        file.write(f"{zone}\n")
    return 0


def _loaded() -> list[str]:
    if not os.path.exists(_MODULES):
        return list(_ALWAYS_LOADED)
    with open(_MODULES, encoding="utf-8") as file:
        return file.read().split()


def modprobe(arguments: list[str]) -> int:
    """Remember modules as loaded, or with `-r` as not, until the next boot."""
    names = [word.replace("-", "_") for word in arguments[1:] if not word.startswith("-")]
    remove = any(word in ("-r", "--remove") for word in arguments[1:])
    loaded = [name for name in _loaded() if not remove or name not in names]
    loaded += [name for name in names if not remove and name not in loaded]
    with open(_MODULES, "w", encoding="utf-8") as file:
        file.write("\n".join(loaded))
    return 0


def lsmod(_arguments: list[str]) -> int:
    """List the modules that count as loaded."""
    rows = [f"{name:<24}{16384:>8}  0" for name in _loaded()]
    sys.stdout.write("\n".join(["Module                  Size  Used by", *rows]) + "\n")
    return 0


def sudo(arguments: list[str]) -> int:
    """Run the rest: the login is root already. `-u` is the only option that changes anything."""
    words = arguments[1:]
    user = ""
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in ("-u", "-p", "-g", "-C", "-U"):
            value = words.pop(0)
            user = value if option == "-u" else user
        if option == "--":
            break
    while words and "=" in words[0] and not words[0].startswith("/"):
        name, _, value = words.pop(0).partition("=")
        os.environ[name] = value
    if user and user != "root":
        words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *words]
    if not words:
        return 0
    try:
        os.execvp(words[0], words)  # noqa: S606 - this is what sudo does
    except FileNotFoundError:
        sys.stderr.write(f"sudo: {words[0]}: command not found\n")
        return 1
