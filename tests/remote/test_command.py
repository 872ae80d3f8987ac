from __future__ import annotations

import time
from pathlib import Path

import pytest

from edgectl.remote.args import ArgumentError
from tests.remote.host import run_module


@pytest.mark.parametrize("module", ["command", "shell"])
def test_the_result_is_ansibles(module: str) -> None:
    result = run_module(module, {"cmd": "printf 'a\\n\\n'"})

    assert (result.changed, result.failed) == (True, False)
    assert result.values["stdout"] == "a"
    assert result.values["rc"] == 0
    assert set(result.values) == {"cmd", "rc", "stdout", "stderr", "start", "end", "delta"}
    time.strptime(result.values["start"][:19], "%Y-%m-%d %H:%M:%S")


def test_a_command_meets_no_shell_but_its_variables_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", "x;y")

    assert run_module("command", {"cmd": "echo $THING | cat"}).values["stdout"] == "x;y | cat"
    given = {"argv": ["echo", "$THING"], "expand_argument_vars": False}
    assert run_module("command", given).values["stdout"] == "$THING"


def test_a_shell_line_is_a_shell_line() -> None:
    assert run_module("shell", {"cmd": "echo a | tr a b && echo c"}).values["stdout"] == "b\nc"


def test_the_shell_can_be_chosen() -> None:
    result = run_module("shell", {"cmd": "echo $BASH_VERSION", "executable": "/bin/bash"})

    assert result.values["stdout"]


def test_a_result_other_than_0_is_a_failure_that_changed() -> None:
    result = run_module("shell", {"cmd": "echo bad >&2; exit 4"})

    assert (result.changed, result.failed, result.msg) == (True, True, "non-zero return code")
    assert result.values["rc"] == 4
    assert result.values["stderr"] == "bad"


def test_a_missing_program_is_a_failure_that_names_it() -> None:
    result = run_module("command", {"cmd": "no-such-program x"})

    assert result.failed
    assert "no-such-program" in result.values["stderr"]


@pytest.mark.parametrize("given", [{"cmd": "", "chdir": "/"}, {"cmd": "true", "chdir": "/no/such"}])
def test_what_cannot_start_is_a_failure(given: dict[str, str]) -> None:
    assert run_module("command", given).failed


def test_the_folder_the_input_and_the_newline_are_as_asked(tmp_path: Path) -> None:
    assert run_module("shell", {"cmd": "pwd; wc -c", "chdir": str(tmp_path), "stdin": "ab"}).values[
        "stdout"
    ] == (f"{tmp_path}\n3")
    given = {"cmd": "wc -c", "stdin": "ab", "stdin_add_newline": False}
    assert run_module("shell", given).values["stdout"] == "2"


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("condition", ["creates", "removes"])
def test_creates_and_removes_decide_whether_it_runs(condition: str, check: bool, tmp_path: Path) -> None:
    there = tmp_path / "there-1"
    there.touch()
    skips, runs = (there.with_name("there-*"), tmp_path / "none")
    if condition == "removes":
        skips, runs = runs, skips
    marker = tmp_path / "ran"

    skipped = run_module("shell", {"cmd": f"touch {marker}", condition: str(skips)}, check=check)
    assert not skipped.changed
    assert not marker.exists()
    ran = run_module("shell", {"cmd": f"touch {marker}", condition: str(runs)}, check=check)
    assert ran.changed
    assert marker.exists() is not check


def test_creates_is_relative_to_chdir(tmp_path: Path) -> None:
    (tmp_path / "mark").touch()

    assert not run_module("shell", {"cmd": "true", "chdir": str(tmp_path), "creates": "mark"}).changed


def test_without_a_condition_check_mode_skips_it(tmp_path: Path) -> None:
    result = run_module("shell", {"cmd": f"touch {tmp_path}/x"}, check=True)

    assert (result.changed, result.values["skipped"]) == (False, True)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("module", "given"), [("command", {}), ("command", {"cmd": "a", "argv": ["a"]}), ("shell", {})]
)
def test_neither_and_both_are_refused(module: str, given: dict[str, object]) -> None:
    with pytest.raises(ArgumentError):
        run_module(module, given)
