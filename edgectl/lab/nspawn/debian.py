"""The Debian root that all machines share read-only, made once by debootstrap and kept in a cache."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgectl.errors import MissingError

_SUITE = "bookworm"
_PACKAGES = (
    "systemd,systemd-sysv,dbus,python3,openssh-server,sudo,ca-certificates,procps,libpam-systemd,"
    "iproute2,nftables,haproxy"
)
_PROGRAMS = {"systemd-nspawn": "systemd-container", "nsenter": "util-linux", "ip": "iproute2"}
_MAKER = "debootstrap"
_LAST_LINES = 8


def root_in(cache: Path) -> Path:
    """Return where the root lies in a cache, or will; another list of packages is another root."""
    return cache / f"{_SUITE}-{zlib.crc32(_PACKAGES.encode()):08x}"


def missing_here(cache: Path) -> tuple[str, str]:
    """Return why machines cannot be booted here and what helps; two empty texts where they can."""
    if os.geteuid() != 0:
        return "the nspawn backend boots Debian in systemd-nspawn, and that needs root", "run it with sudo"
    wanted = _PROGRAMS if root_in(cache).exists() else _PROGRAMS | {_MAKER: _MAKER}
    absent = {program: package for program, package in wanted.items() if shutil.which(program) is None}
    if absent:
        return f"the nspawn backend needs {', '.join(absent)}", f"apt-get install {' '.join(absent.values())}"
    return "", ""


def make_root(cache: Path) -> Path:
    """Return the root, made from a Debian mirror where it is missing: a minute, 220 MB.

    Raises `MissingError` with debootstrap's last words.
    """
    root = root_in(cache)
    cache.mkdir(parents=True, exist_ok=True)
    with _only_one(cache):
        if not root.exists():
            _make(root)
    return root


@contextmanager
def _only_one(cache: Path) -> Iterator[None]:
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(root: Path) -> None:
    beside = root.with_suffix(".new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    done = subprocess.run(
        [_MAKER, "--variant=minbase", f"--include={_PACKAGES}", _SUITE, str(beside)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        said = "\n".join(done.stdout.splitlines()[-_LAST_LINES:])
        raise MissingError(
            f"debootstrap could not make {root}:\n{said}", hint="does it reach a Debian mirror?"
        )
    for folder in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(beside / folder)
        (beside / folder / "partial").mkdir(parents=True)
    for name in ("etc/machine-id", "etc/apt/sources.list"):
        (beside / name).write_text("")
    beside.rename(root)
