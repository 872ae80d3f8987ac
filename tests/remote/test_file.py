from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError
from tests.remote.host import run_module, tree


def made(path: Path, check: bool = False, diff: bool = False, **args: Any) -> Any:
    return run_module("file", {"path": str(path), **args}, check=check, diff=diff)


def test_what_a_removed_folder_held_is_in_the_diff(tmp_path: Path) -> None:
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/f").touch()

    result = made(tmp_path / "d", state="absent", diff=True)

    before = json.loads(result.diff["before"])
    assert before["state"] == "directory"
    assert before["path_content"] == {"directories": [f"{tmp_path}/d/e"], "files": [f"{tmp_path}/d/f"]}
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("state", ["directory", "touch", "absent"])
def test_check_mode_changes_nothing(state: str, tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    before = tree(tmp_path)

    assert made(tmp_path / ("there" if state == "absent" else "new"), state=state, check=True).changed
    assert tree(tmp_path) == before


def test_a_link_is_exchanged_without_a_moment_in_between(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "v2").mkdir()
    made(tmp_path / "current", state="link", src="v1")

    result = made(tmp_path / "current", state="link", src="v2")

    assert result.changed
    assert (tmp_path / "current").readlink() == Path("v2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "v1", "v2"]


def test_a_hard_link_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")

    assert made(tmp_path / "b", state="hard", src=f"{tmp_path}/a").changed
    assert (tmp_path / "a").samefile(tmp_path / "b")
    assert not made(tmp_path / "b", state="hard", src=f"{tmp_path}/a").changed


def test_touch_changes_every_time_unless_the_times_are_preserved(tmp_path: Path) -> None:
    made(tmp_path / "f", state="touch")
    keep: dict[str, Any] = {"access_time": "preserve", "modification_time": "preserve"}

    assert made(tmp_path / "f", state="touch").changed
    assert not made(tmp_path / "f", state="touch", **keep).changed


def test_a_time_can_be_given_in_a_form_of_its_own(tmp_path: Path) -> None:
    form: dict[str, Any] = {"modification_time_format": "%Y-%m-%d", "access_time": "preserve"}

    made(tmp_path / "f", state="touch", modification_time="2020-01-02", **form)
    result = made(tmp_path / "f", state="touch", modification_time="2020-01-02", **form)

    assert not result.changed
    assert made(tmp_path / "f", state="touch", modification_time="soon").failed


def test_a_loop_of_links_does_not_hold_recurse(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/up").symlink_to("..")

    assert made(tmp_path / "d", state="directory", recurse=True, mode="u=rwX,go=").changed


@pytest.mark.parametrize(
    "args", [{"state": "file", "recurse": True}, {"state": "directory", "src": "x"}, {"state": "no"}]
)
def test_arguments_that_exclude_each_other_are_refused(args: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ArgumentError):
        made(tmp_path / "f", **args)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away: run as root")
def test_setuid_survives_a_change_of_owner(tmp_path: Path) -> None:
    (tmp_path / "f").touch()

    assert made(tmp_path / "f", owner="nobody", mode="4755").values["mode"] == "04755"
    assert not made(tmp_path / "f", owner="nobody", mode="4755").changed
