from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path

import pytest

import edgectl.remote
from edgectl.remote import registry
from edgectl.remote.frozen import fields

REMOTE = Path(edgectl.remote.__file__).parent
TASKS = REMOTE / "tasks"
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


def pythons() -> list[str]:
    """Return every supported interpreter of this machine, by its program."""
    pyenv = sorted(Path.home().glob(".pyenv/versions/*/bin/python"))
    found = [str(path) for path in pyenv if path.parent.parent.name.rpartition(".")[0] in VERSIONS]
    folders = [Path(folder) for folder in os.defpath.split(":")]
    return found + [
        str(folder / f"python{v}") for v in VERSIONS for folder in folders if (folder / f"python{v}").exists()
    ]


def test_the_table_names_every_file_in_the_folder_and_no_other() -> None:
    files = {path.stem for path in TASKS.glob("*.py") if not path.stem.startswith("_")}

    assert set(registry.MODULES.values()) == files


@pytest.mark.parametrize("name", sorted(registry.MODULES))
def test_every_module_says_what_it_does_and_how_it_may_be_repeated(name: str) -> None:
    module = registry.load(name)

    assert module.__doc__.splitlines()[0].endswith(".")
    assert module.REPEAT in {"reads", "idempotent", "once"}
    assert callable(module.run)
    assert getattr(module, "FREE_KEYS", False) or fields(module.Args)


@pytest.mark.parametrize("name", sorted(set(registry.MODULES) - {"set_fact"}))
def test_every_argument_is_described_in_one_line(name: str) -> None:
    for field in fields(registry.load(name).Args):
        doc = field.metadata["doc"]
        assert doc.endswith("."), field.name
        assert "\n" not in doc, field.name


def test_what_travels_imports_only_the_standard_library_and_itself() -> None:
    allowed = {*__import__("sys").stdlib_module_names, "edgectl", "jinja2", "markupsafe", "pynvml"}
    for path in REMOTE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed, path
            elif isinstance(node, ast.ImportFrom) and node.module:
                assert node.module.split(".")[0] in allowed, path
                assert not node.module.startswith("edgectl.") or node.module.startswith("edgectl.remote"), (
                    path
                )


@pytest.mark.parametrize("python", pythons())
def test_every_module_is_imported_by_every_supported_python(python: str) -> None:
    names = sorted(f"edgectl.remote.tasks.{path.stem}" for path in TASKS.glob("*.py"))
    script = f"import importlib\nfor name in {names!r}: importlib.import_module(name)"

    done = subprocess.run(
        [python, "-B", "-W", "error", "-c", script],
        cwd=REMOTE.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


SMOKE = """
import sys
from edgectl.remote import registry
from edgectl.remote.frozen import fields
from edgectl.remote.args import build
from edgectl.remote.context import HostPaths, TaskContext
from edgectl.remote.proc import Proc
context = TaskContext(False, True, Proc({}), HostPaths(*[""] * 5), {})
for name, given in (
    ("file", {"path": "d", "state": "directory", "mode": "u=rwx,go="}),
    ("copy", {"dest": "d/f", "content": {"a": 1}, "mode": 0o600}),
    ("lineinfile", {"path": "d/f", "line": "x", "insertbefore": "BOF"}),
    ("template", {"src": "t.j2", "dest": "d/", "content": "text"}),
    ("stat", {"path": "d/f"}),
    ("shell", {"cmd": "cat d/f | wc -l"}),
    ("setup", {}),
    ("wait_for", {"path": "d/f", "search_regex": "^x"}),
    ("get_url", {"url": "file:///etc/passwd", "dest": "d/p", "checksum": ""}),
):
    module = registry.load(name)
    result = module.run(build(module.Args, given, internal=True), context)
    assert not result.failed, (name, result.msg)
"""


@pytest.mark.parametrize("python", pythons())
def test_modules_do_their_work_on_every_supported_python(python: str, tmp_path: Path) -> None:
    environment = {"PYTHONPATH": str(REMOTE.parent.parent), "PATH": os.defpath}

    done = subprocess.run(
        [python, "-B", "-W", "error", "-c", SMOKE],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "d/f").read_text() == 'x\n{"a": 1}'
