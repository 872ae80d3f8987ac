"""A crontab that cannot be read is not taken for an empty one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError
from tests.remote.host import path_with, program, run_module

# It keeps what it is given, and says on reading what stands in `says`, ending with 1.
CRONTAB = """
    #!/bin/sh
    case "$*" in
        *-l) [ -e {kept} ] && exec cat {kept}; cat {says} >&2; exit 1;;
        *) cat > {kept};;
    esac
"""


def scheduled(folder: Path, says: str, check: bool = False, **args: Any) -> Any:
    (folder / "says").write_text(says)
    text = CRONTAB.format(kept=folder / "kept", says=folder / "says")
    environment = path_with(program(folder / "bin", "crontab", text).parent)
    return run_module("cron", {"name": "tidy", "job": "true", **args}, check=check, environment=environment)


def test_a_user_without_a_crontab_gets_one(tmp_path: Path) -> None:
    assert scheduled(tmp_path, "no crontab for root\n").changed
    assert (tmp_path / "kept").read_text() == "#Ansible: tidy\n* * * * * true\n"


def test_a_crontab_that_cannot_be_read_is_left(tmp_path: Path) -> None:
    assert "Input/output error" in scheduled(tmp_path, "crontabs/root: Input/output error\n").msg
    assert not (tmp_path / "kept").exists()


def test_in_check_mode_the_user_may_be_yet_to_come(tmp_path: Path) -> None:
    assert scheduled(tmp_path, "crontab:  user `ann' unknown\n", check=True).changed


@pytest.mark.parametrize("args", [{"name": "a\nb"}, {"env": True, "job": "a\nb"}])
def test_a_second_line_is_refused(tmp_path: Path, args: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="one line"):
        scheduled(tmp_path, "", **args)
