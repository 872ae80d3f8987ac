"""A lab from `up` to `down`, as the command line and the tests drive it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edgectl.errors import EdgectlError, InputError, MissingError
from edgectl.lab import wire
from edgectl.lab.complaint import unpack
from edgectl.lab.control import ask
from edgectl.lab.faults import parse_fault
from edgectl.lab.hoststate import HostState
from edgectl.lab.inventory_files import write_inventory
from edgectl.lab.layout import Backend, LabFiles, LabSpec, Network, hosts_of, load_spec, save_spec
from edgectl.lab.nspawn.ground import clear_away, settle
from edgectl.lab.processes import kill_and_wait, still_running, wait_for_end
from edgectl.lab.service import write_service
from edgectl.lab.shown import engine_library
from edgectl.lab.starting import start_supervisor

_END_S = 10.0
NO_ENGINE_NOTE = (
    "no inference engine: pip install 'edgectl[lab]' and bring the lab up again to deploy models to it"
)
CRASHED_NOTE = "the lab is not running (it was killed, or the machine restarted): edgectl lab down, then up"

__all__ = ["Backend", "HostStatus", "LabSpec", "LabStatus", "Network", "down", "fault", "status", "up"]


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One lab host right now; a fault reads like `slow 250`."""

    name: str
    address: str
    state: HostState
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabStatus:
    """A lab right now, and what a user should know about it."""

    directory: Path
    hosts: tuple[HostStatus, ...]
    notes: tuple[str, ...] = ()

    @property
    def inventory(self) -> Path:
        """What to pass as `-i`."""
        return LabFiles(self.directory).inventory

    @property
    def known_hosts(self) -> Path:
        """The pinned host keys."""
        return LabFiles(self.directory).known_hosts

    @property
    def running(self) -> bool:
        """Tell whether any host is up or coming back."""
        return any(host.state is not HostState.DOWN for host in self.hosts)


def up(spec: LabSpec, say: Callable[[str], None] = lambda _: None) -> LabStatus:
    """Bring a lab up and return once every host answers; a lab that is up already is left as it is.

    `say` hears what takes long. Raises `MissingError` where this machine lacks something or lets nobody make
    namespaces, `InputError` where the folder holds something else.
    """
    directory = spec.directory.absolute()
    existing = load_spec(directory)
    if existing and ask(directory, {"do": "status"}):
        return _left_as_it_is(existing, spec)
    if existing:
        down(directory)
    _refuse_foreign_folder(directory)
    spec = replace(spec, directory=directory)
    if spec.backend is Backend.NSPAWN:
        spec = settle(spec, say)
    _lay_out(spec)
    try:
        start_supervisor(spec)
    except EdgectlError:
        _remove(directory)
        raise
    return status(directory)


def _left_as_it_is(existing: LabSpec, wanted: LabSpec) -> LabStatus:
    now = status(existing.directory)
    if wanted.network is Network.PRIVATE and not wanted.subnet:
        wanted = replace(wanted, subnet=existing.subnet)
    if _looks(existing) == _looks(wanted):
        return now
    lab = f"a lab of {len(now.hosts)} {existing.backend} hosts"
    note = f"{lab} is up here and was left as it is; for another: edgectl lab down"
    return LabStatus(now.directory, now.hosts, (*now.notes, note))


def _looks(spec: LabSpec) -> tuple[object, ...]:
    return hosts_of(spec), spec.port, spec.backend


def _refuse_foreign_folder(directory: Path) -> None:
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InputError(
            f"{directory} is not a lab and not empty; a lab needs a folder of its own",
            hint="name another folder, or empty this one",
        )


def _lay_out(spec: LabSpec) -> None:
    files = LabFiles(spec.directory)
    spec.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.stage.mkdir()
    save_spec(spec)
    write_inventory(spec)
    if spec.backend is Backend.SANDBOX and engine_library():
        write_service(files.inventory / "services")


def status(directory: Path) -> LabStatus:
    """Return how the lab in `directory` is; raises `MissingError` where there is none."""
    directory = directory.absolute()
    spec = _spec_or_missing(directory)
    answer = ask(directory, {"do": "status"})
    if answer is None:
        hosts = tuple(HostStatus(host.name, host.address, HostState.DOWN) for host in hosts_of(spec))
        return LabStatus(directory, hosts, (CRASHED_NOTE,))
    return _status(spec, answer)


def _spec_or_missing(directory: Path) -> LabSpec:
    spec = load_spec(directory)
    if spec is None:
        raise MissingError(f"no lab in {directory}", hint="edgectl lab up")
    return spec


def _status(spec: LabSpec, answer: wire.Packet) -> LabStatus:
    hosts = tuple(
        HostStatus(host["name"], host["address"], HostState(host["state"]), tuple(host["faults"]))
        for host in answer["hosts"]
    )
    without_engine = spec.backend is Backend.SANDBOX and not engine_library()
    notes = tuple(answer["notes"]) + ((NO_ENGINE_NOTE,) if without_engine else ())
    return LabStatus(spec.directory, hosts, notes)


def fault(directory: Path, host: str, kind: str, value: str | None = None) -> LabStatus:
    """Play a fault at a host, at once; what lasts, lasts until `clear`; return the lab's status with it.

    Raises `InputError` for an unknown host or fault, `MissingError` where no lab runs, `BusyError` where the
    host is rebooting.
    """
    directory = directory.absolute()
    spec = _spec_or_missing(directory)
    parse_fault(kind, value)
    names = [known.name for known in hosts_of(spec)]
    if host not in names:
        raise InputError(f"no lab host {host!r}; there are {', '.join(names)}")
    answer = ask(directory, {"do": "fault", "host": host, "kind": kind, "value": value})
    if answer is None:
        raise MissingError(CRASHED_NOTE)
    return _status(spec, unpack(answer))


def down(directory: Path) -> LabStatus | None:
    """End a lab, also a crashed one, and remove its folder; return what it was, None where there was none."""
    directory = directory.absolute()
    if load_spec(directory) is None:
        return None
    last = status(directory)
    ask(directory, {"do": "down"})
    processes = LabFiles(directory).processes
    left = wait_for_end(processes, _END_S if last.running else 0) and kill_and_wait(processes, _END_S)
    if left:
        raise EdgectlError(
            f"processes {left} of the lab in {directory} do not end", hint=f"look at {directory}/lab.log"
        )
    _remove(directory)
    return last


def _remove(directory: Path) -> None:
    if still_running(LabFiles(directory).processes):
        kill_and_wait(LabFiles(directory).processes, _END_S)
    clear_away(directory)
    shutil.rmtree(directory)
