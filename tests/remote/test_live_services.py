"""Which services clients reach at a host: what decides is who runs, and whom the front sends them to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.tasks._haproxy import Record, render
from tests.remote.host import path_with, program, run_module


def _live(folder: Path, *units: str, fronts: dict[str, str] | None = None) -> list[str]:
    services: list[str] = _looked(folder, *units, fronts=fronts)["services"]
    return services


def _looked(folder: Path, *units: str, fronts: dict[str, str] | None = None) -> dict[str, Any]:
    lines = "".join(f"edgectl-{unit}.service loaded active running said\\n" for unit in units)
    program(folder / "bin", "systemctl", f"#!/bin/sh\nprintf '{lines}'\n")
    for service, serving in (fronts or {}).items():
        record = Record("10.0.0.1:8000", [18001, 18002], [], ["/v1/"], serving)
        (folder / f"{service}.haproxy.cfg").write_text(render(record, "/run/x.sock"))
    found = run_module("live_services", {"fronts": str(folder)}, environment=path_with(folder / "bin"))
    return dict(found.values)


def test_an_engine_that_listens_itself_is_live_while_it_runs(tmp_path: Path) -> None:
    assert _live(tmp_path, "chat") == ["chat"]
    assert _live(tmp_path) == []


@pytest.mark.parametrize(("serving", "live"), [("a", ["chat"]), ("b", ["chat"]), ("", [])])
def test_behind_a_front_a_service_is_live_while_the_front_sends_anybody_there(
    tmp_path: Path, serving: str, live: list[str]
) -> None:
    """A drained one is not, though its engine and its front go on."""
    assert _live(tmp_path, "chat-a", "chat-front", "chat-watch", fronts={"chat": serving}) == live


def test_a_name_that_ends_like_a_slot_is_a_name_where_there_is_no_front(tmp_path: Path) -> None:
    assert _live(tmp_path, "plan-b", "chat-b", fronts={"chat": "b"}) == ["chat", "plan-b"]


def test_whom_a_front_stands_before_and_which_units_use_the_gpus_is_said_too(tmp_path: Path) -> None:
    units = ("chat-a", "chat-front", "chat-watch", "rest-b", "rest-front", "plain")
    found = _looked(tmp_path, *units, fronts={"chat": "a", "rest": ""})

    assert found["services"] == ["chat", "plain"]
    assert found["fronts"] == ["chat"]
    assert found["units"] == [f"edgectl-{unit}.service" for unit in ("chat-a", "plain", "rest-b")]


def test_a_systemd_that_does_not_answer_is_a_failure_and_not_an_idle_host(tmp_path: Path) -> None:
    program(tmp_path / "bin", "systemctl", "#!/bin/sh\necho no bus >&2; exit 1\n")
    found = run_module("live_services", {}, environment=path_with(tmp_path / "bin"))

    assert (found.failed, found.msg) == (True, "systemctl does not say what runs: no bus")
