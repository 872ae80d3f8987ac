"""This machine as a host: runs a module on real files, the way the runner does."""

from __future__ import annotations

import hashlib
import os
import textwrap
from pathlib import Path
from typing import Any

from edgectl.remote import args as arguments
from edgectl.remote import registry
from edgectl.remote.context import HostPaths, TaskContext
from edgectl.remote.proc import Proc
from edgectl.remote.result import TaskResult


def a_context(
    *,
    check: bool = False,
    diff: bool = False,
    environment: dict[str, str] | None = None,
    blobs: dict[str, bytes] | None = None,
) -> TaskContext:
    paths = HostPaths(*[f"/nonexistent/{name}" for name in HostPaths._fields])
    return TaskContext(check, diff, Proc(environment or {}), paths, blobs or {})


def run_module(
    module: str,
    given: dict[str, Any],
    *,
    check: bool = False,
    diff: bool = False,
    environment: dict[str, str] | None = None,
    blobs: dict[str, bytes] | None = None,
) -> TaskResult:
    loaded = registry.load(module)
    free = getattr(loaded, "FREE_KEYS", False)
    args = given if free else arguments.build(loaded.Args, given, internal=True)
    context = a_context(check=check, diff=diff, environment=environment, blobs=blobs)
    result = loaded.run(args, context)
    assert isinstance(result, TaskResult)
    return result


def program(folder: Path, name: str, text: str) -> Path:
    """Put a program of our own on a PATH: a stand-in that keeps real state."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")
    path.chmod(0o755)
    return path


def path_with(folder: Path) -> dict[str, str]:
    return {"PATH": f"{folder}:{os.defpath}"}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tree(folder: Path) -> dict[str, str]:
    """Return everything below a folder: its kind, mode and content or target, by relative path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        mode = f"{path.lstat().st_mode & 0o7777:04o}"
        if path.is_symlink():
            found[name] = f"link {path.readlink()}"
        elif path.is_dir():
            found[name] = f"directory {mode}"
        else:
            content = path.read_bytes() if os.access(path, os.R_OK) else "closed to us"
            found[name] = f"file {mode} {path.lstat().st_nlink} {content!r}"
    return found
