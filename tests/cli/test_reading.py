"""`run --syntax-check` and its lists: nothing is contacted, and every line says where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli_run import Edgectl

SITE = """\
- hosts: all
  gather_facts: false
  secrets: {pw: {env: NOT_SET_HERE}}
  tasks:
    - name: look
      command: uptime
    - name: write
      copy: {content: "{{ pw }}", dest: /f}
      tags: files
    - {name: greet, greet: {path: /g}}
"""
GREET = '''\
"""Greet."""
from edgectl.remote.args import arg
from edgectl.remote.frozen import dataclass

REPEAT = "once"


@dataclass(frozen=True)
class Args:
    path: str = arg(doc="Where.")


def run(args, context):
    """Return `greeting`."""
'''


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/greet.py").write_text(GREET)
    path = tmp_path / "site.yaml"
    path.write_text(SITE)
    return path


def test_advice_leaves_the_exit_code_alone_unless_asked_for(edgectl: Edgectl, site: Path) -> None:
    said = edgectl("run", site, "--syntax-check")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        f"{site}:5:7   'command' is told as changed at every run: add `creates`, `removes` or `changed_when`",
        "2 hosts, 3 tasks: it can be run",
    ]
    assert edgectl("run", site, "--syntax-check", "--exit-code").code == 10
    assert edgectl("run", site, "--syntax-check", "--exit-code", "--skip-tags", "x", "-o", "junit").code == 10


def test_what_cannot_be_run_is_bad_input(edgectl: Edgectl, site: Path) -> None:
    site.write_text(SITE.replace("{{ pw }}", "{{ pww }}"))
    said = edgectl("run", site, "--syntax-check")
    assert (said.code, said.out) == (3, "")
    assert f"{site}:8:14   'pww' is undefined in: pww" in said.err


def test_tasks_hosts_and_modules_are_listed(edgectl: Edgectl, site: Path) -> None:
    tasks = json.loads(edgectl("run", site, "--list-tasks", "--tags", "files", "-o", "json").out)
    assert tasks["data"]["tasks"] == [{"name": "write", "module": "copy", "hosts": 2, "place": f"{site}:7:7"}]
    later = json.loads(edgectl("run", site, "--list-tasks", "--start-at-task", "write", "-o", "json").out)
    assert [task["name"] for task in later["data"]["tasks"]] == ["write", "greet"]
    assert edgectl("run", site, "fra1-n02", "--list-hosts").out == "fra1-n02\n1 host\n"
    assert "greet" in json.loads(edgectl("run", site, "--list-modules", "-o", "json").out)["data"]["modules"]


def test_one_thing_is_asked_for_at_a_time(edgectl: Edgectl, site: Path) -> None:
    refused = edgectl("run", site, "--list-tasks", "--syntax-check")
    assert (refused.code, "one at a time" in refused.err) == (2, True)
    assert edgectl("run", site, "--exit-code").code == 2


def test_a_module_of_ones_own_is_told_like_ours(edgectl: Edgectl, site: Path) -> None:
    (site.parent / "modules").rename(edgectl.home / "modules")
    shown = edgectl("docs", "greet")
    assert (shown.code, "results   Return `greeting`." in shown.out) == (0, True)
