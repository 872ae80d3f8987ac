"""When a host counts as back: under another boot, steadily, and not after the fourth try."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from edgectl.remote.emit import Emitter, Line
from edgectl.remote.protocol import Booted, Message, Rebooting, TaskStarted
from edgectl.remote.reboots import AroundReboot, HostIsGoingDown, Reboots


def _silent() -> Emitter:
    return Emitter(Line(os.open(os.devnull, os.O_WRONLY), ""), None, {})


def _announced(at: float, timeout_s: float = 600.0, command: list[str] | None = None) -> list[Message]:
    return [TaskStarted(1, "reboot", 1, at), Rebooting(1, "boot-a", timeout_s, 0.0, command, 2, at)]


def _reboots(past: list[Message], boot: str = "boot-b", told: list[str] | None = None) -> Reboots:
    around = AroundReboot(after=lambda: told.append("back") if told is not None else None)
    return Reboots(_silent(), past, boot, lambda _idle_s: None, around)


def test_another_boot_means_that_it_is_back() -> None:
    told: list[str] = []
    result = _reboots(_announced(time.time() - 40), told=told).come_back(1)

    assert result is not None
    assert (result["changed"], result["rebooted"]) == (True, True)
    assert 39 <= result["elapsed"] <= 45
    assert told == ["back"]


def test_the_same_boot_means_that_it_has_not_gone_down_yet() -> None:
    with pytest.raises(HostIsGoingDown):
        _reboots(_announced(time.time()), boot="boot-a").come_back(1)


def test_the_same_boot_long_after_means_that_it_never_did() -> None:
    result = _reboots(_announced(time.time() - 700), boot="boot-a").come_back(1)

    assert result is not None
    assert (result["failed"], result["msg"]) == (True, "the host did not go down when told to reboot")


def test_a_task_that_announced_nothing_has_nothing_to_come_back_from() -> None:
    assert _reboots([]).come_back(1) is None


def test_a_host_that_boots_again_and_again_has_failed() -> None:
    past = [*_announced(time.time()), *(Booted(f"boot-{n}", seq=3 + n) for n in range(3))]
    result = _reboots(past).come_back(1)

    assert result is not None
    assert result["msg"] == "the host flaps: it has booted 4 times since it was told to reboot"


def test_one_good_answer_is_not_enough(tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", f"echo x >> {tmp_path}/asked; ! grep -c . {tmp_path}/asked | grep -qx 2"]
    result = _reboots(_announced(time.time(), command=command)).come_back(1)

    assert result is not None
    assert result["rebooted"] is True
    # good, bad, good, good, good
    assert (tmp_path / "asked").read_text().count("x") == 5


def test_a_host_that_never_answers_well_has_failed() -> None:
    result = _reboots(_announced(time.time() - 10, timeout_s=11, command=["false"])).come_back(1)

    assert result is not None
    assert result["failed"]
    assert "did not succeed after the reboot" in result["msg"]


@pytest.mark.parametrize(
    ("command", "said"),
    [(["sleep", "60"], "sleep ended with 124"), (["true"], "the host did not go down within 0.5 s")],
)
def test_a_host_that_does_not_go_down_is_given_up_when_its_time_is_over(
    command: list[str], said: str
) -> None:
    wanted = {"reboot_command": command, "reboot_timeout": 0.5, "test_command": None}
    told: list[str] = []
    result = _reboots([], told=told).go_down(1, {**wanted, "pre_reboot_delay": 0, "post_reboot_delay": 0})

    assert (result["failed"], said in result["msg"], told) == (True, True, ["back"]), result
