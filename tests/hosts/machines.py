"""Real hosts for tests: OpenSSH servers, each with mounts and processes of its own, on loopback addresses.

A machine sees this one's programs, and overlays of its own over everything that can be written. Nothing it
does is left behind: its processes and mounts end with its PID and mount namespaces.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PORT = 2222
START_S = 20.0
_PRIVATE = ("etc", "root", "home", "var", "opt", "srv", "run", "usr/local")

# The overlays' upper halves lie on a tmpfs, so they are gone with the namespace.
_BOOT = """\
set -e
mount -t tmpfs tmpfs {folder}/scratch
for d in {private}; do
  mkdir -p {folder}/scratch/$d/upper {folder}/scratch/$d/work
  mount -t overlay overlay -o "lowerdir=/$d,upperdir={folder}/scratch/$d/upper,workdir={folder}/scratch/$d/work" /$d
done
rm -f /root/.bashrc /root/.profile /root/.bash_profile
mkdir -p /run/sshd
install -m 644 {folder}/authorized_keys /etc/edgectl-test-keys
{prepare}
exec /usr/sbin/sshd -D -e -f {folder}/sshd_config
"""

_SSHD_CONFIG = """\
Port {port}
ListenAddress {listen}
HostKey {host_key}
AuthorizedKeysFile /etc/edgectl-test-keys
StrictModes no
PidFile none
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
MaxStartups 200:30:400
MaxSessions 200
Subsystem sftp internal-sftp
{extra}
SetEnv PATH={path}
{last}
"""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing() -> str:
    """Return why machines cannot be made here, or an empty text."""
    if os.geteuid() != 0:
        return "needs root, to give each host mounts of its own"
    if not Path("/usr/sbin/sshd").exists():
        return "needs OpenSSH's server: apt-get install openssh-server"
    return ""


@dataclass(frozen=True, slots=True)
class Machine:
    """One running host."""

    name: str
    address: str
    folder: Path
    client_key: Path
    host_key: Path
    process: subprocess.Popen[bytes]
    port: int = PORT

    def pin(self) -> str:
        """Return this host's line of known_hosts."""
        kind, key = self.host_key.with_suffix(".pub").read_text().split()[:2]
        return f"[{self.address}]:{self.port} {kind} {key}"

    def run(self, command: str) -> str:
        """Run a command on the host, as root and past SSH."""
        init = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0]
        inside = ["nsenter", "-t", init, "-m", "-p", "sh", "-c", command]
        return subprocess.run(inside, capture_output=True, text=True, check=True, timeout=60).stdout

    def stop(self) -> None:
        """End every process of the host; its mounts go with them."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def start(
    name: str,
    address: str,
    folder: Path,
    client_key: Path,
    *,
    prepare: str = "true",
    extra: str = "",
    last: str = "",
    listen: str = "",
    port: int = PORT,
) -> Machine:
    """Boot a host. `prepare` is a script that runs in it first; `extra` and `last` go into its sshd_config.

    sshd listens on the host's own address, or on `listen`.
    """
    folder.mkdir(parents=True)
    (folder / "scratch").mkdir()
    host_key = keypair(folder / "host_key")
    (folder / "authorized_keys").write_text(client_key.with_suffix(".pub").read_text())
    config = _SSHD_CONFIG.format(
        port=port,
        listen=listen or address,
        host_key=host_key,
        folder=folder,
        path=PATH,
        extra=extra,
        last=last,
    )
    (folder / "sshd_config").write_text(config)
    script = _BOOT.format(folder=shlex.quote(str(folder)), private=" ".join(_PRIVATE), prepare=prepare)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    machine = Machine(name, address, folder, client_key, host_key, process, port)
    _wait(machine)
    return machine


def keypair(path: Path, kind: str = "ed25519") -> Path:
    """Make a key pair and return the private half's path, which has no suffix."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    return path


def inventory(folder: Path, machines: Sequence[Machine], *, user: str = "root", more: str = "") -> Path:
    """Write an inventory of machines, their keys pinned; `more` is added to each host's mapping."""
    folder.mkdir(parents=True, exist_ok=True)
    hosts = "".join(f"      {m.name}: {{address: {m.address}, role: gpu{more}}}\n" for m in machines)
    (folder / "fleet.yaml").write_text(
        f"defaults: {{ssh: {{user: {user}, port: {PORT}, key: {machines[0].client_key}}}}}\n"
        "pops:\n"
        "  tst1:\n"
        "    metro: FRA\n    region: eu-central\n    country: DE\n    tz: Europe/Berlin\n    state: live\n"
        f"    hosts:\n{hosts}"
    )
    (folder / "known_hosts").write_text("".join(f"{machine.pin()}\n" for machine in machines))
    return folder


def _wait(machine: Machine) -> None:
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up:
        if machine.process.poll() is not None:
            break
        try:
            socket.create_connection((machine.address, machine.port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"{machine.name} did not start: {(machine.folder / 'log').read_text()}")
