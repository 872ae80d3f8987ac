"""Which programs provisioning calls, read from its playbooks and from the modules that they use."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from edgectl import shipped
from edgectl.remote.registry import MODULES

_PACKAGE = Path(__file__).parents[2]
_TASKS = _PACKAGE / "edgectl/remote/tasks"
# Each is a chain of its own, and so is what can lock us out.
_BOOKS = ("provision.yaml", "firewall.yaml", "sshd.yaml")
_WORD = re.compile(r"[a-z][a-z0-9._+-]+")
_JOINED = re.compile(r"\||;|&&|\|\|")


def called() -> set[str]:
    """Return every word that stands where a program's name does."""
    tasks = [task for book in _books() for play in _read(book) for task in _tasks_of(play)]
    modules = {_TASKS / f"{MODULES[name]}.py" for task in tasks for name in task if name in MODULES}
    return {word for task in tasks for word in _said(task)} | {
        word for path in _reached(modules) for word in _listed(path)
    }


def _books() -> Iterator[Path]:
    folder = shipped.playbooks()
    for name in _BOOKS:
        yield folder / name
        for play in _read(folder / name):
            if "import_playbook" in play:
                yield folder / play["import_playbook"]


def _read(path: Path) -> list[dict[str, Any]]:
    plays: list[dict[str, Any]] = yaml.safe_load(path.read_text())
    return plays


def _tasks_of(play: dict[str, Any]) -> list[dict[str, Any]]:
    return [*play.get("tasks", []), *play.get("handlers", [])]


def _said(task: dict[str, Any]) -> Iterator[str]:
    """Yield the first word of every command that a task says: its own, what validates, what takes back."""
    command = task.get("command") or task.get("shell") or ""
    lines = [command if isinstance(command, str) else command["cmd"]]
    lines += [task[name]["validate"] for name in ("copy", "template") if "validate" in task.get(name, {})]
    lines += [task["confirm"]["undo"]] if isinstance(task.get("confirm"), dict) else []
    for line in lines:
        for part in _JOINED.split(line):
            first = Path(part.split()[0]).name if part.split() else ""
            if _WORD.fullmatch(first):
                yield first


def _reached(modules: set[Path]) -> set[Path]:
    """Return these files, and what they import of the travelling code."""
    found: set[Path] = set()
    left = set(modules)
    while left:
        path = left.pop()
        found.add(path)
        left |= set(_imported(path)) - found
    return found


def _imported(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("edgectl.remote"):
            for name in (node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)):
                target = _PACKAGE / f"{name.replace('.', '/')}.py"
                if target.exists():
                    yield target


def _listed(path: Path) -> Iterator[str]:
    """Yield the first word of every list that begins with a text: commands are written so."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.List) and node.elts and isinstance(node.elts[0], ast.Constant):
            value = node.elts[0].value
            if isinstance(value, str) and _WORD.fullmatch(value):
                yield value
