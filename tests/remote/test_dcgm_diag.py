"""DCGM's diagnosis, judged: a skipped mandatory test is not a pass, and neither is a pass with an error code."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.result import TaskResult
from tests.remote.host import program, run_module


def answer(*tests: tuple[str, list[dict[str, Any]]], head: str = "DCGM Diagnostic") -> str:
    made = [{"name": name, "results": results} for name, results in tests]
    return json.dumps({head: {"test_categories": [{"category": "Deployment", "tests": made}]}})


def results(*statuses: str, warnings: Any = None) -> list[dict[str, Any]]:
    more = {} if warnings is None else {"warnings": warnings}
    return [
        {"entity_group": "GPU", "entity_id": n, "status": status, **more} for n, status in enumerate(statuses)
    ]


def diagnosed(folder: Path, said: str, code: int = 0, **given: Any) -> TaskResult:
    program(folder / "bin", "dcgmi", f"#!/bin/sh\nprintf %s {shlex.quote(said)}\nexit {code}\n")
    return run_module("dcgm_diag", given, environment={"PATH": f"{folder}/bin:{os.defpath}"})


@pytest.mark.parametrize("head", ["DCGM Diagnostic", "DCGM GPU Diagnostic"])
@pytest.mark.parametrize("word", ["Pass", "PASS"])
def test_what_passed_on_every_gpu_is_passed_and_can_be_certified(
    tmp_path: Path, head: str, word: str
) -> None:
    done = diagnosed(tmp_path, answer(("software", results(word, word)), head=head), mandatory=["software"])

    assert not done.failed
    assert done.values["tests"] == [
        {"name": "dcgm software", "value": "2 pass", "passed": True, "source": "dcgmi"}
    ]


@pytest.mark.parametrize(
    ("said", "code", "why"),
    [
        (answer(("software", results("Pass", "Fail"))), 226, "software: 1 fail, 1 pass"),
        (answer(("memory", results("Pass"))), 0, "software: not run"),
        (answer(("software", results("Skip", "Skip"))), 0, "software: not run"),
        (answer(("software", results("Pass", "Skip"))), 0, "software: not run"),
        (
            answer(("software", results("Pass", warnings=[{"error_id": 7, "warning": "cannot allocate"}]))),
            0,
            "software: 1 pass; error 7: cannot allocate",
        ),
        (answer(("software", results("Pass"))), 9, "dcgmi ended with 9 though no test failed"),
        ("", 0, "no result that can be read: nothing"),
        ("Error: unable to connect to nv-hostengine", 1, "no result that can be read: Error: unable"),
        ('{"version": "4"}', 0, "no result that can be read"),
    ],
)
def test_anything_less_is_a_failure_that_says_what(tmp_path: Path, said: str, code: int, why: str) -> None:
    done = diagnosed(tmp_path, said, code, mandatory=["software"])

    assert (done.failed, why in done.msg) == (True, True), done


def test_a_test_that_nobody_asked_for_may_be_skipped(tmp_path: Path) -> None:
    said = answer(("software", results("Pass")), ("nvbandwidth", results("Skip")))

    assert not diagnosed(tmp_path, said, mandatory=["software"]).failed
