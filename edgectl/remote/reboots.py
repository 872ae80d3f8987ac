"""A reboot in the middle of a job: journaled, then done, and the job goes on under the next boot."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Optional

from edgectl.remote.beats import wait
from edgectl.remote.emit import Emitter
from edgectl.remote.proc import Proc
from edgectl.remote.protocol import Message, Rebooting

Result = Dict[str, Any]

# systemd gives services 90 s to stop before it kills them (DefaultTimeoutStopSec).
_GOING_DOWN_S = 150.0
_TEST_INTERVAL_S = 2.0
# One try of the test command may take so long, even where the reboot itself took all the time there was.
_TEST_S = 10.0


class HostIsGoingDown(Exception):  # noqa: N818 - not an error: the job goes on after the boot
    """The host was told to reboot and has not gone down yet; the controller will come again."""


class Reboots:
    """The reboots of one job, those of earlier boots included."""

    def __init__(
        self, emitter: Emitter, past: List[Message], boot_id: str, on_beat: Callable[[], None]
    ) -> None:
        self._emitter = emitter
        self._on_beat = on_beat
        self._boot_id = boot_id
        self._announced = {message.number: message for message in past if isinstance(message, Rebooting)}

    def go_down(self, number: int, wanted: Result) -> Result:
        """Journal that the host goes down, and tell it to; returns only where that did not work."""
        announced = Rebooting(
            number=number,
            boot_id=self._boot_id,
            at=time.time(),
            timeout_s=float(wanted["reboot_timeout"]),
            pause_s=float(wanted["post_reboot_delay"]),
            test_command=wanted["test_command"],
        )
        self._emitter.emit(announced, durable=True)
        time.sleep(float(wanted["pre_reboot_delay"]))
        done = Proc({}).run(wanted["reboot_command"])
        if done.rc != 0:
            said = (done.stderr or done.stdout).strip()
            return _failed(f"{wanted['reboot_command'][0]} ended with {done.rc}: {said}")
        time.sleep(_GOING_DOWN_S)
        return _failed(f"the host did not go down within {_GOING_DOWN_S:g} s")

    def come_back(self, number: int) -> Optional[Result]:
        """Return the result of a reboot that happened, or None where this task announced none."""
        before = self._announced.pop(number, None)
        if before is None:
            return None
        deadline = before.at + before.timeout_s
        if before.boot_id == self._boot_id:
            if time.time() < deadline:
                raise HostIsGoingDown
            return _failed("the host did not go down when told to reboot")
        wait(before.pause_s, self._on_beat)
        if before.test_command is not None and not self._succeeds(before.test_command, deadline):
            return _failed(f"{' '.join(before.test_command)} did not succeed after the reboot")
        return {"changed": True, "failed": False, "rebooted": True, "elapsed": round(time.time() - before.at)}

    def _succeeds(self, command: List[str], deadline: float) -> bool:
        """Run a command until it succeeds or time is up."""
        while Proc({}).run(command, timeout_s=max(_TEST_S, deadline - time.time())).rc != 0:
            if time.time() > deadline:
                return False
            wait(_TEST_INTERVAL_S, self._on_beat)
        return True


def _failed(msg: str) -> Result:
    return {"failed": True, "changed": False, "msg": msg}
