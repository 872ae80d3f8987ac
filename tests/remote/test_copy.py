from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError
from tests.remote.host import run_module, sha256, tree

NEW = b"new\n"
BLOBS = {sha256(NEW): NEW, sha256(b"b"): b"b"}


def copied(dest: Path | str, check: bool = False, diff: bool = False, **args: Any) -> Any:
    given = {"src": "files/app.conf", "sources": [["", sha256(NEW), "0640"]], "dest": str(dest), **args}
    return run_module("copy", given, check=check, diff=diff, blobs=BLOBS)


def test_a_new_file_is_reported_as_ansible_does(tmp_path: Path) -> None:
    result = copied(tmp_path / "f", mode="0600")

    assert (tmp_path / "f").read_bytes() == NEW
    assert result.changed
    assert result.values["checksum"] == "389cc6b7ae5a659383eab5dfc253764eccf84732"
    assert result.values["mode"] == "0600"
    assert {"dest", "src", "md5sum", "owner", "group", "uid", "gid", "size", "state"} <= set(result.values)


def test_the_second_time_nothing_changes(tmp_path: Path) -> None:
    copied(tmp_path / "f", mode="0600")
    before = (tmp_path / "f").stat()

    assert not copied(tmp_path / "f", mode="0600").changed
    assert (tmp_path / "f").stat().st_ino == before.st_ino


def test_check_mode_says_so_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    before = tree(tmp_path)

    result = copied(tmp_path / "f", check=True, diff=True)

    assert result.changed
    assert (result.diff["before"], result.diff["after"]) == ("old", "new\n")
    assert tree(tmp_path) == before


def test_a_secret_is_never_readable_not_even_for_a_moment(tmp_path: Path) -> None:
    """The validator sees the new file just before it takes its name: its mode must be final by then."""
    copied(tmp_path / "f", mode="0600", validate=f"sh -c 'stat -c %a %s > {tmp_path}/seen'")

    assert (tmp_path / "seen").read_text() == "600\n"


def test_a_name_in_a_folder_is_the_sources(tmp_path: Path) -> None:
    assert copied(tmp_path).values["dest"] == str(tmp_path / "app.conf")
    assert copied(f"{tmp_path}/new/deep/").values["dest"] == str(tmp_path / "new/deep/app.conf")


def test_a_missing_folder_is_a_failure_that_says_what_to_do(tmp_path: Path) -> None:
    result = copied(tmp_path / "none" / "f")

    assert result.failed
    assert "make it first" in result.msg


def test_mode_preserve_is_the_sources_mode(tmp_path: Path) -> None:
    assert copied(tmp_path / "f", mode="preserve").values["mode"] == "0640"


def test_the_old_files_mode_stays_where_none_is_given(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    (tmp_path / "f").chmod(0o604)

    assert copied(tmp_path / "f").values["mode"] == "0604"


def test_a_backup_keeps_the_old_content(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")

    backup = copied(tmp_path / "f", backup=True).values["backup_file"]

    assert Path(backup).read_text() == "old"
    assert Path(backup).name.startswith("f.")


def test_what_is_not_valid_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    before = tree(tmp_path)

    result = copied(tmp_path / "f", validate="grep -q never %s")

    assert result.failed
    assert "failed to validate" in result.msg
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "written"),
    [("text", "text"), ({"a": [1]}, '{"a": [1]}'), ([1, 2], "[1, 2]"), (5, "5"), ("", "")],
)
def test_content_is_written_and_data_as_json(content: Any, written: str, tmp_path: Path) -> None:
    run_module("copy", {"content": content, "dest": str(tmp_path / "f")})

    assert (tmp_path / "f").read_text() == written
    assert isinstance(content, (str, int)) or json.loads(written) == content


@pytest.mark.parametrize(
    "args", [{"dest": "/x"}, {"dest": "/x", "src": "a", "content": "b"}, {"dest": "/x/", "content": "b"}]
)
def test_a_source_too_many_or_too_few_is_refused(args: dict[str, str]) -> None:
    with pytest.raises(ArgumentError):
        run_module("copy", args)


def test_content_does_not_go_into_a_folder(tmp_path: Path) -> None:
    assert run_module("copy", {"content": "x", "dest": str(tmp_path)}).failed


def tree_of_sources() -> list[list[Any]]:
    b = sha256(b"b")
    return [
        ["conf", None, "0755"],
        ["conf/a", sha256(NEW), "0644"],
        ["conf/d/b", b, "0755"],
        ["empty", None, "0755"],
    ]


def test_a_folder_is_copied_with_all_that_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "out/conf").mkdir(parents=True)
    (tmp_path / "out/conf/kept").write_text("kept")
    args: dict[str, Any] = {"sources": tree_of_sources(), "mode": "0600", "directory_mode": "0700"}

    assert copied(tmp_path / "out", **args).changed
    os.umask(0o022)
    assert tree(tmp_path / "out") == {
        "conf": "directory 0755",
        "conf/a": "file 0600 1 b'new\\n'",
        "conf/d": "directory 0700",
        "conf/d/b": "file 0600 1 b'b'",
        "conf/kept": "file 0644 1 b'kept'",
        "empty": "directory 0700",
    }
    assert not copied(tmp_path / "out", **args).changed


def test_check_mode_of_a_folder_writes_nothing_and_shows_every_file(tmp_path: Path) -> None:
    result = copied(tmp_path / "out", sources=tree_of_sources(), check=True, diff=True)

    assert result.changed
    assert not (tmp_path / "out").exists()
    assert f"==> {tmp_path}/out/conf/d/b <==\nb" in result.diff["after"]


def test_a_folder_at_the_host_is_copied_with_links_kept_or_followed(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s/a").write_text("1")
    (tmp_path / "s/l").symlink_to("a")
    given = {"src": f"{tmp_path}/s/", "remote_src": True}

    run_module("copy", {**given, "dest": f"{tmp_path}/kept"})
    run_module("copy", {**given, "dest": f"{tmp_path}/followed", "local_follow": True})

    assert (tmp_path / "kept/l").readlink() == Path("a")
    assert not (tmp_path / "followed/l").is_symlink()
    assert (tmp_path / "followed/l").read_text() == "1"


def test_a_binary_file_is_not_shown(tmp_path: Path) -> None:
    result = run_module("copy", {"content": "a\0b", "dest": str(tmp_path / "f")}, diff=True)

    assert result.diff is not None
    assert result.diff["after"] == "(binary)\n"


@pytest.mark.parametrize("args", [{"owner": "no-such-user"}, {"group": "no-such-group"}, {"mode": "q="}])
def test_an_impossible_owner_or_mode_changes_nothing(args: dict[str, Any], tmp_path: Path) -> None:
    assert copied(tmp_path / "f", **args).failed
    assert tree(tmp_path) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away: run as root")
def test_owner_and_group_are_set_and_then_left(tmp_path: Path) -> None:
    args: dict[str, Any] = {"owner": "nobody", "group": "65534", "mode": "4750"}

    result = copied(tmp_path / "f", **args)

    assert (result.values["owner"], result.values["gid"], result.values["mode"]) == ("nobody", 65534, "04750")
    assert not copied(tmp_path / "f", **args).changed
