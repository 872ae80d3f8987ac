"""The ground of lab hosts that are real machines: what has to be here, their files, a keeper, a network."""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edgectl.errors import EdgectlError, MissingError
from edgectl.lab.ground import Hosts
from edgectl.lab.keys import key_at, public_line
from edgectl.lab.layout import LabFiles, LabHost, LabSpec, Network, hosts_of
from edgectl.lab.nspawn import cgroups
from edgectl.lab.nspawn.debian import make_root, missing_here, root_in
from edgectl.lab.nspawn.fleet import MachineFleet
from edgectl.lab.nspawn.line import KeeperLine
from edgectl.lab.nspawn.machine import CHANGED_KEY, HOST_KEY, OWN_KEY, Access, Machine, write_layer
from edgectl.lab.nspawn.network import await_no_link, choose_subnet, link_to
from edgectl.lab.processes import with_children


def settle(spec: LabSpec, say: Callable[[str], None]) -> LabSpec:
    """Return the lab as it can be here, its Debian made and its addresses chosen.

    Raises `MissingError` saying what to install, or which route is in the way.
    """
    cache = Path(spec.cache)
    reason, remedy = missing_here(cache)
    if reason:
        raise MissingError(reason, hint=remedy)
    if spec.network is Network.PRIVATE:
        spec = replace(spec, subnet=str(choose_subnet(spec.subnet)))
    if not root_in(cache).exists():
        say(f"making a Debian root in {cache}; this takes about a minute, once, and 220 MB")
        started = time.monotonic()
        make_root(cache)
        say(f"made it in {time.monotonic() - started:.0f} s")
    return spec


def clear_away(directory: Path) -> None:
    """Remove what outlives the processes of a lab's machines."""
    files = LabFiles(directory)
    names = files.cgroups
    left = cgroups.remove(json.loads(names.read_text(encoding="utf-8"))) if names.exists() else []
    if left:
        raise EdgectlError(f"these cgroups of the lab in {directory} are still in use: {', '.join(left)}")
    await_no_link(_link(files))


def _link(files: LabFiles) -> str:
    return f"edgectl{files.mark}"  # a link's name has 15 characters at most


class NspawnGround:
    """A keeper of machines; raises `MissingError` where this machine refuses what they need."""

    def __init__(self, spec: LabSpec) -> None:
        """Call this in a thread that stays."""
        files = LabFiles(spec.directory)
        groups = cgroups.groups_for(f"edgectl-lab-{files.mark}")
        files.cgroups.write_text(json.dumps(groups), encoding="utf-8")
        self._machines = tuple(_lay_out(spec, host, groups) for host in hosts_of(spec))
        self._spec = spec
        private = spec.network is Network.PRIVATE
        self._line = KeeperLine(files.log, private=private)
        self.processes = with_children(self._line.process.pid)
        if private:
            link_to(self._line.process.pid, _link(files), ipaddress.IPv4Network(spec.subnet))
            self._line.ask("bridge")

    def hosts(self) -> Hosts:
        """Return the machines, none of them booted."""
        return MachineFleet(self._spec, self._line, self._machines)

    def await_end(self) -> None:
        """Wait until the keeper has ended."""
        self._line.process.wait()


def _lay_out(spec: LabSpec, host: LabHost, groups: tuple[str, ...]) -> Machine:
    files = LabFiles(spec.directory)
    own, changed = (files.host_keys / name for name in (host.name, f"{host.name}.changed"))
    key_at(changed)
    access = Access(
        host.address,
        spec.port,
        {HOST_KEY: own.read_text(), OWN_KEY: own.read_text(), CHANGED_KEY: changed.read_text()},
        f"{public_line(key_at(files.client_key))}\n",
    )
    folder = files.machines / host.name
    write_layer(folder, host.name, access)
    prefix = f"/{ipaddress.IPv4Network(spec.subnet).prefixlen}" if spec.subnet else ""
    return Machine(
        host.name,
        str(folder),
        str(root_in(Path(spec.cache))),
        spec.disk_mb,
        tuple(f"{group}/{host.name}" for group in groups),
        f"{host.address}{prefix}" if prefix else "",
    )
