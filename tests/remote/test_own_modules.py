"""Modules of a playbook's own: checked before any host is contacted, and run there as ours are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgectl.errors import InputError
from edgectl.playbook.compile import Options
from edgectl.playbook.loader import load_playbook
from edgectl.playbook.own_modules import take_in
from tests.remote.bundled import BundledHost, every_python
from tests.remote.playing import job_of

GREET = '''\
"""Write a greeting into a file."""

import os

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.result import TaskResult, changed, ok

REPEAT = "idempotent"


@dataclass(frozen=True)
class Args:
    """Whom, and where."""

    path: str = arg(doc="The file.")
    whom: str = arg("world", doc="Who is greeted.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Return `greeting`."""
    text = f"hello {args.whom}\\n"
    if os.path.exists(args.path) and open(args.path).read() == text:
        return ok(greeting=text)
    if not context.check:
        with open(args.path, "w") as stream:
            stream.write(text)
    return changed(greeting=text)
'''


@pytest.fixture(autouse=True)
def _forgotten(tmp_path: Path) -> Iterator[None]:
    yield
    take_in(tmp_path / "nowhere")


def site(folder: Path, task: str, module: str = GREET, name: str = "greet") -> Path:
    (folder / "modules").mkdir()
    (folder / "modules" / f"{name}.py").write_text(module)
    playbook = folder / "site.yaml"
    playbook.write_text(f"- hosts: all\n  gather_facts: false\n  tasks:\n    - {task}\n")
    return playbook


@pytest.mark.parametrize("version", every_python())
def test_a_module_of_ones_own_runs_like_ours(tmp_path: Path, version: str) -> None:
    host = BundledHost(tmp_path, version)
    path = tmp_path / "greeting"
    playbook = site(tmp_path, f"{{name: greet, greet: {{path: {path}, whom: '{{{{ pop }}}}'}}, register: r}}")
    would = host.run(job_of(playbook, "R0", Options(check=True)))
    assert would.statuses == {"greet": "changed"}
    assert not path.exists()
    done = host.run(job_of(playbook))
    assert done.results["greet"]["greeting"] == "hello fra1\n"
    assert path.read_text() == "hello fra1\n"


WRONG = [
    (
        "import requests\n",
        "modules/greet.py:1:1   'requests' is not there at hosts: only the standard library",
    ),
    (
        "match 1:\n    case 1: pass\n",
        "modules/greet.py:2:17   Pattern matching is only supported in Python 3.10",
    ),
    ("def run(:\n", "modules/greet.py:1:9   invalid syntax"),
    ("import sys\nsys.exit(3)\n", "modules/greet.py:1:1   it cannot be loaded: SystemExit: 3"),
    ("1 / 0\n", "modules/greet.py:1:1   it cannot be loaded: ZeroDivisionError: division by zero"),
    (
        "FREE_KEYS = True\nREPEAT = 'once'\n",
        "modules/greet.py:1:1   a module has a function `run(args, context)",
    ),
    (
        "def run(a, c): ...\nREPEAT = 'once'\n",
        "modules/greet.py:1:1   a module has a frozen dataclass `Args`",
    ),
    (
        GREET.replace('"idempotent"', '"often"'),
        "modules/greet.py:1:1   a module says how it bears being repeated",
    ),
    (
        GREET.replace("REPEAT", "ENDS_BOOT = True\nREPEAT"),
        "modules/greet.py:1:1   only edgectl's own `reboot`",
    ),
]


@pytest.mark.parametrize(("module", "told"), WRONG)
def test_a_module_that_cannot_work_is_refused_with_its_place(tmp_path: Path, module: str, told: str) -> None:
    with pytest.raises(InputError) as refused:
        load_playbook(site(tmp_path, "{greet: {path: /x}}", module))
    assert str(refused.value).startswith(f"{tmp_path}/{told}")


def test_a_module_s_arguments_are_checked_like_ours(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"site.yaml:4:\d+   unknown argument 'who'; did you mean 'whom'\?"):
        load_playbook(site(tmp_path, "{greet: {path: /x, who: me}}"))


def test_a_module_that_answers_with_something_else_is_told_so(tmp_path: Path) -> None:
    module = GREET.replace("return changed(greeting=text)", "return {'changed': True}")
    done = BundledHost(tmp_path).run(job_of(site(tmp_path, f"{{greet: {{path: {tmp_path}/f}}}}", module)))
    (result,) = done.results.values()
    assert result["msg"] == "the module's run returned a dict, not a TaskResult"


def test_a_module_may_begin_with_a_mark_of_its_encoding(tmp_path: Path) -> None:
    load_playbook(site(tmp_path, "{greet: {path: /x}}", "\ufeff" + GREET))


def test_a_name_of_ours_is_taken(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'copy' is one of edgectl's modules; give yours another name"):
        load_playbook(site(tmp_path, "{ping: }", name="copy"))


def test_the_modules_of_another_playbook_are_forgotten(tmp_path: Path) -> None:
    load_playbook(site(tmp_path, "{greet: {path: /x}}"))
    (tmp_path / "other").mkdir()
    elsewhere = tmp_path / "other/site.yaml"
    elsewhere.write_text("- hosts: all\n  tasks:\n    - greet: {path: /x}\n")
    with pytest.raises(InputError, match="unknown module or keyword 'greet'"):
        load_playbook(elsewhere)
