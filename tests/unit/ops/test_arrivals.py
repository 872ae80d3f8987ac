"""Files that hosts send: written where the playbook said, and nowhere else, whatever a host says."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgectl.engine.events import HostSaid
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, TaskRecord, TaskStatus
from edgectl.errors import ExitCode
from edgectl.ops.arrivals import Arrivals, code_with
from edgectl.ops.rollout import Request, prepare
from edgectl.playbook.loader import read_playbook
from edgectl.remote.protocol import TaskEnded
from edgectl.yaml_source import parse
from tests.unit.ops.test_rollout import World

HOST = "lhr1-n1"


@pytest.fixture
def arrivals(tmp_path: Path) -> Arrivals:
    text = "- hosts: all\n  gather_facts: false\n  tasks: [{fetch: {src: /etc/x, dest: in}}]\n"
    playbook = read_playbook(parse(text, tmp_path / "play.yaml"))
    playbook = replace(playbook, path=tmp_path / "play.yaml")
    return Arrivals(prepare(World(tmp_path).services, playbook, Request("run")))


def sent(path: Path, content: bytes = b"x", checksum: str = "") -> dict[str, Any]:
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    return {"dest": str(path), "content": base64.b64encode(content).decode(), "checksum": checksum or digest}


def said(arrivals: Arrivals, result: dict[str, Any], host: str = HOST) -> RunOutcome:
    arrivals.on_event(HostSaid(host, TaskEnded(0, "fetch", "fetch", "ok", 0.1, result)))
    task = TaskRecord("fetch", "fetch", TaskStatus.OK, 0.1, result)
    return RunOutcome("R1", [HostOutcome(host, "lhr1", HostStatus.OK, tasks=[task])], 1.0)


def test_a_file_that_was_asked_for_is_written(arrivals: Arrivals, tmp_path: Path) -> None:
    path = tmp_path / "in" / HOST / "etc" / "x"

    outcome = said(arrivals, sent(path))

    assert path.read_bytes() == b"x"
    assert [line.text for line in arrivals.told(outcome)] == ["1 files fetched, 1 of them new"]
    assert code_with(arrivals, outcome) is ExitCode.DONE


@pytest.mark.parametrize("elsewhere", ["in/lhr1-n2/etc/x", "in/lhr1-n1/etc/y", "play.yaml"])
def test_a_host_has_no_say_in_where_a_file_goes(elsewhere: str, arrivals: Arrivals, tmp_path: Path) -> None:
    said(arrivals, sent(tmp_path / elsewhere))

    assert not (tmp_path / "in").exists()
    assert not (tmp_path / "play.yaml").exists()


@pytest.mark.parametrize("change", [{"content": "********"}, {"checksum": "0" * 40}])
def test_what_is_not_whole_is_not_written_and_the_run_says_so(
    change: dict[str, str], arrivals: Arrivals, tmp_path: Path
) -> None:
    path = tmp_path / "in" / HOST / "etc" / "x"

    outcome = said(arrivals, {**sent(path), **change})

    assert not path.exists()
    assert arrivals.lost(outcome) == [f"{HOST}: {path}"]
    assert code_with(arrivals, outcome) is ExitCode.MISSING
