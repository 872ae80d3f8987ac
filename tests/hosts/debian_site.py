"""A real Debian as operators have it: PAM, logind that kills what sessions leave behind, a user with sudo."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cli_run import Edgectl, Ended
from tests.hosts import nspawn
from tests.hosts.machines import inventory, keypair
from tests.hosts.nspawn import Debian

BECOME = {"become": True}
# logind kills what a session leaves behind, as upstream's default is since systemd 230.
_LOGIND = "[Login]\nKillUserProcesses=yes\n"
_SUDOERS = "edge ALL=(ALL) NOPASSWD: ALL\n"


@dataclass(frozen=True)
class Site:
    machine: Debian
    edgectl: Edgectl
    folder: Path

    def start(
        self, *tasks: dict[str, Any], play: dict[str, Any] | None = None
    ) -> tuple[threading.Thread, list[Ended]]:
        """Run tasks in the background."""
        path = self.folder / "play.yaml"
        one = {"hosts": "all", "gather_facts": False, **(play or {}), "tasks": list(tasks)}
        path.write_text(yaml.safe_dump([one], sort_keys=False))
        ended: list[Ended] = []
        thread = threading.Thread(target=lambda: ended.append(self.edgectl("run", path, "-o", "json")))
        thread.start()
        return thread, ended

    def play(self, *tasks: dict[str, Any], play: dict[str, Any] | None = None) -> Ended:
        thread, ended = self.start(*tasks, play=play)
        thread.join()
        return ended[0]

    def wait_for(self, command: str, seconds: float = 30.0) -> str:
        give_up = time.monotonic() + seconds
        while True:
            done = self.machine.try_run(command)
            if done.returncode == 0:
                return done.stdout
            assert time.monotonic() < give_up, f"{command}: {done}"
            time.sleep(0.2)

    def units(self, state: str = "") -> str:
        return self.machine.run(f"systemctl list-units --all --plain --no-legend 'edgectl-*' {state}")


@contextmanager
def debian_site(folder: Path, address: str) -> Iterator[Site]:
    """Boot a machine at this address, for as long as the context lasts."""
    tree = folder / "tree"
    for path, text in {
        "etc/ssh/sshd_config.d/00-pam.conf": "UsePAM yes\n",
        "etc/systemd/logind.conf": _LOGIND,
        "etc/sudoers.d/edge": _SUDOERS,
    }.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    (tree / "etc/sudoers.d/edge").chmod(0o440)
    key = keypair(folder / "client_key")
    machine = nspawn.start("deb1", address, folder / "machine", key, tree)
    try:
        machine.run(
            "useradd --create-home --shell /bin/bash edge"
            " && install -d -o edge -g edge -m 700 /home/edge/.ssh"
            " && install -o edge -g edge -m 600 /root/.ssh/authorized_keys /home/edge/.ssh/authorized_keys"
        )
        home = folder / "home"
        home.mkdir()
        yield Site(
            machine, Edgectl(home, inventory(folder / "inventory", [machine], user="edge"), {}), folder
        )
    finally:
        machine.stop()
