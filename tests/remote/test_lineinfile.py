from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError
from tests.remote.host import run_module, tree


def edited(path: Path, check: bool = False, **args: Any) -> Any:
    return run_module("lineinfile", {"path": str(path), **args}, check=check, diff=True)


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    path = tmp_path / "hosts"
    path.write_text("127.0.0.1 localhost\n10.0.0.1 old\n", encoding="utf-8")
    return path


def test_a_line_is_replaced_once_and_shown(hosts: Path) -> None:
    args: dict[str, Any] = {"regexp": r"^10\.0\.0\.1", "line": "10.0.0.1 new"}
    first, second = edited(hosts, **args), edited(hosts, **args)

    assert (first.changed, first.msg) == (True, "line replaced")
    assert (second.changed, second.msg, second.diff) == (False, "", None)
    assert "10.0.0.1 new\n" in first.diff["after"]
    assert hosts.read_text() == "127.0.0.1 localhost\n10.0.0.1 new\n"


def test_after_a_last_line_without_an_end_the_new_line_stands_alone(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\nlast")

    edited(tmp_path / "f", line="new", insertafter="^last")

    assert (tmp_path / "f").read_text() == "a\nlast\nnew\n"


def test_check_mode_writes_nothing(hosts: Path) -> None:
    before = tree(hosts.parent)

    assert edited(hosts, line="x", check=True, backup=True, mode="0600").changed
    assert edited(hosts.with_name("new"), line="x", create=True, check=True).changed
    assert tree(hosts.parent) == before


def test_the_number_of_removed_lines_is_reported(hosts: Path) -> None:
    result = edited(hosts, state="absent", regexp="^1")

    assert (result.msg, result.values["found"]) == ("2 line(s) removed", 2)
    assert hosts.read_text() == ""


def test_a_backup_is_named_in_the_result(hosts: Path) -> None:
    backup = edited(hosts, line="x", backup=True).values["backup"]

    assert Path(backup).read_text() == "127.0.0.1 localhost\n10.0.0.1 old\n"


def test_a_refused_file_keeps_its_lines(hosts: Path) -> None:
    result = edited(hosts, line="x", validate="false %s")

    assert result.failed
    assert "x" not in hosts.read_text()


def test_a_link_stays_a_link(hosts: Path) -> None:
    link = hosts.with_name("link")
    link.symlink_to(hosts)

    edited(link, line="x")

    assert link.is_symlink()
    assert hosts.read_text().endswith("x\n")


def test_bytes_that_are_no_utf8_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\xff\xfe\n")

    edited(tmp_path / "f", line="new")

    assert (tmp_path / "f").read_bytes() == b"\xff\xfe\nnew\n"


def test_a_broken_pattern_is_a_failure_that_says_so(hosts: Path) -> None:
    result = edited(hosts, regexp="(", line="x")

    assert result.failed
    assert "no regular expression" in result.msg


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"state": "absent"},
        {"line": "x", "regexp": "a", "search_string": "b"},
        {"line": "x", "insertafter": "a", "insertbefore": "b"},
        {"line": "x", "backrefs": True},
        {"line": "x", "backrefs": True, "search_string": "a"},
        {"line": "x", "state": "gone"},
    ],
)
def test_what_leaves_the_line_open_is_refused(args: dict[str, Any], hosts: Path) -> None:
    with pytest.raises(ArgumentError):
        edited(hosts, **args)
