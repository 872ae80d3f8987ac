"""One machine as its keeper sees it: its boots, its first process, and what can be done to it from outside."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import traceback
from pathlib import Path
from typing import Never

from edgectl.errors import BusyError, EdgectlError
from edgectl.lab.hoststate import HostState
from edgectl.lab.nspawn import cgroups
from edgectl.lab.nspawn.disk import Disk
from edgectl.lab.nspawn.machine import Machine, boot_command, lay_over
from edgectl.lab.nspawn.network import wire_up
from edgectl.lab.pid1.loop import Loop

_POWERED_OFF = 0
_BOOT_AGAIN_S = 0.1
_MOST_FAILED_BOOTS = 3
_RUN_S = 15
_REBOOT_SIGNAL = signal.SIGRTMIN + 5  # systemd(1): starts reboot.target, as `systemctl reboot` does
_LARGEST = 4096


class RunningMachine:
    """Boots a machine, again after a reboot or a crash with the same disk.

    Not after a poweroff, nor where it ended three times in a row before it was up.
    """

    def __init__(self, machine: Machine, loop: Loop) -> None:
        self._machine = machine
        self._loop = loop
        self._process = 0
        self.state = HostState.DOWN
        self._failed_boots = 0
        self.disk = Disk(machine.name, Path(machine.root), machine.disk_mb)
        lay_over(machine.layer, self.disk.root)
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notices.bind(f"/run/edgectl/{machine.name}.notify")
        loop.watch(self._notices.fileno(), self._take_notice)

    def boot(self) -> None:
        """Start it; its state is `UP` once its systemd has booted."""
        self.state = HostState.REBOOTING
        cgroups.remove(self._machine.cgroups)  # a killed boot leaves its units' behind
        cgroups.make(self._machine.cgroups)
        namespace = wire_up(self._machine.name, self._machine.wire) if self._machine.wire else None
        words = boot_command(self._machine, self.disk.root, namespace)
        self._process = os.fork()
        if not self._process:
            self._become(words)
        self._loop.on_exit(self._process, self._ended)

    def _become(self, words: list[str]) -> Never:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            cgroups.join(self._machine.cgroups)
            console = os.open(self._machine.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(console, 1)
            os.dup2(console, 2)
            # /proc/sys/net and /sys/class/net are the machine's own where its network is.
            network = {"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"} if self._machine.wire else {}
            notify = {"NOTIFY_SOCKET": f"/run/edgectl/{self._machine.name}.notify"}
            os.execvpe(words[0], words, os.environ | notify | network)  # noqa: S606 - words, no shell
        except OSError:
            traceback.print_exc()
        finally:
            os._exit(1)

    def _take_notice(self) -> None:
        if b"READY=1" in self._notices.recv(_LARGEST).splitlines():
            self.state = HostState.UP
            self._failed_boots = 0

    def _ended(self, status: int) -> None:
        self._process = 0
        self._failed_boots += self.state is not HostState.UP
        if os.waitstatus_to_exitcode(status) == _POWERED_OFF or self._failed_boots >= _MOST_FAILED_BOOTS:
            self.state = HostState.DOWN
        else:
            self.state = HostState.REBOOTING
            self._loop.later(_BOOT_AGAIN_S, self.boot)

    def reboot(self) -> None:
        """Do what `systemctl reboot` does there; boot it where it is off."""
        if self.state is HostState.DOWN:
            self._failed_boots = 0
            self.boot()
        else:
            os.kill(self._first_process(), _REBOOT_SIGNAL)

    def cut_power(self) -> None:
        """Kill every process at once and boot again with the disk as it is, unsynced writes included."""
        if self.state is HostState.DOWN:
            self.boot()
        elif self._process:
            self.state = HostState.REBOOTING
            self._failed_boots = 0
            for process in _children(self._process) or [self._process]:
                os.kill(process, signal.SIGKILL)  # with PID 1 of a namespace goes all that is in it

    def run(self, command: list[str]) -> None:
        """Run a command as root inside; raises `EdgectlError` with what it said where it fails."""
        inside = ["nsenter", "--all", f"--target={self._first_process()}", "--", *command]
        done = subprocess.run(
            inside, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_RUN_S
        )
        if done.returncode:
            raise EdgectlError(f"{command[0]} failed at the host: {done.stderr.strip()}")

    def signal(self, program: str, number: int) -> None:
        """Send a signal to every process of the machine that runs `program`."""
        mine = _pid_namespace(self._first_process())
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and _program(entry) == program:
                process = int(entry.name)
                if _pid_namespace(process) == mine:
                    os.kill(process, number)

    def _first_process(self) -> int:
        children = _children(self._process) if self.state is HostState.UP else []
        if not children:
            raise BusyError("the host is down or rebooting", hint="try again when it is up")
        return children[0]


def _children(process: int) -> list[int]:
    path = Path(f"/proc/{process}/task/{process}/children")
    return [int(number) for number in path.read_text(encoding="utf-8").split()] if path.exists() else []


def _program(entry: Path) -> str:
    try:
        return (entry / "comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""  # it has ended


def _pid_namespace(process: int) -> str:
    try:
        return str(Path(f"/proc/{process}/ns/pid").readlink())
    except OSError:
        return ""
