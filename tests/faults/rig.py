"""The engine in this process, a real sshd, and a bad line between them; what happened is read past both."""

from __future__ import annotations

import os
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import paramiko

from edgectl.clock import SystemClock
from edgectl.engine.events import HostSaid, RunEvent
from edgectl.engine.outcome import HostOutcome, RunOutcome
from edgectl.engine.ports import Observer, Patience
from edgectl.inventory.model import Host, SshOptions
from edgectl.ops.rollout import Prepared, Request, carry_out, prepare
from edgectl.ops.services import Services
from edgectl.playbook.loader import read_playbook
from edgectl.pools.threads import ThreadPool
from edgectl.remote.protocol import Message, TaskEnded, TaskStarted, decode_message
from edgectl.secret import SecretSource
from edgectl.ssh.connector import SshConnector
from edgectl.ssh.dial import Deadlines
from edgectl.ssh.hostkeys import KnownHosts
from edgectl.ssh.target import SshDefaults
from edgectl.yaml_source import written
from tests.fakes.fleet import a_fleet, a_host
from tests.fakes.observers import Witness
from tests.fakes.store import an_empty_store
from tests.faults.proxy import Proxy
from tests.hosts.machines import Machine

# Stalls are found within seconds here; an operator's defaults bear slower hosts.
QUICK = Deadlines(tcp_s=2, handshake_s=4, auth_s=4, channel_s=4, hello_s=5, silence_s=7)
COUNTER = "/srv/counter"
# Alembic keeps the migration under way in globals, and a campaign has many controllers in one process.
_OPENING = threading.Lock()

Tasks = Sequence[Mapping[str, Any]]


def count_up(number: int, sleep_s: float = 0.0, **more: Any) -> dict[str, Any]:
    """Return a task that must not run twice: it adds its number to the host's counter."""
    pause = f"; sleep {sleep_s}" if sleep_s else ""
    return {"name": f"t{number}", "shell": f"echo {number} >> {COUNTER}{pause}", **more}


@dataclass(frozen=True, slots=True)
class Truth:
    """What a host itself says about a run, seen by OpenSSH's client, not by edgectl."""

    ran: Counter[int]  # how often each counting task ran
    journal: Sequence[Message]

    def ends(self) -> list[tuple[str, str]]:
        return [(event.name, event.status) for event in self.journal if isinstance(event, TaskEnded)]

    def begun(self) -> list[str]:
        return [event.name for event in self.journal if isinstance(event, TaskStarted)]


@dataclass(frozen=True, slots=True)
class Site:
    """One host with the line that leads to it."""

    machine: Machine
    proxy: Proxy

    @property
    def host(self) -> Host:
        address, port = self.proxy.listen
        ssh = SshOptions(user="root", port=port, key=str(self.machine.client_key))
        key = " ".join(self.machine.host_key.with_suffix(".pub").read_text().split()[:2])
        return a_host(self.machine.name, address=address, ssh=ssh, host_key=key)

    def see(self, command: str) -> str:
        """Run a command at the host as another SSH client, not through the proxy."""
        return openssh(self.machine, command)

    def kill_runner(self, run: str) -> None:
        """Kill -9 the process that runs the job."""
        self.machine.run(f"kill -9 $(cut -d' ' -f1 /var/lib/edgectl/runs/{run}/live)")

    def truth(self, run: str) -> Truth:
        """Return what happened here in a run."""
        journal = f"/var/lib/edgectl/runs/{run}/journal.jsonl"
        said = self.see(f"cat {COUNTER} 2>/dev/null; echo --; cat {journal} 2>/dev/null; true")
        counted, _, lines = said.partition("--\n")
        events = [decode_message(line) for line in lines.splitlines()[1:]]
        return Truth(Counter(int(number) for number in counted.split()), events)


