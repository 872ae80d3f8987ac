"""Real wipefs, blkid and mkfs on an image; only the mount is played."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError
from tests.remote.host import program, run_module, tree

pytestmark = pytest.mark.skipif(shutil.which("mkfs.ext4") is None, reason="needs apt-get install e2fsprogs")
ID, SERIAL = "nvme-Samsung_S1", "S1"


class Host:
    """A host with one disk, an image."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.image = folder / "dev/nvme1n1"
        for place in ("dev/disk/by-id", "proc/self", "sys/block/nvme1n1/device", "bin"):
            (folder / place).mkdir(parents=True)
        (folder / "sys/block/nvme1n1/device/serial").write_text(f"{SERIAL}\n")
        with self.image.open("wb") as stream:
            stream.truncate(8 << 20)
        (folder / "dev/disk/by-id" / ID).symlink_to("../../nvme1n1")
        self.mounts = folder / "proc/self/mounts"
        self.mounts.write_text("")
        self.fstab = folder / "fstab"
        self.fstab.write_text("# kept\nUUID=1 / ext4 defaults 0 1\n")
        self.tool("mount", f'echo "$5 $6 ext4 rw 0 0" >> {self.mounts}')

    def tool(self, name: str, line: str) -> None:
        program(self.folder / "bin", name, f"#!/bin/sh\n{line}\n")

    def shell(self, command: str) -> None:
        subprocess.run(["sh", "-c", command], check=True, cwd=self.folder, env=self.environment)

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}/bin:{os.defpath}:/usr/sbin:/sbin"}

    @property
    def where(self) -> str:
        return f"{self.folder}/models"

    def disk(self, *, check: bool = False, **more: Any) -> Any:
        given = {
            "id": ID,
            "path": self.where,
            "label": "models",
            "fstab": str(self.fstab),
            "root": str(self.folder),
        }
        return run_module("disk", {**given, **more}, check=check, environment=self.environment)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_an_empty_disk_gets_its_file_system_once_and_is_mounted_at_every_boot(host: Host) -> None:
    first, second = host.disk(), host.disk()

    assert (first.failed, first.changed, second.changed) == (False, True, False), first
    assert first.values["changes"] == [
        "ext4 'models'",
        f"{host.where} in {host.fstab}",
        f"mounted at {host.where}",
    ]
    lines = host.fstab.read_text().splitlines()
    assert lines[:2] == ["# kept", "UUID=1 / ext4 defaults 0 1"]
    assert lines[2].startswith("UUID=")
    assert lines[2].endswith(f" {host.where} ext4 defaults,nofail 0 2")


def test_a_check_tells_and_touches_nothing(host: Host) -> None:
    before = tree(host.folder)

    assert host.disk(check=True).changed
    assert tree(host.folder) == before


def test_a_disk_of_ours_that_is_not_mounted_is_mounted_and_keeps_what_is_on_it(host: Host) -> None:
    host.disk()
    before = host.image.read_bytes()
    host.mounts.write_text("")
    again = host.disk()

    assert (again.changed, again.values["changes"]) == (True, [f"mounted at {host.where}"])
    assert host.image.read_bytes() == before


@pytest.mark.parametrize(
    ("make", "named"),
    [
        ("mkfs.ext4 -q -F -L data dev/nvme1n1", "ext4 'data'"),
        ("printf 'LUKS\\272\\276\\000\\001' | dd of=dev/nvme1n1 conv=notrunc status=none", "crypto_LUKS"),
        ("mkswap -q dev/nvme1n1 2>/dev/null || mkswap dev/nvme1n1 >/dev/null", "swap"),
    ],
)
def test_what_is_not_ours_is_left_alone_unless_the_serial_is_given(host: Host, make: str, named: str) -> None:
    host.shell(make)
    before = host.image.read_bytes()
    refused, wrong = host.disk(), host.disk(serial="S2")

    assert f"on {ID} is {named}" in refused.msg
    assert "give its serial number" in refused.msg
    assert "'S2' is not its serial number" in wrong.msg
    assert host.image.read_bytes() == before
    assert host.disk(serial=SERIAL).changed
    assert not host.disk().changed


@pytest.mark.parametrize(
    "use", ["mkdir sys/block/nvme1n1/nvme1n1p1", "mkdir -p sys/block/nvme1n1/holders/dm-0", None]
)
def test_a_disk_in_use_is_left_alone_though_its_serial_is_given(host: Host, use: str | None) -> None:
    host.shell(use or "echo '/dev/nvme1n1 /old ext4 rw 0 0' > proc/self/mounts")

    assert "in use" in host.disk(serial=SERIAL).msg
    assert not host.image.read_bytes().strip(b"\0")


@pytest.mark.parametrize(
    ("tool", "line", "said"),
    [
        ("mkfs.ext4", "exit 0", "is no ext4 'models' after it was made"),
        ("mkfs.ext4", "echo no room >&2; exit 1", "mkfs.ext4 ended with 1: no room"),
        ("mount", "exit 0", "still to do"),
        ("mount", "echo wrong fs type >&2; exit 32", "mount ended with 32: wrong fs type"),
        ("wipefs", "exit 1", "cannot be told"),
        ("wipefs", "echo nonsense", "cannot be told"),
        ("blkid", "exit 0", "blkid does not agree"),
        ("blkid", "echo broken >&2; exit 4", "blkid does not agree"),
    ],
)
def test_a_tool_that_fails_or_lies_is_found_out(host: Host, tool: str, line: str, said: str) -> None:
    host.tool(tool, line)

    assert said in host.disk().msg


def test_a_wipefs_that_sees_nothing_costs_nobody_his_data(host: Host) -> None:
    host.shell("mkfs.ext4 -q -F -L data dev/nvme1n1")
    before = host.image.read_bytes()
    host.tool("wipefs", "exit 0")

    assert "blkid does not agree" in host.disk().msg
    assert host.image.read_bytes() == before


def test_a_disk_that_is_not_there_is_a_failure(host: Host) -> None:
    assert "there is no disk nvme-other" in host.disk(id="nvme-other").msg


@pytest.mark.parametrize(
    "args",
    [
        {"id": "x-part1"},
        {"id": "../sda"},
        {"label": "much-too-long-a-name"},
        {"label": "a b"},
        {"path": "models"},
    ],
)
def test_what_does_not_name_one_whole_disk_is_refused(host: Host, args: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        host.disk(**args)
