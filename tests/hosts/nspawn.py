"""Real Debian machines with systemd and apt, one by one: the lab's own, each with a keeper of the test's.

`python -m tests.hosts.nspawn --prepare` makes the Debian root they share; it alone needs the network.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

from edgectl.lab.nspawn import cgroups
from edgectl.lab.nspawn.debian import make_root, missing_here, root_in
from edgectl.lab.nspawn.line import KeeperLine
from edgectl.lab.nspawn.machine import HOST_KEY, Access, write_layer
from edgectl.lab.nspawn.machine import Machine as Made
from tests.hosts import machines
from tests.hosts.machines import PORT, keypair

BOOT_S = 60.0
_DISK_MB = 4096


def cache() -> Path:
    """Return the folder that keeps the Debian root."""
    return Path(os.environ.get("EDGECTL_TEST_CACHE", "/var/cache/edgectl-tests"))


def missing() -> str:
    """Return why machines cannot be made here, or an empty text."""
    reason, remedy = missing_here(cache())
    if reason:
        return f"{reason}: {remedy}"
    if not root_in(cache()).exists():
        return "needs a Debian root: python -m tests.hosts.nspawn --prepare"
    return ""


@dataclass(frozen=True, slots=True)
class Debian(machines.Machine):
    """One running machine."""

    line: KeeperLine | None = None
    groups: tuple[str, ...] = ()

    def run(self, command: str) -> str:
        """Run a command on the machine as root, by OpenSSH's own client."""
        done = self.try_run(command)
        assert done.returncode == 0, done
        return done.stdout

    def try_run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command and return how it ended."""
        options = [f"-oUserKnownHostsFile={self.folder}/known_hosts", "-oBatchMode=yes", "-oConnectTimeout=5"]
        login = ["-p", str(PORT), "-i", str(self.client_key), f"root@{self.address}"]
        words = ["ssh", *options, "-F", "none", *login, command]
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)

    def cut_power(self) -> None:
        """Kill the machine at once; it boots again with its disk."""
        assert self.line
        self.line.ask("power-cut", host=self.name)

    def stop(self) -> None:
        """End every process of the machine; its mounts and cgroups go with them."""
        assert self.line
        self.line.close()
        left = cgroups.remove(self.groups)
        assert not left, left


def start(name: str, address: str, folder: Path, client_key: Path, tree: Path | None = None) -> Debian:
    """Boot a machine, with the files of `tree` laid over its own, and return once it takes logins."""
    folder.mkdir(parents=True)
    host_key = keypair(folder / "host_key")
    authorized = client_key.with_suffix(".pub").read_text()
    write_layer(folder, name, Access(address, PORT, {HOST_KEY: host_key.read_text()}, authorized), tree)
    groups = cgroups.groups_for(f"edgectl-test-{zlib.crc32(str(folder).encode()):08x}")
    line = KeeperLine(folder / "keeper.log")
    machine = Debian(name, address, folder, client_key, host_key, line.process, PORT, line, groups)
    (folder / "known_hosts").write_text(machine.pin() + "\n")
    try:
        line.boot(Made(name, str(folder), str(root_in(cache())), _DISK_MB, groups))
        await_boot(machine)
    except BaseException:
        machine.stop()
        raise
    return machine


def await_boot(machine: Debian) -> None:
    """Wait until the machine has booted and takes logins."""
    give_up = time.monotonic() + BOOT_S
    said = ""
    while time.monotonic() < give_up and machine.process.poll() is None:
        done = machine.try_run("systemctl is-system-running")
        if done.stdout.strip() in ("running", "degraded"):
            return
        said = done.stdout + done.stderr
        time.sleep(0.1)
    raise RuntimeError(f"{machine.name} did not boot: {said}{(machine.folder / 'log').read_text()}")


if __name__ == "__main__":
    if sys.argv[1:] != ["--prepare"]:
        sys.exit("usage: python -m tests.hosts.nspawn --prepare")
    make_root(cache())
