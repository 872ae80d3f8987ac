from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError
from edgectl.remote.tasks._fstab import Line, mounted_source, with_line, without
from tests.remote.host import path_with, program, run_module

LINE = Line("/dev/x", "/mnt/a b", "ext4", "noatime", "0", "2")
WRITTEN = "/dev/x /mnt/a\\040b ext4 noatime 0 2\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", WRITTEN),
        ("# c\n/dev/y / ext4\n", f"# c\n/dev/y / ext4\n{WRITTEN}"),
        ("/dev/y / ext4", f"/dev/y / ext4\n{WRITTEN}"),
        (WRITTEN, WRITTEN),
        (
            "/dev/x\t/mnt/a\\040b\text4\tnoatime 0 2 # mine\n",
            "/dev/x\t/mnt/a\\040b\text4\tnoatime 0 2 # mine\n",
        ),
        ("/dev/old /mnt/a\\040b ext4 noatime 0 2\n/dev/y / ext4\n", f"{WRITTEN}/dev/y / ext4\n"),
    ],
)
def test_fstab_has_one_line_for_a_place(before: str, after: str) -> None:
    assert with_line(before, LINE) == after


def test_a_mark_of_comments_within_a_word_is_part_of_it() -> None:
    share = Line("//files/a#b", "/mnt/a", "cifs", "password=x#y")
    once = with_line("", share)

    assert with_line(once, share) == once
    assert without(f"{once}# /mnt/a\n", share) == "# /mnt/a\n"


def test_swap_goes_by_its_device() -> None:
    swap = Line("/dev/s2", "none", "swap", "sw")
    before = "/dev/s1 none swap sw 0 0\n"

    assert with_line(before, swap) == f"{before}/dev/s2 none swap sw 0 0\n"
    assert without(before, swap) == before


def test_a_line_is_taken_out() -> None:
    assert without(f"# c\n{WRITTEN}/dev/y / ext4\n", LINE) == "# c\n/dev/y / ext4\n"


def mounted(tmp_path: Path, check: bool = False, **args: Any) -> Any:
    given = {
        "path": str(tmp_path / "m"),
        "fstab": str(tmp_path / "fstab"),
        "src": "x",
        "fstype": "ext4",
        **args,
    }
    return run_module("mount", given, check=check, environment=path_with(tmp_path / "bin"))


def test_what_cannot_be_mounted_is_taken_out_of_fstab_again(tmp_path: Path) -> None:
    (tmp_path / "fstab").write_text("# mine\n")
    program(tmp_path / "bin", "mount", "#!/bin/sh\necho no such device >&2; exit 32\n")

    result = mounted(tmp_path, state="mounted")

    assert "no such device" in result.msg
    assert (tmp_path / "fstab").read_text() == "# mine\n"
    assert not (tmp_path / "m").exists()


def test_a_mount_that_ends_well_and_mounts_nothing_is_found(tmp_path: Path) -> None:
    program(tmp_path / "bin", "mount", "#!/bin/sh\n")

    assert "nothing is mounted there" in mounted(tmp_path, state="mounted").msg


def test_present_changes_fstab_alone_and_check_mode_nothing(tmp_path: Path) -> None:
    checked = mounted(tmp_path, check=True, state="present")
    assert (checked.changed, (tmp_path / "fstab").exists()) == (True, False)

    first, second = (mounted(tmp_path, state="present", boot=False) for _ in range(2))

    assert (first.changed, second.changed) == (True, False)
    assert (tmp_path / "fstab").read_text() == f"x {tmp_path}/m ext4 defaults,noauto 0 0\n"


def test_what_is_mounted_at_a_place_is_known() -> None:
    assert mounted_source("/proc") is not None
    assert mounted_source("/no/such/place") is None


def test_a_mount_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="'src' and 'fstype'"):
        mounted(tmp_path, state="mounted", src=None)
