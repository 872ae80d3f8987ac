"""The process that owns a lab's hosts: it boots them and says when one has ended.

It is PID 1 of the lab's own PID namespace, so when it ends, however it ends, the kernel kills every process
of every host and drops every mount. It never has a thread, so it may fork.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Never

from edgectl.lab import kernel, wire
from edgectl.lab.hostroot import attach_disk, enter_root
from edgectl.lab.image import HostImage, install_image
from edgectl.lab.pid1.loop import Loop
from edgectl.lab.pid1.main import Host, prepare_process
from edgectl.lab.stage import DISKS, Stage, enter_stage

_OUTSIDE = 0  # how a parent in another PID namespace appears
_OWN_NAMESPACES = kernel.NEW_MOUNTS | kernel.NEW_UTS | kernel.NEW_IPC


def start_keeper(stage: Stage) -> tuple[int, socket.socket]:
    """Start a keeper that dies with this process; return its process id and the channel to it.

    Its first packet asks for ids: answer with any packet once the kernel was told. Then it is `ready`, or
    `refused` with a reason. Call this before the process has a second thread.
    """
    ours, its = wire.packet_pair()
    supervisor = os.getpid()
    process = os.fork()
    if not process:
        _close_all_but(its.fileno())
        _end_with(lambda: _stand_on(stage, its, supervisor))
    its.close()
    return process, ours


def _close_all_but(channel: int) -> None:
    """Close what the supervisor had open, so that no host can keep it open."""
    os.closerange(3, channel)
    os.closerange(channel + 1, os.sysconf("SC_OPEN_MAX"))


def _end_with(work: Callable[[], int]) -> Never:
    """Run the whole life of a forked process and end it, so that it never returns to where it forked."""
    code = 1
    try:
        code = work()
    finally:
        if sys.exc_info()[1]:
            traceback.print_exc()
        os._exit(code)


def _stand_on(stage: Stage, channel: socket.socket, supervisor: int) -> int:
    kernel.die_with_parent(supervisor)
    try:
        enter_stage(stage, lambda: _ask_for_ids(channel))
    except OSError as error:
        wire.send(channel, {"event": "refused", "reason": str(error)})
        return 1
    kernel.die_with_parent(supervisor)
    keeper = os.fork()
    if not keeper:
        _end_with(lambda: _keep(stage, channel))
    channel.close()
    return os.waitstatus_to_exitcode(os.waitpid(keeper, 0)[1])


def _ask_for_ids(channel: socket.socket) -> None:
    wire.send(channel, {"event": "ids"})
    wire.receive(channel)


def _keep(stage: Stage, channel: socket.socket) -> int:
    kernel.die_with_parent(_OUTSIDE)
    kernel.name_process("lab-keeper")
    try:
        kernel.mount("proc", Path("/proc"), "proc")
        kernel.mount("disks", DISKS, "tmpfs", options="mode=755,size=1m")
    except OSError as error:
        wire.send(channel, {"event": "refused", "reason": str(error)})
        return 1
    Keeper(channel, tuple(name for name, _ in stage.shown)).run()
    return 0


class Keeper:
    """Boots hosts on request until the channel to the supervisor ends."""

    def __init__(self, channel: socket.socket, shown: tuple[str, ...]) -> None:
        self._channel = channel
        self._shown = shown
        self._loop = Loop()
        self._first: dict[str, int] = {}
        self._own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def run(self) -> None:
        """Serve; returning ends every host."""
        self._loop.watch(self._channel.fileno(), self._obey)
        wire.send(self._channel, {"event": "ready"})
        self._loop.run()

    def _obey(self) -> None:
        packet, _ = wire.receive(self._channel)
        match packet:
            case None:
                self._loop.stop()
            case {"cut": host}:
                if process := self._first.get(host):
                    os.kill(process, signal.SIGKILL)
            case _:
                self._boot(HostImage(**packet))

    def _boot(self, image: HostImage) -> None:
        attach_disk(image.name, image.disk_mb)
        ours, its = wire.packet_pair()
        kernel.unshare(kernel.NEW_PIDS)
        process = os.fork()
        if not process:
            self._channel.close()
            ours.close()
            _end_with(lambda: self._live(image, its))
        kernel.enter(self._own_pids, kernel.NEW_PIDS)
        its.close()
        self._first[image.name] = process
        self._loop.on_exit(process, lambda status: self._tell_ended(image.name, status))
        wire.send(self._channel, {"event": "booted", "host": image.name}, (ours.fileno(),))
        ours.close()

    def _live(self, image: HostImage, channel: socket.socket) -> int:
        signal.set_wakeup_fd(-1)
        kernel.die_with_parent(_OUTSIDE)
        kernel.name_process(image.name)
        try:
            kernel.unshare(_OWN_NAMESPACES)
            enter_root(attach_disk(image.name, image.disk_mb), self._shown)
            socket.sethostname(image.name)
            prepare_process()
            install_image(image)
        except OSError as error:
            wire.send(channel, {"event": "refused", "reason": f"{image.name}: {error}"})
            return 1
        return Host(channel).run()

    def _tell_ended(self, host: str, status: int) -> None:
        del self._first[host]
        wire.send(self._channel, {"event": "ended", "host": host, "status": status})
