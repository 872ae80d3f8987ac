"""Archives that lead out of their folder, have awkward names or were unpacked by half."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from tests.remote.host import run_module, sha256

WHEN = (2020, 1, 2, 3, 4, 6)


def zipped(path: Path, **entries: str) -> Path:
    """Write a zip file; a text that begins with -> is a symbolic link."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in entries.items():
            entry = zipfile.ZipInfo(name, WHEN)
            is_link = text.startswith("->")
            entry.external_attr = (stat.S_IFLNK | 0o777 if is_link else stat.S_IFREG | 0o640) << 16
            archive.writestr(entry, text.removeprefix("->"))
    return path


def tarred(path: Path, *names: str) -> Path:
    with tarfile.open(path, "w") as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = 2, 1_600_000_000
            archive.addfile(entry, io.BytesIO(b"x\n"))
    return path


def unpacked(src: Path, dest: Path, **args: Any) -> Any:
    dest.mkdir(exist_ok=True)
    return run_module("unarchive", {"src": str(src), "dest": str(dest), "remote_src": True, **args})


def test_a_link_in_a_zip_file_may_lead_elsewhere_and_is_never_written_through(tmp_path: Path) -> None:
    src, dest = zipped(tmp_path / "a.zip", current=f"->{tmp_path}", f="x"), tmp_path / "d"

    first, second = (unpacked(src, dest) for _ in range(2))

    assert (first.changed, first.msg) == (True, "")
    assert (second.changed, second.failed) == (False, False)
    assert (dest / "current").readlink() == tmp_path
    through = zipped(tmp_path / "b.zip", **{"current": f"->{tmp_path}", "current/g": "x"})
    assert "would write outside" in unpacked(through, dest).msg
    assert not (tmp_path / "g").exists()


def test_a_file_takes_the_place_of_a_link_and_not_of_what_it_leads_to(tmp_path: Path) -> None:
    dest = tmp_path / "d"
    dest.mkdir()
    (tmp_path / "victim").write_text("old")
    (dest / "f").symlink_to(tmp_path / "victim")

    assert unpacked(zipped(tmp_path / "a.zip", f="new"), dest).changed
    assert ((tmp_path / "victim").read_text(), (dest / "f").read_text()) == ("old", "new")
    assert (dest / "f").stat().st_mode & 0o777 == 0o640


def test_a_name_in_a_tar_file_that_leads_out_is_refused_before_anything_is_changed(tmp_path: Path) -> None:
    result = unpacked(tarred(tmp_path / "a.tar", "f", "../victim"), tmp_path / "d", mode="0777")

    assert "would write outside" in result.msg
    assert not list((tmp_path / "d").iterdir())


def test_a_file_that_is_no_archive_is_called_by_the_name_in_the_playbook(tmp_path: Path) -> None:
    given = {"src": "a.tgz", "dest": str(tmp_path), "sources": [["", sha256(b"x"), "0644"]]}

    result = run_module("unarchive", given, blobs={sha256(b"x"): b"x"})

    assert result.msg.startswith("a.tgz is no archive that can be read here: ")
    assert "/edgectl-archive-" not in result.msg
