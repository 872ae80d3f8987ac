from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.remote import registry
from tests.remote.host import program, run_module


def test_it_says_how_to_reboot_and_leaves_it_to_the_runner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    shutdown = program(tmp_path, "shutdown", "#!/bin/sh\ntouch $0.called\n")

    result = run_module(
        "reboot", {"search_paths": ["/none", str(tmp_path)], "msg": "bye", "reboot_timeout": 60}
    )

    assert registry.load("reboot").ENDS_BOOT
    assert result.changed
    assert result.values["reboot_command"] == [str(shutdown), "-r", "now", "bye"]
    assert result.values["reboot_timeout"] == 60
    assert not (tmp_path / "shutdown.called").exists()


def test_a_command_of_ones_own_is_taken_as_words() -> None:
    result = run_module(
        "reboot", {"reboot_command": "kexec -e 'a b'", "test_command": "systemctl is-system-running"}
    )

    assert result.values["reboot_command"] == ["kexec", "-e", "a b"]
    assert result.values["test_command"] == ["systemctl", "is-system-running"]


@pytest.mark.parametrize("search", [["/none"]])
def test_without_shutdown_it_fails_and_says_what_to_give(
    search: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    result = run_module("reboot", {"search_paths": search})

    assert result.failed
    assert "reboot_command" in result.msg


def test_check_mode_would_reboot_and_gives_no_command() -> None:
    result = run_module("reboot", {"reboot_command": "true"}, check=True)

    assert result.changed
    assert "reboot_command" not in result.values
