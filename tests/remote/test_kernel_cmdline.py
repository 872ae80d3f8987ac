"""Kernel parameters: in our file, in every boot entry, and told apart from those of this boot."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError
from edgectl.remote.result import TaskResult
from tests.remote.host import program, run_module

ENTRIES = "linux /vmlinuz-1 root=a ro quiet {0}\\n\\tlinux /vmlinuz-2 root=a ro {0}\\n"


class Grub:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "cmdline").write_text("root=a ro quiet\n")
        self.updates(
            f'. {folder}/ours.cfg; printf "{ENTRIES}" > {folder}/grub.cfg'.replace(
                "{0}", "$GRUB_CMDLINE_LINUX"
            )
        )

    def updates(self, script: str) -> None:
        program(self.folder / "bin", "update-grub", f"#!/bin/sh\n{script}\n")

    def set(self, *parameters: str, check: bool = False, diff: bool = False) -> TaskResult:
        given: dict[str, Any] = {
            "parameters": list(parameters),
            "path": str(self.folder / "ours.cfg"),
            "grub": str(self.folder / "grub.cfg"),
            "running": str(self.folder / "cmdline"),
        }
        path = {"PATH": f"{self.folder}/bin:{os.defpath}"}
        return run_module("kernel_cmdline", given, check=check, diff=diff, environment=path)


@pytest.fixture
def grub(tmp_path: Path) -> Grub:
    return Grub(tmp_path)


def test_a_parameter_is_set_once_and_waits_for_a_boot(grub: Grub) -> None:
    first, again = grub.set("iommu=pt"), grub.set("iommu=pt")

    assert (first.changed, again.changed) == (True, False)
    assert (again.values["missing"], again.values["reboot_due"]) == (["iommu=pt"], True)
    (grub.folder / "cmdline").write_text("root=a ro quiet iommu=pt\n")
    assert grub.set("iommu=pt").values == {"missing": [], "reboot_due": False}


def test_a_check_writes_nothing_and_shows_what_it_would(grub: Grub) -> None:
    done = grub.set("iommu=pt", check=True, diff=True)

    assert (done.changed, done.values["reboot_due"]) == (True, True)
    assert done.diff is not None
    assert "iommu=pt" in done.diff["after"]
    assert not (grub.folder / "ours.cfg").exists()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 0", "boots without them: no boot entry in"),
        ("echo no >&2; exit 1", "update-grub ended with 1: no"),
        ("printf 'linux a iommu=pt\\nlinux b\\n' > {}/grub.cfg", "boots without them: linux b"),
    ],
)
def test_an_update_that_does_not_reach_every_entry_is_a_failure(grub: Grub, script: str, said: str) -> None:
    grub.updates(script.format(grub.folder))

    done = grub.set("iommu=pt")
    assert (done.failed, said in done.msg) == (True, True), done


@pytest.mark.parametrize("word", ["a b", "$(reboot)", 'x"y', ""])
def test_what_would_be_more_than_one_word_for_the_shell_is_refused(grub: Grub, word: str) -> None:
    with pytest.raises(ArgumentError):
        grub.set(word)
