"""Debian packages that Ansible's modules need at a host and edgectl's do not: fetched once, installed by dpkg."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from pathlib import Path

from edgectl.lab.nspawn.debian import root_in
from tests.hosts import nspawn

PACKAGES = ("python3-apt", "python3-debian", "cron", "kmod", "unzip", "bzip2", "xz-utils")
AT_HOST = "/var/cache/differential"
_SOURCES = "deb http://deb.debian.org/debian bookworm main\n"


def fetched() -> Path:
    """Return the folder with the packages, fetched where they are not there yet: this alone needs the network."""
    folder = nspawn.cache() / f"packages-{zlib.crc32(' '.join(PACKAGES).encode()):08x}"
    if not folder.exists():
        beside = folder.with_suffix(".new")
        shutil.rmtree(beside, ignore_errors=True)
        _fetch(beside)
        beside.rename(folder)
    return folder


def _fetch(folder: Path) -> None:
    """Let the root's own apt say what is missing, in a copy of it that is thrown away."""
    for name in ("upper", "work", "root", "debs"):
        (folder / name).mkdir(parents=True)
    root = folder / "root"
    layers = f"lowerdir={root_in(nspawn.cache())},upperdir={folder / 'upper'},workdir={folder / 'work'}"
    _run("mount", "-t", "overlay", "overlay", "-o", layers, str(root))
    try:
        for path in ("var/cache/apt/archives/partial", "var/lib/apt/lists/partial"):
            (root / path).mkdir(parents=True, exist_ok=True)
        (root / "etc/apt/sources.list").write_text(_SOURCES)
        shutil.copytree("/etc/apt/apt.conf.d", root / "etc/apt/apt.conf.d", dirs_exist_ok=True)
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        _run("chroot", str(root), "apt-get", "update", "-q")
        words = (
            "install",
            "-y",
            "-q",
            "--no-install-recommends",
            "--download-only",
            "-o",
            "APT::Keep-Downloaded-Packages=true",
        )
        _run("chroot", str(root), "apt-get", *words, *PACKAGES)
        for deb in (root / "var/cache/apt/archives").glob("*.deb"):
            shutil.copy(deb, folder / "debs" / deb.name)
    finally:
        _run("umount", str(root))
    for name in ("upper", "work", "root"):
        shutil.rmtree(folder / name)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
