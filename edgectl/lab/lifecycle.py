"""A lab from `up` to `down`, as the command line and the tests drive it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import edgectl
from edgectl.errors import EdgectlError, InputError, MissingError
from edgectl.lab import wire
from edgectl.lab.control import ask
from edgectl.lab.faults import parse_fault
from edgectl.lab.hostport import HostState
from edgectl.lab.inventory_files import write_inventory
from edgectl.lab.layout import LabFiles, LabSpec, hosts_of, load_spec, save_spec
from edgectl.lab.processes import kill_and_wait, still_running, wait_for_end
from edgectl.lab.refusal import refusal
from edgectl.lab.service import write_service
from edgectl.lab.shown import engine_library

_END_S = 10.0
NO_ENGINE_NOTE = (
    "no inference engine: pip install 'edgectl[lab]' and bring the lab up again to deploy models to it"
)
CRASHED_NOTE = "the lab is not running (it was killed, or the machine restarted): edgectl lab down, then up"

__all__ = ["HostStatus", "LabSpec", "LabStatus", "down", "fault", "status", "up"]


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


def up(spec: LabSpec) -> LabStatus:
    """Bring a lab up and return once every host answers; a lab that is up already is left as it is.

    Raises `MissingError` where this machine lets nobody make namespaces, `InputError` where the folder holds
    something else.
    """
    directory = spec.directory.absolute()
    existing = load_spec(directory)
    if existing and ask(directory, {"do": "status"}):
        return _left_as_it_is(existing, spec)
    if existing:
        down(directory)
    _refuse_foreign_folder(directory)
    spec = LabSpec(**{name: getattr(spec, name) for name in LabSpec.__slots__} | {"directory": directory})
    _lay_out(spec)
    try:
        _start_supervisor(spec)
    except EdgectlError:
        _remove(directory)
        raise
    return status(directory)


def _left_as_it_is(existing: LabSpec, wanted: LabSpec) -> LabStatus:
    now = status(existing.directory)
    if hosts_of(existing) == hosts_of(wanted) and existing.port == wanted.port:
        return now
    note = f"a lab of {len(now.hosts)} hosts is up here and was left as it is; for another: edgectl lab down"
    return LabStatus(now.directory, now.hosts, (*now.notes, note))


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
    if engine_library():
        write_service(files.inventory / "services")


def _start_supervisor(spec: LabSpec) -> None:
    reader, writer = os.pipe()
    with LabFiles(spec.directory).log.open("ab") as log:
        subprocess.run(
            [sys.executable, "-m", "edgectl.lab.supervisor", str(spec.directory), str(writer)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(writer,),
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": _import_path()},
            check=False,
        )
    os.close(writer)
    with open(reader, "rb") as pipe:  # noqa: PTH123 - a pipe has no path
        answer: dict[str, Any] = json.loads(pipe.read() or b"{}")
    if "taken" in answer:
        raise MissingError(
            f"the lab cannot listen on {answer['taken']}",
            hint="another lab may be up: choose other addresses, or a port",
        )
    if "refused" in answer:
        raise refusal(answer["refused"])
    if "up" not in answer:
        raise MissingError(f"the lab did not come up:\n{_last_words(spec)}")


def _import_path() -> str:
    package = str(Path(edgectl.__file__).parent.parent)
    return os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))


def _last_words(spec: LabSpec) -> str:
    lines = LabFiles(spec.directory).log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-15:])


def status(directory: Path) -> LabStatus:
    """Return how the lab in `directory` is; raises `MissingError` where there is none."""
    directory = directory.absolute()
    spec = _spec_or_missing(directory)
    answer = ask(directory, {"do": "status"})
    if answer is None:
        hosts = tuple(HostStatus(host.name, host.address, HostState.DOWN) for host in hosts_of(spec))
        return LabStatus(directory, hosts, (CRASHED_NOTE,))
    return _status(directory, answer)


def _spec_or_missing(directory: Path) -> LabSpec:
    spec = load_spec(directory)
    if spec is None:
        raise MissingError(f"no lab in {directory}", hint="edgectl lab up")
    return spec


def _status(directory: Path, answer: wire.Packet) -> LabStatus:
    hosts = tuple(
        HostStatus(host["name"], host["address"], HostState(host["state"]), tuple(host["faults"]))
        for host in answer["hosts"]
    )
    notes = tuple(answer["notes"]) + (() if engine_library() else (NO_ENGINE_NOTE,))
    return LabStatus(directory, hosts, notes)


def fault(directory: Path, host: str, kind: str, value: str | None = None) -> LabStatus:
    """Play a fault at a host, at once and until `clear`; return the lab's status with it.

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
    if "error" in answer:
        raise EdgectlError(answer["error"])
    return _status(directory, answer)


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
    shutil.rmtree(directory)
