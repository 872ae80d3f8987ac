from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError
from edgectl.remote.tasks import _systemctl
from edgectl.remote.tasks._units import Unit, Wish, still_wrong, verbs
from tests.remote.host import program, run_module

STANDIN = Path(__file__).with_name("standin_systemctl.py")


class Systemd:
    def __init__(self, folder: Path) -> None:
        for name in ("systemctl", "journalctl"):
            program(folder / "bin", name, f'#!/bin/sh\nexec {sys.executable} {STANDIN} {name} "$@"\n')
        self._state = folder / "units.json"
        self._state.write_text("{}")
        self._environment = {"PATH": f"{folder}/bin:{os.defpath}", "STANDIN_STATE": str(self._state)}

    def has(self, **units: dict[str, Any]) -> None:
        self._state.write_text(json.dumps({**self.read(), **units}))

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._state.read_text())
        return found

    def asked(self) -> list[str]:
        words = [word for line in self.read().get("log", []) for word in line[:-1]]
        return [word for word in words if word not in ("show", "is-enabled") and not word.startswith("-")]

    def service(self, check: bool = False, module: str = "systemd_service", **args: Any) -> Any:
        return run_module(module, args, check=check, environment=self._environment)


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    monkeypatch.setattr(_systemctl, "_WATCH_S", 0.01)
    monkeypatch.setattr(_systemctl, "_SETTLE_S", 0.05)
    machine = Systemd(tmp_path)
    machine.has(web={"active": "inactive", "boot": "disabled"}, db={"active": "active", "boot": "enabled"})
    return machine


@pytest.mark.parametrize("module", ["systemd_service", "systemd", "service"])
def test_a_unit_is_started_and_enabled_once(module: str, systemd: Systemd) -> None:
    first = systemd.service(module=module, name="web", state="started", enabled=True)
    second = systemd.service(module=module, name="web", state="started", enabled=True)

    assert (first.changed, second.changed) == (True, False)
    assert systemd.read()["web"] == {"active": "active", "boot": "enabled"}
    assert (first.values["state"], first.values["enabled"]) == ("started", True)
    assert first.values["status"]["ActiveState"] == "active"
    assert "Environment" not in first.values["status"]


@pytest.mark.parametrize(
    ("args", "asked"),
    [
        ({"name": "db", "state": "stopped", "enabled": False}, ["disable", "stop"]),
        ({"name": "db", "state": "restarted"}, ["restart"]),
        ({"name": "db", "state": "reloaded"}, ["reload"]),
        ({"name": "web", "state": "restarted"}, ["start"]),
        ({"name": "web", "state": "reloaded"}, ["start"]),
        ({"name": "web", "masked": True}, ["mask"]),
        ({"name": "web", "masked": False}, []),
    ],
)
def test_systemctl_is_told_what_is_needed(args: dict[str, Any], asked: list[str], systemd: Systemd) -> None:
    result = systemd.service(**args)

    assert not result.failed
    assert systemd.asked() == asked
    assert result.changed is bool(asked)


def test_check_mode_says_so_and_acts_not(systemd: Systemd) -> None:
    before = {name: systemd.read()[name] for name in ("web", "db")}

    assert systemd.service(name="web", state="started", enabled=True, daemon_reload=True, check=True).changed
    assert systemd.service(name="db", state="restarted", check=True).changed
    assert {name: systemd.read()[name] for name in ("web", "db")} == before
    assert systemd.asked() == []


@pytest.mark.parametrize("dies", ["failed", "inactive", "activating"])
def test_a_unit_that_falls_over_is_a_failure_with_its_last_words(dies: str, systemd: Systemd) -> None:
    systemd.has(
        web={"active": "inactive", "boot": "disabled", "dies": dies, "journal": "cannot bind port 80"}
    )

    result = systemd.service(name="web", state="started")

    assert result.failed
    assert f"is {dies}" in result.msg
    assert "cannot bind port 80" in result.msg


def test_a_oneshot_that_did_its_work_is_no_failure(systemd: Systemd) -> None:
    systemd.has(web={"active": "inactive", "boot": "disabled", "dies": "inactive", "type": "oneshot"})

    assert not systemd.service(name="web", state="started").failed


def test_without_waiting_nothing_is_proven(systemd: Systemd) -> None:
    systemd.has(web={"active": "inactive", "boot": "disabled", "dies": "activating"})

    assert not systemd.service(name="web", state="started", no_block=True).failed


@pytest.mark.parametrize("args", [{"state": "stopped"}, {"enabled": False}, {"masked": True}])
def test_what_systemctl_did_not_do_is_a_failure(args: dict[str, Any], systemd: Systemd) -> None:
    systemd.has(db={"active": "active", "boot": "enabled", "stubborn": True})

    assert systemd.service(name="db", **args).failed


def test_a_refusal_is_a_failure_with_systemctls_words(systemd: Systemd) -> None:
    systemd.has(web={"active": "inactive", "boot": "disabled", "refuses": "start"})

    result = systemd.service(name="web", state="started")

    assert result.failed
    assert "Access denied" in result.msg


def test_a_unit_that_is_not_there_is_a_failure_but_not_in_check_mode(systemd: Systemd) -> None:
    assert "install what brings it" in systemd.service(name="none", state="started").msg
    assert systemd.service(name="none", state="started", check=True).changed


def test_a_unit_file_that_cannot_be_loaded_is_a_failure(systemd: Systemd) -> None:
    systemd.has(web={"active": "inactive", "boot": "bad", "load": "bad-setting", "error": "Bad line 3"})

    assert "Bad line 3" in systemd.service(name="web", state="started").msg


def test_a_reload_of_unit_files_needs_no_unit(systemd: Systemd) -> None:
    assert not systemd.service(daemon_reload=True).changed
    assert systemd.read()["log"] == [["daemon-reload"]]


def test_a_host_without_systemd_is_a_failure_that_says_so(tmp_path: Path) -> None:
    result = run_module("systemd", {"name": "x", "state": "started"}, environment={"PATH": str(tmp_path)})

    assert result.failed
    assert "systemctl" in result.msg


@pytest.mark.parametrize(
    "args", [{}, {"name": "web"}, {"state": "started"}, {"name": "w*", "state": "started"}]
)
def test_no_aim_and_no_unit_are_refused(args: dict[str, Any], systemd: Systemd) -> None:
    with pytest.raises(ArgumentError):
        systemd.service(**args)


@pytest.mark.parametrize(
    ("wish", "active", "boot", "found"),
    [
        (Wish("started"), "activating", "", []),
        (Wish("stopped"), "deactivating", "", ["stop"]),
        (Wish("stopped"), "failed", "", []),
        (Wish("started"), "failed", "", ["start"]),
        (Wish(enabled=True), "inactive", "static", []),
        (Wish(enabled=True), "inactive", "enabled-runtime", ["enable"]),
        (Wish(enabled=False), "inactive", "static", []),
        (Wish("started", enabled=True, masked=False), "inactive", "masked", ["unmask", "enable", "start"]),
    ],
)
def test_the_verbs_follow_from_the_state(wish: Wish, active: str, boot: str, found: list[str]) -> None:
    assert verbs(wish, Unit({"ActiveState": active}, boot)) == found


def test_what_is_as_wished_is_not_wrong() -> None:
    assert still_wrong(Wish("started", enabled=True), Unit({"ActiveState": "active"}, "alias")) == ""
