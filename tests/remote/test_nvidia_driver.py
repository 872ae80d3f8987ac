"""The driver that runs: kernel, libraries and baseline have one version, or it is said which has not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.result import TaskResult
from tests.remote.host import program, run_module

OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {0}  Release Build  (dvs-builder)\n"
CLOSED = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  {0}  Mon Jan 1\n"


class Node:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "modules").mkdir()
        self.loads("580.105.08")
        self.has_on_disk("580.105.08")
        self.library("580.105.08", "580.105.08")

    def loads(self, version: str, said: str = OPEN) -> None:
        (self.folder / "version").write_text(said.format(version))

    def has_on_disk(self, version: str) -> None:
        program(self.folder / "bin", "modinfo", f"#!/bin/sh\necho {version}\n")

    def library(self, *versions: str, code: int = 0) -> None:
        rows = "; ".join(f"echo {version}" for version in versions)
        program(self.folder / "bin", "nvidia-smi", f"#!/bin/sh\n{rows or ':'}\nexit {code}\n")

    def asked(self, **more: Any) -> TaskResult:
        given = {
            "version": "580.105.08",
            "proc": str(self.folder / "version"),
            "modules": str(self.folder / "modules"),
        }
        path = {"PATH": f"{self.folder}/bin:{os.defpath}"}
        return run_module("nvidia_driver", {**given, **more}, environment=path)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_one_version_everywhere_is_well(node: Node) -> None:
    done = node.asked()
    assert (done.failed, done.changed, done.values["reboot_due"]) == (False, False, False)
    assert done.values["library"] == ["580.105.08", "580.105.08"]


def test_an_older_module_in_the_kernel_waits_for_a_reboot_or_fails(node: Node) -> None:
    node.loads("575.57.08")
    waiting, wanted = node.asked(may_wait=True), node.asked()

    assert (waiting.failed, waiting.values["reboot_due"]) == (False, True)
    assert "the kernel runs 575.57.08, wanted is 580.105.08" in wanted.msg


def test_a_module_on_disk_of_another_version_is_a_failure_even_where_a_reboot_may_wait(node: Node) -> None:
    node.has_on_disk("575.57.08")
    assert "the next boot would load 575.57.08" in node.asked(may_wait=True).msg


@pytest.mark.parametrize(
    ("versions", "code", "said"),
    [
        (("580.105.08", "575.57.08"), 0, "the library says 575.57.08, the kernel 580.105.08"),
        ((), 0, "does not reach the GPUs"),
        (("580.105.08",), 9, "does not reach the GPUs"),
    ],
)
def test_a_library_that_disagrees_or_says_nothing_is_a_failure(
    node: Node, versions: Any, code: int, said: str
) -> None:
    node.library(*versions, code=code)
    assert said in node.asked().msg


def test_nouveau_in_the_kernel_is_a_failure_and_due_for_a_reboot(node: Node) -> None:
    (node.folder / "modules/nouveau").mkdir()
    assert "nouveau is loaded" in node.asked().msg
    assert node.asked(may_wait=True).values["reboot_due"]


def test_proprietary_modules_are_refused_where_open_ones_are_wanted(node: Node) -> None:
    node.loads("580.105.08", CLOSED)
    assert "proprietary" in node.asked().msg
    assert not node.asked(open_modules=False).failed


def test_no_module_at_all_is_said(node: Node) -> None:
    (node.folder / "version").unlink()
    assert "the kernel runs no nvidia module" in node.asked().msg
