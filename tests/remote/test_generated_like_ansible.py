"""Random programs under ansible-playbook and under edgectl: the same end of every task, the same tree."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from edgectl.playbook.compile import Options
from edgectl.remote.protocol import TaskEnded
from tests.hosts.ansible_twin import ANSIBLE, CALLBACKS, missing
from tests.remote.bundled import BundledHost
from tests.remote.generated import named, placed, programs
from tests.remote.playing import job_of

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing() or "present"),
    # Where they differ, ten programs are told.
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),
]
# So many are played by one start of Ansible, which takes a second and more.
_TOGETHER = 10
_OPTIONS = {"check": ("--check",), "first": (), "again": ()}
Ends = dict[str, list[tuple[str, str]]]
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


def by_ansible(found: list[dict[str, Any]], folder: Path, *options: str) -> Ends:
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
    command = [str(ANSIBLE), "-i", str(folder / "hosts.ini"), str(playbook), *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    said = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("TWIN ")]
    # It says of every play at least what its first task came to, or it gave up on all of them.
    silent = {play["hosts"] for play in found} - {end["host"] for end in said}
    assert not silent, done.stdout[-2000:] + done.stderr[-2000:]
    return {
        play["hosts"]: [
            (end["task"], end["status"])
            for end in said
            if end["host"] == play["hosts"] and not end["task"].endswith("meta")
        ]
        for play in found
    }


def by_edgectl(play: dict[str, Any], folder: Path, run: str, options: Options) -> list[tuple[str, str]]:
    playbook = folder / f"{play['hosts']}.yaml"
    playbook.write_text(yaml.safe_dump([play | {"hosts": "all"}], sort_keys=False))
    host = BundledHost(folder / f"host-{play['hosts']}", environment={"LC_ALL": "C.UTF-8"})
    host.folder.mkdir(exist_ok=True)
    visit = host.run(job_of(playbook, run, options))
    ends = [
        message for message in visit.messages if isinstance(message, TaskEnded) and message.module != "meta"
    ]
    return [(end.name, end.status.replace("rescued", "failed")) for end in ends]


class Seen(NamedTuple):
    """What a tool said of each program's tasks, and what was in their folders then."""

    ends: Ends
    tree: dict[str, Any]

    def left(self, mark: str) -> dict[str, Any]:
        return {path: entry for path, entry in self.tree.items() if path.startswith(mark)}


def _entries(folder: Path) -> Iterator[tuple[str, Any]]:
    for path in sorted(folder.rglob("*")):
        seen = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(seen.st_mode) else ""
        yield str(path.relative_to(folder)), (oct(seen.st_mode), content)


def compared(given: list[dict[str, Any]], folder: Path, passes: tuple[str, ...]) -> None:
    """Play programs with both tools, in check mode, for the first time and again; compare what they say and leave."""
    work = folder / "w"
    shutil.rmtree(folder, ignore_errors=True)
    found = plays(given, work)
    theirs = [*_passes(passes, work, found, lambda word: by_ansible(found, folder, *_OPTIONS[word]))]
    ours = [*_passes(passes, work, found, lambda word: _by_edgectl(found, folder, word))]
    for word, our, their in zip(passes, ours, theirs, strict=True):
        for play in found:
            mark = play["hosts"]
            assert our.ends[mark] == their.ends[mark], (word, yaml.safe_dump(play, sort_keys=False))
            assert our.left(mark) == their.left(mark), (word, yaml.safe_dump(play, sort_keys=False))


def _by_edgectl(found: list[dict[str, Any]], folder: Path, word: str) -> Ends:
    options = Options(check="--check" in _OPTIONS[word])
    return {play["hosts"]: by_edgectl(play, folder, word.upper(), options) for play in found}


def _passes(
    passes: tuple[str, ...], work: Path, found: list[dict[str, Any]], run: Callable[[str], Ends]
) -> Iterator[Seen]:
    """Yield what a tool says and leaves in each pass, from empty folders on."""
    shutil.rmtree(work, ignore_errors=True)
    for play in found:
        (work / play["hosts"]).mkdir(parents=True)
    for word in passes:
        ends = run(word)
        yield Seen(ends, dict(_entries(work)))


@pytest.mark.timeout(600)
@given(st.lists(programs(), min_size=_TOGETHER, max_size=_TOGETHER))
@settings(max_examples=1, deadline=None, suppress_health_check=_QUIET, phases=_PHASES, derandomize=True)
def test_a_few_random_programs_do_the_same(tmp_path: Path, given: list[dict[str, Any]]) -> None:
    compared(given, tmp_path / "few", ("first",))


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("hundred", [1, 2, 3])
@given(given=st.lists(programs(), min_size=_TOGETHER, max_size=_TOGETHER))
@settings(max_examples=10, deadline=None, suppress_health_check=_QUIET, phases=_PHASES)
def test_three_hundred_random_programs_do_the_same(
    hundred: int, tmp_path: Path, given: list[dict[str, Any]]
) -> None:
    compared(given, tmp_path / f"hundred-{hundred}", ("first",))


@pytest.mark.long
@pytest.mark.timeout(7200)
@given(st.lists(programs(), min_size=_TOGETHER, max_size=_TOGETHER))
@settings(max_examples=5, deadline=None, suppress_health_check=_QUIET, phases=_PHASES)
def test_fifty_random_programs_do_the_same_in_check_mode_and_again(
    tmp_path: Path, given: list[dict[str, Any]]
) -> None:
    compared(given, tmp_path / "fifty", ("check", "first", "again"))
