"""Real Debian machines with systemd and apt: one bookworm root in a cache, an overlay of its own for each.

`python -m tests.hosts.nspawn --prepare` makes the root; it alone needs the network. A machine is systemd-nspawn in
mount and PID namespaces of its own: when its first process ends, its processes and mounts have ended too.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
import zlib
from pathlib import Path

from tests.hosts.machines import PORT, Machine, keypair

BOOT_S = 60.0
_SUITE = "bookworm"
_PACKAGES = "systemd,systemd-sysv,dbus,python3,openssh-server,sudo,ca-certificates,procps,libpam-systemd"
_REBOOT = 133  # what systemd-nspawn exits with when the machine asked for a reboot

# The cache's folder is the lower half; the upper one lies on a tmpfs and is gone with the namespace.
_BOOT = """\
mount -t tmpfs tmpfs {folder}/scratch
mkdir -p {folder}/scratch/upper {folder}/scratch/work
mount -t overlay overlay {folder}/machine \\
  -o lowerdir={root},upperdir={folder}/scratch/upper,workdir={folder}/scratch/work
cp -a {folder}/layer/. {folder}/machine/
chown -R 0:0 {folder}/machine/root {folder}/machine/etc/ssh
# Its tools write below /run/systemd/nspawn, which is the machine's that runs the tests.
mount -t tmpfs tmpfs /run
while :; do
  systemd-nspawn --quiet --register=no --keep-unit --hostname={name} --resolv-conf=off --timezone=off \\
    --directory={folder}/machine --boot --console=pipe </dev/null && exit || [ $? = {reboot} ] || exit 1
done
"""
_SSHD = """\
Port {port}
ListenAddress {address}
HostKey /etc/ssh/edgectl_host_key
PermitRootLogin yes
PasswordAuthentication no
UsePAM no
MaxStartups 100
"""


def cached_root() -> Path:
    """Return where the Debian root lies, or will."""
    cache = os.environ.get("EDGECTL_TEST_CACHE", "/var/cache/edgectl-tests")
    return Path(cache) / f"{_SUITE}-{zlib.crc32(_PACKAGES.encode()):08x}"


def missing() -> str:
    """Return why machines cannot be made here, or an empty text."""
    if os.geteuid() != 0:
        return "needs root, to boot Debian in systemd-nspawn"
    if shutil.which("systemd-nspawn") is None:
        return "needs systemd-nspawn: apt-get install systemd-container"
    if not cached_root().exists():
        return "needs a Debian root: python -m tests.hosts.nspawn --prepare"
    return ""


def prepare() -> None:
    """Make the Debian root, unless it is there."""
    root = cached_root()
    if root.exists():
        return
    beside = root.with_suffix(".new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    include = ["--variant=minbase", f"--include={_PACKAGES}"]
    subprocess.run(["debootstrap", *include, _SUITE, str(beside)], check=True)
    for folder in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(beside / folder)
        (beside / folder / "partial").mkdir(parents=True)
    for name in ("etc/machine-id", "etc/apt/sources.list"):
        (beside / name).write_text("")
    beside.rename(root)


class Debian(Machine):
    """One running machine."""

    __slots__ = ()

    def run(self, command: str) -> str:
        """Run a command on the machine as root, by OpenSSH's own client."""
        done = self.try_run(command)
        assert done.returncode == 0, done
        return done.stdout

    def try_run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command and return how it ended."""
        options = [f"-oUserKnownHostsFile={self.folder}/known_hosts", "-oBatchMode=yes", "-oConnectTimeout=5"]
        words = [
            "ssh",
            *options,
            "-F",
            "none",
            "-p",
            str(PORT),
            "-i",
            str(self.client_key),
            f"root@{self.address}",
        ]
        return subprocess.run([*words, command], capture_output=True, text=True, check=False, timeout=60)


def start(name: str, address: str, folder: Path, client_key: Path, tree: Path | None = None) -> Debian:
    """Boot a machine, with the files of `tree` laid over its own, and return once it takes logins."""
    layer = folder / "layer"
    for path in (
        folder / "scratch",
        folder / "machine",
        layer / "etc/ssh/sshd_config.d",
        layer / "root/.ssh",
    ):
        path.mkdir(parents=True)
    host_key = keypair(folder / "host_key")
    shutil.copy(host_key, layer / "etc/ssh/edgectl_host_key")
    shutil.copy(client_key.with_suffix(".pub"), layer / "root/.ssh/authorized_keys")
    (layer / "root/.ssh").chmod(0o700)
    if tree is not None:
        shutil.copytree(tree, layer, dirs_exist_ok=True)
    (layer / "etc/hostname").write_text(f"{name}\n")
    config = _SSHD.format(port=PORT, address=address)
    (layer / "etc/ssh/sshd_config.d/edgectl.conf").write_text(config)
    script = _BOOT.format(
        folder=shlex.quote(str(folder)), root=shlex.quote(str(cached_root())), name=name, reboot=_REBOOT
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-ec", script],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    machine = Debian(name, address, folder, client_key, host_key, process)
    (folder / "known_hosts").write_text(machine.pin() + "\n")
    try:
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
    prepare()
