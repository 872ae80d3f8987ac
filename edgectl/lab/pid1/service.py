"""One unit's life: start, watch, restart, stop."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable

from edgectl.lab.pid1.commandline import Command, expand, fill_in, parse_command
from edgectl.lab.pid1.journal import Journal, Printed
from edgectl.lab.pid1.loop import Loop, Timer
from edgectl.lab.pid1.processes import processes_of, send_signal, signal_number
from edgectl.lab.pid1.spawn import Surroundings, make_own_folders, spawn, surroundings
from edgectl.lab.pid1.status import State, Status, wants_restart
from edgectl.lab.pid1.unitfile import UnitFile

NOTIFY_SOCKET = "/run/systemd/notify"


class Service:
    """A unit that may run; `settled` callbacks fire when a start or stop has come to its end."""

    def __init__(self, unit: UnitFile, loop: Loop, journal: Journal) -> None:
        self.unit = unit
        self.status = Status()
        self.invocation = ""
        self._loop = loop
        self._journal = journal
        self._around: Surroundings | None = None
        self._settled: list[Callable[[], None]] = []
        self._timer: Timer | None = None
        self._notified = 0

    # What others ask for.

    def start(self, settled: Callable[[], None]) -> None:
        """Start unless active; call `settled` when that has worked or failed."""
        if self.status.state is State.ACTIVE:
            settled()
            return
        self._settled.append(settled)
        if (
            self.status.state not in (State.ACTIVATING, State.DEACTIVATING)
            or self.status.sub_state == "auto-restart"
        ):
            self._begin()

    def stop(self, settled: Callable[[], None]) -> None:
        """Stop every process of the unit; call `settled` when none is left."""
        self._cancel_timer()
        if self.status.state in (State.INACTIVE, State.FAILED):
            settled()
            return
        self._settled.append(settled)
        if self.status.state is not State.DEACTIVATING:
            self._say("Stopping {}...")
            self.status.enter(State.DEACTIVATING, "stop")
            self._run_all(self._commands("ExecStop"), self._kill, self._kill)

    def reload(self, settled: Callable[[bool], None]) -> None:
        """Run `ExecReload`; tell `settled` whether it worked."""
        commands = self._commands("ExecReload", MAINPID=str(self.status.main))
        if self.status.state is not State.ACTIVE or not commands:
            settled(False)
        else:
            self._run_all(commands, lambda: settled(True), lambda: settled(False))

    def reset_failed(self) -> None:
        """Forget a failure and how often the unit was started lately."""
        self.status.starts.clear()
        self.status.restarts = 0
        if self.status.state is State.FAILED:
            self.status.result = "success"
            self.status.enter(State.INACTIVE, "dead")

    def notified(self, message: str) -> None:
        """Hear sd_notify(3)."""
        words = dict(line.split("=", 1) for line in message.splitlines() if "=" in line)
        if words.get("READY") == "1" and self.status.state is State.ACTIVATING and self._type == "notify":
            self._started()
        if words.get("MAINPID", "").isdecimal():
            self.status.main = int(words["MAINPID"])

    def kill(self, number: int) -> None:
        """Send a signal to every process of the unit."""
        for process in self.processes():
            send_signal(process, number)

    def processes(self) -> list[int]:
        """Return the processes the unit started, theirs included."""
        return processes_of(self.invocation) if self.invocation else []

    # Start.

    @property
    def _type(self) -> str:
        return self.unit.last(
            "Service", "Type", "simple" if self.unit.all("Service", "ExecStart") else "oneshot"
        )

    def _begin(self) -> None:
        self._cancel_timer()
        if not self.status.may_start(self.unit):
            self._fail("start-limit-hit")
            return
        self.status.result = "success"
        self.invocation = uuid.uuid4().hex
        self._say("Starting {}...")
        self.status.enter(State.ACTIVATING, "start")
        try:
            make_own_folders(self.unit)
            self._around = surroundings(self.unit, self.invocation)
            commands = self._commands("ExecStartPre")
        except (OSError, ValueError, KeyError) as error:
            self._journal.write(f"{self.unit.name}: {error}", unit=self.unit.name)
            self._fail("resources")
            return
        self._arm("TimeoutStartSec", 90.0 if self._type != "oneshot" else 1e9)
        self._run_all(commands, self._start_main, lambda: self._fail("exit-code"))

    def _start_main(self) -> None:
        commands = self._commands("ExecStart")
        if self._type == "oneshot":
            self._run_all(commands, self._oneshot_done, lambda: self._fail(self.status.result))
            return
        if not commands:
            self._fail("bad-setting")
            return
        if self._type == "notify":
            self._environment()["NOTIFY_SOCKET"] = NOTIFY_SOCKET
        self.status.main = self._launch(commands[0], self._main_ended)
        if self._type in ("simple", "exec", "idle", "dbus"):
            self._started()

    def _oneshot_done(self) -> None:
        self._cancel_timer()
        self._run_all(
            self._commands("ExecStartPost"), self._oneshot_finished, lambda: self._fail("exit-code")
        )

    def _oneshot_finished(self) -> None:
        remains = self.unit.flag("Service", "RemainAfterExit") or not self.unit.name.endswith(".service")
        self._say("Finished {}.")
        self.status.enter(*((State.ACTIVE, "exited") if remains else (State.INACTIVE, "dead")))
        self._settle()

    def _started(self) -> None:
        self._cancel_timer()
        self._run_all(
            self._commands("ExecStartPost"), self._now_active, lambda: self._kill_after("exit-code")
        )

    def _now_active(self) -> None:
        if self.status.state is State.ACTIVATING:
            self._say("Started {}.")
            self.status.enter(State.ACTIVE, "running")
            self._settle()

    # The main process ends.

    def _main_ended(self, status: int) -> None:
        result = self.status.remember_end(status, self.unit)
        forked = self._type == "forking" and self.status.state is State.ACTIVATING and result == "success"
        if forked:
            self.status.main = next(iter(self.processes()), 0)
            self._started()
            return
        self.status.main = 0
        if self.status.state in (State.ACTIVE, State.ACTIVATING):
            self._cancel_timer()
            self._after_end(result)

    def _after_end(self, result: str) -> None:
        starting = self.status.state is State.ACTIVATING
        if result == "success" and starting and self._type == "notify":
            result = "protocol"
        self.kill(signal.SIGKILL)
        self._journal.write(
            f"{self.unit.name}: Main process exited, status={self.status.exit_code}", unit=self.unit.name
        )
        if wants_restart(self.unit, result):
            self._restart_later(result)
        elif result == "success":
            remains = self.unit.flag("Service", "RemainAfterExit")
            self.status.enter(*((State.ACTIVE, "exited") if remains else (State.INACTIVE, "dead")))
            self._settle()
        else:
            self._fail(result)

    def _restart_later(self, result: str) -> None:
        self.status.result = result
        self.status.enter(State.ACTIVATING, "auto-restart")
        self._settle()
        self._timer = self._loop.later(self.unit.seconds("Service", "RestartSec", 0.1), self._restart)

    def _restart(self) -> None:
        self.status.restarts += 1
        self._journal.write(f"{self.unit.name}: Scheduled restart job.", unit=self.unit.name)
        self._begin()

    def _fail(self, result: str) -> None:
        self._cancel_timer()
        self.kill(signal.SIGKILL)
        self.status.result = result
        self._journal.write(f"{self.unit.name}: Failed with result '{result}'.", unit=self.unit.name)
        self.status.enter(State.FAILED, "failed")
        self._settle()

    # Stop.

    def _kill_after(self, result: str) -> None:
        self.status.result = result
        self._kill()

    def _kill(self) -> None:
        number = signal_number(self.unit.last("Service", "KillSignal", "SIGTERM"))
        main_only = self.unit.last("Service", "KillMode", "control-group") in ("process", "mixed")
        if main_only and self.status.main:
            send_signal(self.status.main, number)
        else:
            self.kill(number)
        self._await_end(time.monotonic() + self.unit.seconds("Service", "TimeoutStopSec", 90.0))

    def _await_end(self, deadline: float) -> None:
        left = self.processes()
        if not left:
            self._stopped()
            return
        if time.monotonic() >= deadline or (
            self.unit.last("Service", "KillMode") == "mixed" and not self.status.main
        ):
            self.kill(signal.SIGKILL)
            self.status.result = "timeout" if time.monotonic() >= deadline else self.status.result
        self._timer = self._loop.later(0.02, lambda: self._await_end(deadline))

    def _stopped(self) -> None:
        self.status.main = 0
        self._run_all(self._commands("ExecStopPost"), self._now_stopped, self._now_stopped)

    def _now_stopped(self) -> None:
        self._say("Stopped {}.")
        failed = self.status.result != "success"
        self.status.enter(*((State.FAILED, "failed") if failed else (State.INACTIVE, "dead")))
        self._settle()

    # Parts.

    def _environment(self) -> dict[str, str]:
        return self._around.environment if self._around else {}

    def _commands(self, key: str, **variables: str) -> list[Command]:
        self._environment().update(variables)
        commands = []
        for line in self.unit.all("Service", key):
            try:
                commands.append(parse_command(line, self.unit.name))
            except ValueError as error:
                self._journal.write(f"{self.unit.name}: {error}, ignoring: {line}", unit=self.unit.name)
        return commands

    def _run_all(self, commands: list[Command], done: Callable[[], None], failed: Callable[[], None]) -> None:
        """Run commands one after the other; a failing one ends the row unless it is forgiven."""
        if not commands:
            done()
            return
        first, *rest = commands

        def ended(status: int) -> None:
            if status and not first.ignore_failure:
                self.status.result = self.status.remember_end(status, self.unit)
                failed()
            else:
                self._run_all(rest, done, failed)

        self._launch(first, ended)

    def _launch(self, command: Command, ended: Callable[[int], None]) -> int:
        around = self._around or surroundings(self.unit, self.invocation)
        around.environment["MAINPID"] = str(self.status.main)
        words = fill_in(command, around.environment)
        reader, writer = os.pipe2(os.O_CLOEXEC)
        process = spawn(words, around, writer)
        os.close(writer)
        source = os.path.basename(words[0]) if words else "?"  # noqa: PTH119 - of a word, not of a file
        self._collect(reader, Printed(self._journal, self.unit.name, source, process))
        self._loop.on_exit(process, ended)
        return process

    def _collect(self, reader: int, printed: Printed) -> None:
        def read() -> None:
            if not printed.read(reader):
                self._loop.unwatch(reader)
                os.close(reader)

        self._loop.watch(reader, read)

    def _arm(self, key: str, default: float) -> None:
        seconds = self.unit.seconds("Service", key, self.unit.seconds("Service", "TimeoutSec", default))
        self._timer = self._loop.later(seconds, lambda: self._fail("timeout"))

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _settle(self) -> None:
        waiting, self._settled = self._settled, []
        for call in waiting:
            call()

    def _say(self, message: str) -> None:
        title = expand(self.unit.last("Unit", "Description", self.unit.name), self.unit.name)
        self._journal.write(message.format(f"{self.unit.name} - {title}"), unit=self.unit.name)
