"""Real hosts for tests: OpenSSH servers, each with mounts and processes of its own, on loopback addresses.

A machine sees this one's programs, and overlays of its own over everything it may write. Nothing it does is
left behind: its processes and mounts end with its PID and mount namespaces.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PORT = 2222
START_S = 20.0
_PRIVATE = ("etc", "root", "home", "var", "opt", "srv", "tmp", "run", "usr/local")
_numbers = itertools.count(1)

_BOOT = """\
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs {scratch}
for d in {private}; do
  mkdir -p {scratch}/$d/up {scratch}/$d/work
  mount -t overlay overlay -o lowerdir=/$d,upperdir={scratch}/$d/up,workdir={scratch}/$d/work {scratch}/$d
done 2>/dev/null || exit 90
"""


def missing() -> str:
    """Return why machines cannot be made here, or an empty text."""
    if os.geteuid() != 0:
        return "needs root, to give each host mounts of its own"
    if not Path("/usr/sbin/sshd").exists():
        return "needs OpenSSH's server: apt-get install openssh-server"
    return ""


@dataclass(slots=True)
class Machine:
    """One running host."""

    name: str
    address: str
    folder: Path
    client_key: Path
    host_key: Path
    process: subprocess.Popen[bytes]
    user: str = "root"
    port: int = PORT
    extra: dict[str, str] = field(default_factory=dict)

    def known_hosts_line(self) -> str:
        """Return the pin of this host's key."""
        kind, key = self.host_key.with_suffix(".pub").read_text().split()[:2]
        return f"[{self.address}]:{self.port} {kind} {key}"

    def run(self, command: str) -> str:
        """Run a command on the host, beside SSH, as root."""
        done = subprocess.run(
            ["nsenter", "-t", str(self._init()), "-m", "-p", "sh", "-c", command],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    def _init(self) -> int:
        """Return the first process inside: the only child of unshare."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0])

    def stop(self) -> None:
        """End every process of the host; its mounts go with them."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def keypair(path: Path, kind: str = "ed25519") -> Path:
    """Make a key pair and return the private half's path."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    return path
