from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.remote.host import run_module, sha256

SCRIPT = b'#!/bin/sh\necho "$(basename "$0"): $*"\necho "$PWD" >&2\nexit ${CODE:-0}\n'


def script(check: bool = False, environment: dict[str, str] | None = None, **args: Any) -> Any:
    given = {"cmd": "tools/run.sh one 'two three'", "sources": [["", sha256(SCRIPT), "0644"]], **args}
    return run_module("script", given, check=check, environment=environment, blobs={sha256(SCRIPT): SCRIPT})


def test_a_script_runs_under_its_own_name_with_its_words_and_leaves_nothing(tmp_path: Path) -> None:
    result = script(chdir=str(tmp_path), environment={"TMPDIR": str(tmp_path)})

    assert (result.changed, result.failed) == (True, False)
    assert result.values["stdout"] == "run.sh: one two three\n"
    assert result.values["stderr"] == f"{tmp_path}\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("'my run.sh' a 'b  c'", "my run.sh: a b  c"),
        ("my\\ run.sh a", "my run.sh: a"),
        ('"run.sh"', "run.sh:"),
        ("run.sh $((1 + 1)) | tr 2 3", "run.sh: 3"),
    ],
)
def test_a_name_in_quotes_and_the_words_behind_it_reach_the_shell_as_written(line: str, said: str) -> None:
    assert script(cmd=line).values["stdout"].strip() == said


def test_another_result_than_0_is_a_failure() -> None:
    result = script(environment={"CODE": "3"})

    assert (result.failed, result.values["rc"]) == (True, 3)


def test_an_executable_takes_the_place_of_the_first_line() -> None:
    assert script(executable="/bin/sh -x").values["stderr"].startswith("+ ")


def test_creates_and_removes_decide_in_check_mode_too(tmp_path: Path) -> None:
    (tmp_path / "f").touch()

    assert script(creates=str(tmp_path / "f")).values["skipped"]
    assert script(removes=str(tmp_path / "g"), check=True).values["skipped"]
    assert script(creates=str(tmp_path / "g"), check=True).changed
    assert script(check=True).values["skipped"]


def test_a_folder_that_is_not_there_fails(tmp_path: Path) -> None:
    assert "no such folder" in script(chdir=str(tmp_path / "no")).msg
