"""Random programs under ansible-playbook and under edgectl: the same end of every task, the same tree."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from edgectl.remote.protocol import TaskEnded
from tests.hosts.ansible_twin import ANSIBLE, CALLBACKS, missing
from tests.remote.bundled import BundledHost
from tests.remote.generated import named, placed, programs
from tests.remote.playing import job_of

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "present")
# So many are played by one start of Ansible, which takes a second and more.
_TOGETHER = 10
_IDLE = "idle"
_QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture)
# A program that differs is told as it is: a smaller one would cost a start of Ansible for each try.
_PHASES = (Phase.explicit, Phase.generate)
_CONFIG = f"[defaults]\nstdout_callback = twin\ncallback_plugins = {CALLBACKS}\nretry_files_enabled = False\n"


def plays(given: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Return each program as a play for a host of its own, with a folder of its own."""
    found = []
    for number, program in enumerate(given):
        mark = f"p{number:02}"
        play = placed(program, str(folder / mark))
        found.append({"hosts": mark, **play, "tasks": named(play["tasks"], mark, [0])})
    return found


def by_ansible(found: list[dict[str, Any]], folder: Path) -> dict[str, list[tuple[str, str]]]:
    # Ansible gives up on all plays where all hosts of one have failed: another one stands by, and does nothing.
    leave = {"meta": "end_host", "when": f"inventory_hostname == '{_IDLE}'"}
    beside = [play | {"hosts": [play["hosts"], _IDLE], "tasks": [leave, *play["tasks"]]} for play in found]
    playbook = folder / "play.yaml"
    playbook.write_text(yaml.safe_dump(beside, sort_keys=False))
    (folder / "ansible.cfg").write_text(_CONFIG)
    hosts = "".join(
        f"{name} ansible_connection=local ansible_python_interpreter={sys.executable}\n"
        for name in (_IDLE, *(play["hosts"] for play in found))
    )
    (folder / "hosts.ini").write_text(hosts)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "LC_ALL": "C.UTF-8",
    }
    command = [str(ANSIBLE), "-i", str(folder / "hosts.ini"), str(playbook)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    said = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("TWIN ")]
    # It says of every play at least what its first task came to, or it gave up on all of them.
    silent = {play["hosts"] for play in found} - {end["host"] for end in said}
    assert not silent, done.stdout[-2000:] + done.stderr[-2000:]
    return {
        play["hosts"]: [
            (end["task"], end["status"])
            for end in said
            if end["host"] == play["hosts"] and end["task"] != "meta"
        ]
        for play in found
    }


def by_edgectl(play: dict[str, Any], folder: Path) -> list[tuple[str, str]]:
    playbook = folder / f"{play['hosts']}.yaml"
    playbook.write_text(yaml.safe_dump([play | {"hosts": "all"}], sort_keys=False))
    host = BundledHost(folder / f"host-{play['hosts']}", environment={"LC_ALL": "C.UTF-8"})
    host.folder.mkdir()
    visit = host.run(job_of(playbook))
    ends = [
        message for message in visit.messages if isinstance(message, TaskEnded) and message.module != "meta"
    ]
    return [(end.name, end.status.replace("rescued", "failed")) for end in ends]


def tree(folder: Path) -> dict[str, Any]:
    return dict(_entries(folder))


def _entries(folder: Path) -> Iterator[tuple[str, Any]]:
    for path in sorted(folder.rglob("*")):
        seen = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(seen.st_mode) else ""
        yield str(path.relative_to(folder)), (oct(seen.st_mode), content)


def compared(given: list[dict[str, Any]], folder: Path) -> None:
    """Play programs with both tools and compare what they say and leave."""
    work = folder / "w"
    shutil.rmtree(folder, ignore_errors=True)
    found = plays(given, work)
    for play in found:
        (work / play["hosts"]).mkdir(parents=True)
    theirs = by_ansible(found, folder)
    their_tree = tree(work)
    shutil.rmtree(work)
    for play in found:
        (work / play["hosts"]).mkdir(parents=True)
    ours = {play["hosts"]: by_edgectl(play, folder) for play in found}
    our_tree = tree(work)
    for play in found:
        mark = play["hosts"]
        assert ours[mark] == theirs[mark], yaml.safe_dump(play, sort_keys=False)
        its = {path: entry for path, entry in their_tree.items() if path.startswith(mark)}
        own = {path: entry for path, entry in our_tree.items() if path.startswith(mark)}
        assert own == its, yaml.safe_dump(play, sort_keys=False)


@pytest.mark.timeout(600)
@given(st.lists(programs(), min_size=_TOGETHER, max_size=_TOGETHER))
@settings(max_examples=1, deadline=None, suppress_health_check=_QUIET, phases=_PHASES, derandomize=True)
def test_a_few_random_programs_do_the_same(tmp_path: Path, given: list[dict[str, Any]]) -> None:
    compared(given, tmp_path / "few")


@pytest.mark.long
@pytest.mark.timeout(7200)
@given(st.lists(programs(), min_size=_TOGETHER, max_size=_TOGETHER))
@settings(max_examples=30, deadline=None, suppress_health_check=_QUIET, phases=_PHASES)
def test_three_hundred_random_programs_do_the_same(tmp_path: Path, given: list[dict[str, Any]]) -> None:
    compared(given, tmp_path / "many")
