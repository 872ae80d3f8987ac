"""Carry out a plan: files, units, maintainer scripts in spirit, the status file."""

from __future__ import annotations

import os
import sys

from edgectl.lab.guest import unitlinks
from edgectl.lab.guest.apt_plan import Archive, Plan
from edgectl.lab.guest.bus import ask
from edgectl.lab.guest.catalogue import Offer
from edgectl.lab.guest.packages import (
    INFO,
    Package,
    files_of,
    read_automatic,
    write_automatic,
    write_packages,
)

_UNITS = "/usr/local/lib/systemd/system"
_REBOOT = "/run/reboot-required"
_UNIT = """\
[Unit]
Description={description}
[Service]
ExecStart=/usr/local/{program}
ExecReload=/bin/true
Restart=on-failure
[Install]
WantedBy=multi-user.target
"""


def apply(plan: Plan, archive: Archive, *, purge: bool) -> None:
    """Make the host be as the plan says, a package at a time, so that a kill leaves dpkg's state true."""
    automatic = read_automatic()
    for name in plan.remove:
        _remove(archive.packages, name, purge=purge)
    # What is needed comes before what needs it: the plan names them the other way round.
    for name, version in reversed(plan.install.items()):
        _install(archive, archive.offers[name], version)
        automatic = automatic | {name} if name in plan.automatic else automatic
    write_automatic(automatic - set(plan.remove))


def _install(archive: Archive, offer: Offer, version: str) -> None:
    before = archive.packages.get(offer.name)
    old = f" over ({before.version})" if before and before.installed else ""
    sys.stdout.write(f"Unpacking {offer.name} ({version}){old} ...\n")
    files = _unpack(offer, version)
    want = "hold" if before and before.held else "install"
    depends = offer.depends_of(version)
    archive.packages[offer.name] = Package(
        offer.name, version, offer.architecture, want, "installed", depends, offer.description
    )
    with open(f"{INFO}/{offer.name}.list", "w", encoding="utf-8") as file:
        file.write("\n".join(["/.", *files]) + "\n")
    write_packages(archive.packages)
    sys.stdout.write(f"Setting up {offer.name} ({version}) ...\n")
    _start_daemons(offer, restart=bool(old))
    if offer.reboot:
        _require_reboot(offer.name)


def _unpack(offer: Offer, version: str) -> list[str]:
    document = f"/usr/local/share/doc/{offer.name}/copyright"
    _write(document, f"{offer.name} {version}, a stand-in of the edgectl lab\n")
    files = [document]
    for path, text in offer.conffiles.items():
        if not os.path.exists(path):
            _write(path, text)
        files.append(path)
    for program in offer.programs:
        played = f"/usr/local/libexec/{os.path.basename(program)}"
        said = f'echo "{offer.name} {version} (edgectl lab stand-in)"'
        files += _write_program(program, f'exec {played} "$@"' if os.path.exists(played) else said)
    for program, unit in offer.daemons.items():
        files += _write_program(program, "exec sleep infinity")
        _write(f"{_UNITS}/{unit}", _UNIT.format(description=offer.description, program=program))
        files.append(f"{_UNITS}/{unit}")
    return files


def _write_program(program: str, line: str) -> list[str]:
    """Write a stand-in program, unless the machine has the real one."""
    if (
        any(os.path.exists(f"/usr/{place}/{os.path.basename(program)}") for place in ("bin", "sbin"))
        and "exec" not in line
    ):
        return []
    path = f"/usr/local/{program}"
    _write(path, f"#!/bin/sh\n{line}\n")
    os.chmod(path, 0o755)  # noqa: S103 - a program
    return [path]


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _start_daemons(offer: Offer, *, restart: bool) -> None:
    if not offer.daemons:
        return
    ask({"do": "daemon-reload"})
    for unit in offer.daemons.values():
        if unitlinks.state_of(unit) == "masked":
            continue
        if offer.enable and not restart:
            for line in unitlinks.change("enable", unit, runtime=False):
                sys.stdout.write(line + "\n")
        running = ask({"do": "show", "unit": unit})["properties"]["ActiveState"] == "active"
        if running or (offer.enable and not restart):
            ask({"do": "restart", "unit": unit})


def _require_reboot(name: str) -> None:
    _write(_REBOOT, "*** System restart required ***\n")
    with open(f"{_REBOOT}.pkgs", "a", encoding="utf-8") as file:
        file.write(f"{name}\n")


def _remove(packages: dict[str, Package], name: str, *, purge: bool) -> None:
    package = packages[name]
    sys.stdout.write(f"Removing {name} ({package.version}) ...\n")
    files = files_of(name)
    for path in files:
        if path.startswith(_UNITS):
            _remove_unit(os.path.basename(path))
        configuration = path.startswith("/etc/")
        if os.path.isfile(path) and (purge or not configuration):
            os.unlink(path)
    has_configuration = any(path.startswith("/etc/") for path in files)
    if purge or not has_configuration:
        del packages[name]
        os.unlink(f"{INFO}/{name}.list")
    else:
        package.want, package.state = "deinstall", "config-files"
    write_packages(packages)
    ask({"do": "daemon-reload"})


def _remove_unit(unit: str) -> None:
    ask({"do": "stop", "unit": unit})
    unitlinks.change("disable", unit, runtime=False)
