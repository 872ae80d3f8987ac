"""The same arguments over the same tree, by Ansible's own module and by ours: what is left, and what is said.

`T` in an argument stands for the folder of the case.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from edgectl.remote.args import ArgumentError
from tests.remote.host import program, run_module, tree

ORACLE = Path(__file__).with_name("ansible_oracle.py")
needs_ansible = pytest.mark.skipif(
    importlib.util.find_spec("ansible") is None, reason="needs ansible-core: pip install -e '.[dev]'"
)


class Case(NamedTuple):
    module: str
    args: dict[str, Any]
    # path -> content; a name that ends in / is a folder, "-> x" a link
    start: Mapping[str, str | bytes] = MappingProxyType({})


class Way(NamedTuple):
    """One of the ways a case is run: in check mode or not, once or again over what it left."""

    name: str
    check: bool
    times: int


WAYS = (
    Way("real", check=False, times=1),
    Way("check", check=True, times=1),
    Way("again", check=False, times=2),
)

# What depends on the moment or on the machine's inode numbers.
MOMENT = {"inode", "atime", "mtime", "ctime", "dev", "birthtime", "blocks"}
# Asked of Ansible by default and here only on request.
ON_REQUEST = {"mimetype", "charset", "version", "attributes", "attr_flags"}
_WHERE = {"path", "dest", "src", "state", "mode", "owner", "group", "size", "checksum"}
_COMPARED = {"changed", "failed", "skipped", *_WHERE, "rc", "matched", "examined", "skipped_paths"}
_COMPARED |= {"jobs", "envs", "cron_file", "handler"}
# What documents no values of its own.
_SILENT = frozenset({"known_hosts"})


def build_tree(folder: Path, start: Mapping[str, str | bytes]) -> None:
    folder.mkdir()
    for name, content in start.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif isinstance(content, str) and content.startswith("-> "):
            path.symlink_to(content[3:])
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            path.chmod(0o644)


def placed(args: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {key: _placed(value, folder) for key, value in args.items()}


def _placed(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_placed(item, folder) for item in value]
    is_path = isinstance(value, str) and (value == "T" or value.startswith("T/"))
    return value.replace("T", str(folder), 1) if is_path else value


class Answer(NamedTuple):
    """What a module left of a tree, by relative path, and the part of its result that both must agree on."""

    tree: dict[str, str]
    result: dict[str, Any]
    whole: dict[str, Any]


def answers_of_ansible(
    root: Path, cases: Sequence[Case], unasked: Callable[[Case, Way], bool] = lambda _case, _way: False
) -> dict[tuple[int, str], Answer]:
    """Return what Ansible's modules do, by the number of the case and the way it is run, but for what is unasked."""
    keys = [(number, way) for number, case in enumerate(cases) for way in WAYS if not unasked(case, way)]
    calls: list[dict[str, Any]] = []
    folders: list[Path] = []
    for number, way in keys:
        case, folder = cases[number], root / f"{number}-{way.name}"
        build_tree(folder, case.start)
        folders.append(folder)
        args = remote_source(case, placed(case.args, folder))
        calls.append({"module": case.module, "args": args, "check": way.check, "times": way.times})
    # Ansible's cron wants crontab(1) to be there, also for a file of its own that it reads by itself.
    programs = program(root / "bin", "crontab", "#!/bin/sh\n").parent
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:{programs}"}
    done = subprocess.run(
        [sys.executable, str(ORACLE)],
        input=json.dumps(calls),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    results = json.loads(done.stdout)
    return {
        (number, way.name): Answer(
            named(tree(folder), folder), said_of(cases[number], result, folder), result
        )
        for (number, way), folder, result in zip(keys, folders, results, strict=True)
    }


def our_answer(case: Case, way: Way, folder: Path) -> Answer:
    """Run a case by our module."""
    build_tree(folder, case.start)
    args = remote_source(case, placed(case.args, folder))
    os.umask(0o022)
    result: dict[str, Any] = {}
    for _ in range(way.times):
        try:
            result = run_module(case.module, args, check=way.check, diff=True).as_dict()
        except (ArgumentError, OSError) as error:  # both are a failed task to the runner
            result = {"failed": True, "msg": str(error)}
    return Answer(named(tree(folder), folder), said_of(case, result, folder), result)


def remote_source(case: Case, args: dict[str, Any]) -> dict[str, Any]:
    return {**args, "remote_src": True} if case.module in ("copy", "unarchive") else args


def named(found: dict[str, str], folder: Path) -> dict[str, str]:
    return {name: shown.replace(str(folder), "T") for name, shown in found.items()}


def said_of(case: Case, result: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the comparable part of a result; a module that documents no values says only how it ended."""
    told = comparable(result, folder)
    return {key: told[key] for key in told if case.module not in _SILENT or key in ("changed", "failed")}


def comparable(result: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return what both must agree on; a failure has only itself and no details."""
    if result.get("failed"):
        return {"failed": True}
    text = json.dumps({key: result[key] for key in sorted(_COMPARED & set(result))})
    shown: dict[str, Any] = json.loads(text.replace(str(folder), "T"))
    if "stat" in result:
        known = {key: value for key, value in result["stat"].items() if key not in MOMENT | ON_REQUEST}
        shown["stat"] = {key: str(value).replace(str(folder), "T") for key, value in known.items()}
    if "files" in result:
        shown["files"] = sorted(
            json.dumps(_found(one), sort_keys=True).replace(str(folder), "T") for one in result["files"]
        )
    if shown.get("state") == "link":
        del shown["size"]  # the length of a path, and the two folders differ
    return {key: value for key, value in shown.items() if value not in (None, False)}


def _found(one: Any) -> Any:
    """Return what find tells of a path, without what depends on the moment or on how long a link is."""
    if not isinstance(one, dict):
        return one
    return {
        key: value for key, value in one.items() if key not in MOMENT and not (key == "size" and one["islnk"])
    }
