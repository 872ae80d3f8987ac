"""GRUB and modinfo as a lab host has them: one boot entry, with the parameters that /etc/default/grub.d asks for."""

from __future__ import annotations

import glob
import os
import shlex
import sys

from edgectl.lab.guest.gpus import DRIVER_PACKAGE
from edgectl.lab.guest.packages import read_packages

GRUB = "/boot/grub/grub.cfg"
_VARIABLE = "GRUB_CMDLINE_LINUX"
_ALWAYS = "BOOT_IMAGE=/boot/vmlinuz root=/dev/vda1 ro"


def update_grub(_arguments: list[str]) -> int:
    """Write the boot entry anew, as each file of the folder adds to what the ones before it said."""
    value = ""
    for path in sorted(glob.glob("/etc/default/grub.d/*.cfg")):
        with open(path, encoding="utf-8") as file:
            for word in shlex.split(file.read(), comments=True):
                name, _, text = word.partition("=")
                value = text.replace(f"${_VARIABLE}", value).strip() if name == _VARIABLE else value
    os.makedirs(os.path.dirname(GRUB), exist_ok=True)
    with open(GRUB, "w", encoding="utf-8") as file:
        file.write(f"menuentry 'Debian' {{\n\tlinux\t/boot/vmlinuz {_ALWAYS} {value}\n}}\n")
    sys.stderr.write("Generating grub configuration file ...\ndone\n")
    return 0


def parameters() -> str:
    """Return the kernel's parameters at a boot by what the entry says now."""
    if not os.path.exists(GRUB):
        return _ALWAYS
    with open(GRUB, encoding="utf-8") as file:
        entry = next(line for line in file if line.split()[:1] == ["linux"])
    return " ".join(entry.split()[2:])


def modinfo(arguments: list[str]) -> int:
    """Print the version of the module that a boot would load: `modinfo -F version nvidia`."""
    package = read_packages().get(DRIVER_PACKAGE)
    if arguments[-1:] == ["nvidia"] and package and package.installed:
        sys.stdout.write(f"{package.version.partition('-')[0]}\n")
        return 0
    sys.stderr.write(f"modinfo: ERROR: Module {arguments[-1]} not found.\n")
    return 1
