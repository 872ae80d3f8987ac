"""The same arguments over the same tree: Ansible's module and ours leave the same tree and say the same.

`T` in an argument stands for the folder of the case.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from edgectl.remote.args import ArgumentError
from tests.remote.host import run_module, tree

ORACLE = Path(__file__).with_name("ansible_oracle.py")
HOSTS = "127.0.0.1 localhost\n# comment\nalpha beta\nalpha gamma\nlast"
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ansible") is None, reason="needs ansible-core: pip install -e '.[dev]'"
)


class Case(NamedTuple):
    module: str
    args: dict[str, Any]
    start: Mapping[str, str] = MappingProxyType(
        {}
    )  # path -> content; a name that ends in / is a folder, "-> x" a link


def line(start: str | None = HOSTS, **args: Any) -> Case:
    return Case("lineinfile", {"path": "T/f", **args}, {} if start is None else {"f": start})


def file(start: dict[str, str] | None = None, **args: Any) -> Case:
    return Case("file", {"path": "T/f", **args}, start or {})


LINES = [
    line(line="new"),
    line(line="last"),
    line(line="# comment"),
    line(line="new", regexp="^alpha"),
    line(line="new", regexp="^alpha", firstmatch=True),
    line(line="new", regexp="^nothing"),
    line(line="alpha gamma", regexp="^nothing"),
    line(line="new", insertafter="^alpha"),
    line(line="new", insertafter="^alpha", firstmatch=True),
    line(line="new", insertafter="nothing"),
    line(line="new", insertafter="BOF"),
    line(line="new", insertafter="EOF"),
    line(line="alpha gamma", insertafter="^alpha beta"),
    line(line="new", insertbefore="^alpha"),
    line(line="new", insertbefore="^alpha", firstmatch=True),
    line(line="new", insertbefore="BOF"),
    line(line="new", insertbefore="nothing"),
    line(line="127.0.0.1 localhost", insertbefore="^alpha"),
    line(line="new", insertbefore="^127"),
    line(line="last", insertafter="^alpha", firstmatch=True),
    line(line=r"\1 delta", regexp=r"^(\w+) gamma", backrefs=True),
    line(line=r"\1 delta", regexp=r"^(\w+) omega", backrefs=True),
    line(line=r"\g<who>!", regexp=r"^(?P<who>alpha) b", backrefs=True),
    line(line="new", search_string="beta"),
    line(line="new", search_string="alpha"),
    line(line="new", search_string="alpha", firstmatch=True),
    line(line="new", search_string="nothing", insertafter="beta"),
    line(line="new", regexp="^nothing", insertafter="beta"),
    line(line="new", regexp="beta$", insertafter="gamma"),
    line(line="two\nlines", regexp="^alpha b"),
    line(state="absent", line="alpha beta"),
    line(state="absent", regexp="^alpha"),
    line(state="absent", search_string="a"),
    line(state="absent", regexp="^nothing"),
    line(state="absent", line="last", mode="0600"),
    line(start=None, line="new"),
    line(start=None, line="new", create=True),
    line(start=None, line="new", create=True, mode="0600"),
    line(start=None, line="new", create=True, path="T/a/b/f"),
    line(start=None, state="absent", line="x"),
    line(start="", line="new"),
    line(start="", line="new", insertafter="x"),
    line(start="", line="new", insertbefore="x"),
    line(start="a\r\nb\r\n", line="b"),
    line(start="a\r\nb\r\n", line="c", insertafter="^a"),
    line(start="a\rb\n", line="c", regexp="^b"),
    line(line="new", mode="u=rw,g=,o="),
    line(line="last\n", regexp="^last"),
    line(line="new", validate="grep -q new %s"),
    line(line="new", validate="grep -q other %s"),
    line(line="", regexp="^alpha"),
    line(line="ünï", regexp="^alpha"),
    line(line="x", path="T"),
]
FILES = [
    file({"f": "x"}, mode="0600"),
    file({"f": "x"}, mode="0644"),
    file({"f": "x"}, mode="u+x"),
    file({"f": "x"}, mode="u=rwX,g=rX,o="),
    file({"f/": ""}, mode="u=rwX,g=rX,o="),
    file({"f": "x"}, mode="+x"),
    file({"f": "x"}, mode="a-r,u+s"),
    file({"f": "x"}, mode="g=u"),
    file({"f": "x"}, mode="u=rw+x,o=t"),
    file({"f": "x"}, mode="1777"),
    file(),
    file(state="file"),
    file(state="directory"),
    file(state="directory", mode="0700"),
    file(state="directory", path="T/a/b/c", mode="0750"),
    file(state="directory", path="T/a/b/c/"),
    file({"f": "x"}, state="directory"),
    file({"f/": ""}, state="directory"),
    file({"f/": ""}, state="directory", mode="0700"),
    file({"f/": "", "f/a": "x", "f/d/b": "y"}, state="directory", mode="u=rwX,go=", recurse=True),
    file({"f/": "", "f/a": "x", "f/l": "-> a"}, state="directory", mode="0700", recurse=True),
    file({"f/": "", "f/l": "-> ../g", "g": "x"}, state="directory", mode="0700", recurse=True, follow=False),
    file({"f/": "", "f/l": "-> ../g", "g": "x"}, state="directory", mode="0700", recurse=True),
    file(state="directory", recurse=True, mode="0700"),
    file({"g/": "", "f": "-> g"}, state="directory", mode="0700"),
    file({"g/": "", "f": "-> g"}, state="directory", mode="0700", follow=False),
    file({"f": "x"}, state="file", recurse=True),
    file({"f": "x"}, recurse=True),
    file({"f": "x"}, state="absent"),
    file(state="absent"),
    file({"f/": "", "f/a": "x", "f/d/b": "y"}, state="absent"),
    file({"g": "x", "f": "-> g"}, state="absent"),
    file({"g/": "", "f": "-> g"}, state="absent"),
    file({"f": "-> nowhere"}, state="absent"),
    file(state="touch"),
    file(state="touch", mode="0600"),
    file({"f": "x"}, state="touch"),
    file({"f": "x"}, state="touch", access_time="preserve", modification_time="preserve"),
    file(state="touch", access_time="preserve", modification_time="preserve"),
    file({"f": "x"}, state="touch", access_time="preserve", modification_time="202001011200.00"),
    file({"f/": ""}, state="touch"),
    file(state="touch", path="T/no/f"),
    file({"g": "x"}, state="link", src="T/g"),
    file({"g": "x"}, state="link", src="g"),
    file({"g": "x", "f": "-> g"}, state="link", src="g"),
    file({"g": "x", "f": "-> g"}, state="link", src="T/g"),
    file({"g": "x", "f": "-> g"}, state="link"),
    file({"g": "x", "f": "-> g"}, state="link", mode="0600"),
    file({"g": "x", "f": "-> g"}, mode="0600"),
    file({"g": "x", "f": "-> g"}, state="file", mode="0600"),
    file({"g": "x", "f": "-> g"}, state="file", follow=False),
    file(state="link", src="nowhere"),
    file(state="link", src="nowhere", force=True, follow=False),
    file(state="link", src="nowhere", force=True),
    file({"f": "x", "g": "y"}, state="link", src="g"),
    file({"f": "x", "g": "y"}, state="link", src="g", force=True),
    file({"f/": "", "g": "y"}, state="link", src="T/g"),
    file({"f/": "", "g": "y"}, state="link", src="T/g", force=True),
    file({"f/": "", "f/x": "", "g": "y"}, state="link", src="T/g", force=True),
    file(state="link"),
    file({"g": "x"}, state="hard", src="T/g"),
    file({"g": "x", "f": "y"}, state="hard", src="T/g"),
    file({"g": "x", "f": "y"}, state="hard", src="T/g", force=True),
    file(state="hard", src="T/g"),
    file({"f": "x"}, mode="rubbish+"),
    file({"f": "x"}, owner="no-such-user"),
]
STATS = [
    Case("stat", {"path": "T/f"}, {"f": "x"}),
    Case("stat", {"path": "T/f", "checksum_algorithm": "sha256"}, {"f": "x"}),
    Case("stat", {"path": "T/f", "get_checksum": False}, {"f": "x"}),
    Case("stat", {"path": "T/f"}, {"g": "x", "f": "-> g"}),
    Case("stat", {"path": "T/f", "follow": True}, {"g": "x", "f": "-> g"}),
    Case("stat", {"path": "T/f", "follow": True}, {"f": "-> nowhere"}),
    Case("stat", {"path": "T/f"}, {"f/": ""}),
    Case("stat", {"path": "T/f"}),
    Case("stat", {"path": "T/f", "get_mime": True}, {"f": "x"}),
]
COPIES = [
    Case("copy", {"src": "T/s", "dest": "T/f", **args}, {"s": "new\n", **start})
    for args, start in (
        ({}, {}),
        ({}, {"f": "old"}),
        ({}, {"f": "new\n"}),
        ({"mode": "0600"}, {"f": "new\n"}),
        ({"mode": "0600"}, {"f": "old"}),
        ({"mode": "preserve"}, {"f": "old"}),
        ({"force": False}, {"f": "old"}),
        ({"force": False}, {}),
        ({}, {"f/": ""}),
        ({"dest": "T/d/"}, {}),
        ({"dest": "T/d/e/"}, {}),
        ({"dest": "T/d/e/", "directory_mode": "0700"}, {}),
        ({"dest": "T/d/f"}, {}),
        ({}, {"g": "old", "f": "-> g"}),
        ({"follow": True}, {"g": "old", "f": "-> g"}),
        ({}, {"g": "new\n", "f": "-> g"}),
        ({"src": "T/none"}, {}),
        ({"checksum": "0" * 40}, {}),
        ({"validate": "grep -q new %s"}, {}),
        ({"validate": "grep -q old %s"}, {"f": "x"}),
        ({"src": "T/dir", "dest": "T/out"}, {"dir/a": "1", "dir/b/c": "2"}),
        ({"src": "T/dir/", "dest": "T/out"}, {"dir/a": "1", "dir/b/c": "2"}),
        ({"src": "T/dir/", "dest": "T/out/"}, {"dir/a": "1", "out/a": "2", "out/z": "3"}),
        ({"src": "T/dir/", "dest": "T/out/"}, {"dir/a": "1", "out/a": "1"}),
    )
]
CASES = [*LINES, *FILES, *STATS, *COPIES]
# Wanted: what is missing in check mode an earlier task may have made, so we go on.
BEYOND_ANSIBLE = (
    (file({"f": "x"}, owner="no-such-user"), True),
    (Case("copy", {"src": "T/s", "dest": "T/d/f"}, {"s": "new\n"}), True),
    # Ansible says less here: no checksum and another dest.
    (Case("copy", {"src": "T/s", "dest": "T/d/"}, {"s": "new\n"}), True),
    (Case("copy", {"src": "T/s", "dest": "T/d/e/"}, {"s": "new\n"}), True),
    (Case("copy", {"src": "T/s", "dest": "T/d/e/", "directory_mode": "0700"}, {"s": "new\n"}), True),
)
COMPARISONS = [
    pytest.param(number, check, id=f"{case.module}-{number}-{'check' if check else 'real'}")
    for number, case in enumerate(CASES)
    for check in (False, True)
    if (case, check) not in BEYOND_ANSIBLE
]
# What depends on the moment or on the machine's inode numbers.
MOMENT = {"inode", "atime", "mtime", "ctime", "dev", "birthtime", "blocks"}
# Asked of Ansible by default and here only on request.
ON_REQUEST = {"mimetype", "charset", "version", "attributes", "attr_flags"}
COMPARED = ("changed", "failed", "path", "dest", "src", "state", "mode", "owner", "group", "size", "checksum")


def build_tree(folder: Path, start: Mapping[str, str]) -> None:
    folder.mkdir()
    for name, content in start.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif content.startswith("-> "):
            path.symlink_to(content[3:])
        else:
            path.write_text(content, encoding="utf-8", newline="")
            path.chmod(0o644)


def placed(args: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {
        key: value.replace("T", str(folder), 1) if isinstance(value, str) and value.startswith("T") else value
        for key, value in args.items()
    }


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, dict[str, Any]]]:
    """Return, for every case with and without check mode, the folder and the result of Ansible's module."""
    root = tmp_path_factory.mktemp("theirs")
    folders: list[Path] = []
    calls: list[dict[str, Any]] = []
    for number, case in enumerate(CASES):
        for check in (False, True):
            folder = root / f"{number}-{check}"
            build_tree(folder, case.start)
            folders.append(folder)
            calls.append({"module": case.module, "args": placed(case.args, folder), "check": check})
    for call in calls:
        if call["module"] == "copy":
            call["args"]["remote_src"] = True
    done = subprocess.run(
        [sys.executable, str(ORACLE)], input=json.dumps(calls), capture_output=True, text=True, check=True
    )
    return list(zip(folders, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize(("number", "check"), COMPARISONS)
def test_the_tree_and_the_result_are_ansibles(
    number: int, check: bool, tmp_path: Path, theirs: list[tuple[Path, dict[str, Any]]]
) -> None:
    case = CASES[number]
    folder = tmp_path / "tree"
    build_tree(folder, case.start)
    their_folder, their_result = theirs[number * 2 + check]
    args = placed(case.args, folder)
    if case.module == "copy":
        args["remote_src"] = True
    os.umask(0o022)

    try:
        result = run_module(case.module, args, check=check, diff=True).as_dict()
    except (ArgumentError, OSError):  # both are a failed task to the runner
        result = {"failed": True}

    assert named(tree(folder), folder) == named(tree(their_folder), their_folder)
    assert comparable(result, folder) == comparable(their_result, their_folder), (result, their_result)


def named(found: dict[str, str], folder: Path) -> dict[str, str]:
    return {name: shown.replace(str(folder), "T") for name, shown in found.items()}


def comparable(result: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return what both must agree on; a failure has only itself and no details."""
    if result.get("failed"):
        return {"failed": True}
    text = json.dumps({key: result[key] for key in COMPARED if key in result})
    shown: dict[str, Any] = json.loads(text.replace(str(folder), "T"))
    if "stat" in result:
        known = {key: value for key, value in result["stat"].items() if key not in MOMENT | ON_REQUEST}
        shown["stat"] = {key: str(value).replace(str(folder), "T") for key, value in known.items()}
    if shown.get("state") == "link":
        del shown["size"]  # the length of a path, and the two folders differ
    return {key: value for key, value in shown.items() if value not in (None, False)}
