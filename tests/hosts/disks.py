"""A disk for a Debian machine of the tests: a loop device over an image, with a name and a serial number that stay."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hosts.nspawn import Debian

ID, SERIAL = "nvme-Samsung_S1", "S1"
_SIZE_BYTES = 64 << 20


@contextmanager
def loop_device(image: Path) -> Iterator[str]:
    """Yield a loop device over an empty image; skips the test where there is none."""
    with image.open("wb") as stream:
        stream.truncate(_SIZE_BYTES)
    words = ["losetup", "--find", "--show", str(image)]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"needs loop devices: {made.stderr.strip()}")
    try:
        yield made.stdout.strip()
    finally:
        subprocess.run(["losetup", "--detach", made.stdout.strip()], check=True)


def show_disk(machine: Debian, device: str) -> None:
    """Show a machine the device; what it has of it in /sys is laid out, for a loop device has no serial number."""
    number = Path(device).stat().st_rdev
    name = Path(device).name
    machine.run(
        f"mknod {device} b {os.major(number)} {os.minor(number)}; mkdir -p /dev/disk/by-id;"
        f" ln -s {device} /dev/disk/by-id/{ID}; mount -t tmpfs block /sys/block;"
        f" mkdir -p /sys/block/{name}/holders; echo {SERIAL} > /sys/block/{name}/serial"
    )