def openssh(machine: Machine, command: str) -> str:
    """Run a command at a machine by OpenSSH's own client."""
    pins = machine.folder / "known_hosts"
    pins.write_text(machine.pin() + "\n")
    options = [f"-oUserKnownHostsFile={pins}", "-oBatchMode=yes", "-oConnectTimeout=10", "-F", "none"]
    where = ["-p", str(machine.port), "-i", str(machine.client_key), f"root@{machine.address}"]
    done = subprocess.run(
        ["ssh", *options, *where, command], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done
    return done.stdout


@dataclass(frozen=True, slots=True)
class Controller:
    """What one `edgectl run` is: adapters, an engine and a playbook."""

    sites: Sequence[Site]
    deadlines: Deadlines = QUICK
    observers: Sequence[Observer] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)

    def prepare(self, tasks: Tasks, **play: Any) -> Prepared:
        """Return a run of these tasks that could start now."""
        plays = [{"hosts": "all", "gather_facts": False, **play, "tasks": list(tasks)}]
        with self._services() as services:
            prepared = prepare(services, read_playbook(written(plays, Path("play.yaml"))), Request("run"))
        stages = [[replace(work, patience=self.patience) for work in stage] for stage in prepared.plan.stages]
        return replace(prepared, plan=replace(prepared.plan, stages=stages))

    def carry_out(self, prepared: Prepared) -> RunOutcome:
        """Run what was prepared; twice, and the second is a controller that comes back."""
        with self._services() as services:
            return carry_out(services, prepared)

    def run(self, tasks: Tasks, **play: Any) -> RunOutcome:
        """Run these tasks as one play over every site."""
        return self.carry_out(self.prepare(tasks, **play))

    @contextmanager
    def _services(self) -> Iterator[Services]:
        clock = SystemClock()
        defaults = SshDefaults(paramiko.SSHConfig(), "root", Path("/nonexistent"), KnownHosts({}))
        connector = SshConnector(
            defaults, clock, lambda: f"EDGECTL-{os.urandom(8).hex()}", deadlines=self.deadlines
        )
        try:
            with ExitStack() as stores:
                with _OPENING:
                    history, freezes = stores.enter_context(an_empty_store())
                yield Services(
                    fleet=a_fleet([site.host for site in self.sites]),
                    pool=ThreadPool(connector, clock, width=64),
                    observers=self.observers,
                    clock=clock,
                    random_bytes=os.urandom,
                    interrupts=lambda: 0,
                    secrets=SecretSource(self.environment),
                    started_by="a test",
                    playbooks=Path("/nonexistent"),
                    history=history,
                    freezes=freezes,
                )
        finally:
            connector.close()


def told(outcome: HostOutcome) -> list[tuple[str, str]]:
    """Return how the report says each task of a host ended."""
    return [(task.name, task.status.value) for task in outcome.tasks]


def disagreements(outcome: HostOutcome, truth: Truth, tasks: int) -> list[str]:
    """Return where a report of `tasks` counting tasks and its host differ, in words; none where it is true."""
    found = [f"task {number} ran {times} times" for number, times in truth.ran.items() if times > 1]
    ran = {f"t{number}" for number in truth.ran}
    claimed = {name for name, status in told(outcome) if status == "changed"}
    found += [f"{name} is called changed and did not run" for name in sorted(claimed - ran)]
    match outcome.status.value:
        case "changed" if len(ran) < tasks:
            found.append(f"called changed, but only {len(ran)} of {tasks} tasks ran")
        case "changed" if told(outcome) != truth.ends():
            found.append(f"the journal has {truth.ends()}, the report {told(outcome)}")
        case "ok" | "unreachable" | "busy" | "not_run" | "skipped" if ran or truth.begun():
            found.append(f"called {outcome.status}, and the host ran {sorted(ran) or truth.begun()}")
        case "failed" if not outcome.reason:
            found.append("failed without a reason")
    return found


def when_task(name: str, do: Callable[[], None]) -> Witness:
    """Return an observer that does something once, when a task has begun."""
    done: list[str] = []

    def on_event(event: RunEvent) -> None:
        match event:
            case HostSaid(message=TaskStarted(name=begun)) if begun == name and not done:
                done.append(name)
                do()
            case _:
                pass

    return Witness(on_event)
