"""Files that root writes where somebody else may put links meanwhile."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from edgectl.remote import files
from edgectl.remote.ownership import Attributes


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim"
    path.write_text("mine")
    path.chmod(0o600)
    return path


def test_mode_and_owner_go_to_the_new_file_though_a_link_takes_its_name(tmp_path: Path, victim: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    with files.Replacing(str(folder / "f"), Attributes("0666")) as stream:
        (beside,) = folder.iterdir()
        beside.unlink()
        beside.symlink_to(victim)
        stream.write(b"new")

    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("mine", 0o600)


def test_a_backup_is_not_written_through_a_link_that_waits_for_it(tmp_path: Path, victim: Path) -> None:
    path = tmp_path / "f"
    path.write_text("new")
    for second in range(30):
        at = time.strftime("%Y-%m-%d@%H:%M:%S~", time.localtime(time.time() + second))
        (tmp_path / f"f.{os.getpid()}.{at}").symlink_to(victim)

    with pytest.raises(FileExistsError):
        files.back_up(str(path))
    assert victim.read_text() == "mine"


def test_a_backup_has_mode_and_time_of_the_old_file(victim: Path) -> None:
    os.utime(victim, (1_600_000_000, 1_600_000_000))

    copy = Path(files.back_up(str(victim)))

    assert (copy.read_text(), copy.stat().st_mode & 0o777, copy.stat().st_mtime) == (
        "mine",
        0o600,
        1_600_000_000,
    )
