"""A reboot in the middle of a job: journaled, then done, and the job goes on under the next boot."""

from __future__ import annotations

import time

from edgectl.remote.beats import wait
from edgectl.remote.emit import Emitter
from edgectl.remote.lean import Any, Callable, Dict, List, NamedTuple, Optional
from edgectl.remote.proc import Proc
from edgectl.remote.protocol import Booted, Message, Rebooting

Result = Dict[str, Any]

# systemd gives services 90 s to stop before it kills them (DefaultTimeoutStopSec).
_GOING_DOWN_S = 150.0
_TEST_INTERVAL_S = 1.0
# A host that is up for a moment is not back yet.
_GOOD_ANSWERS = 3
_MOST_BOOTS = 3
# One try of the test command may take so long, even where the reboot itself took all the time there was.
_TEST_S = 10.0


class HostIsGoingDown(Exception):  # noqa: N818 - not an error: the job goes on after the boot
    """The host was told to reboot and has not gone down yet; the controller will come again."""


class AroundReboot(NamedTuple):
    """What must be true of the host while it reboots for this job: that it is kept for it, and goes on with it.

    `before` is told how many seconds the host may take.
    """

    before: Callable[[float], None] = lambda _within_s: None
    after: Callable[[], None] = lambda: None


class Reboots:
    """The reboots of one job, those of earlier boots included."""

    def __init__(
        self,
        emitter: Emitter,
        past: List[Message],
        boot_id: str,
        on_beat: Callable[[float], None],
        around: AroundReboot,
    ) -> None:
        self._around = around
        self._emitter = emitter
        self._on_beat = on_beat
        self._boot_id = boot_id
        self._announced = {message.number: message for message in past if isinstance(message, Rebooting)}
        self._boots = _boots_since_the_last_reboot(past)

    def go_down(self, number: int, wanted: Result) -> Result:
        """Journal that the host goes down, and tell it to; returns only where that did not work."""
        announced = Rebooting(
            number=number,
            boot_id=self._boot_id,
            timeout_s=float(wanted["reboot_timeout"]),
            pause_s=float(wanted["post_reboot_delay"]),
            test_command=wanted["test_command"],
        )
        try:
            self._around.before(announced.timeout_s + announced.pause_s)
        except OSError as error:
            return _failed(f"not rebooted, since the job could not go on after it: {error}")
        self._emitter.emit(announced, durable=True)
        time.sleep(float(wanted["pre_reboot_delay"]))
        until = time.monotonic() + min(_GOING_DOWN_S, announced.timeout_s)
        done = Proc({}).run(wanted["reboot_command"], timeout_s=until - time.monotonic())
        if done.rc != 0:
            self._around.after()
            said = (done.stderr or done.stdout).strip()
            return _failed(f"{wanted['reboot_command'][0]} ended with {done.rc}: {said}")
        time.sleep(max(0.0, until - time.monotonic()))
        self._around.after()
        return _failed(f"the host did not go down within {min(_GOING_DOWN_S, announced.timeout_s):g} s")

    def come_back(self, number: int) -> Optional[Result]:
        """Return the result of a reboot that happened, or None where this task announced none."""
        before = self._announced.pop(number, None)
        if before is None:
            return None
        if before.boot_id == self._boot_id:
            if time.time() < before.at + before.timeout_s:
                raise HostIsGoingDown
            self._around.after()
            return _failed("the host did not go down when told to reboot")
        self._around.after()
        if self._boots >= _MOST_BOOTS:
            return _failed(
                f"the host flaps: it has booted {self._boots + 1} times since it was told to reboot"
            )
        wait(before.pause_s, self._on_beat)
        if before.test_command is not None and not self._succeeds(before.test_command, before.timeout_s):
            return _failed(f"{' '.join(before.test_command)} did not succeed after the reboot")
        return {"changed": True, "failed": False, "rebooted": True, "elapsed": round(time.time() - before.at)}

    def _succeeds(self, command: List[str], timeout_s: float) -> bool:
        """Run a command until it has succeeded several times in a row, or time is up.

        The time counts from now, as Ansible's does: a host without a clock of its own may have booted decades ago.
        """
        deadline = time.monotonic() + timeout_s
        good = 0
        while good < _GOOD_ANSWERS:
            done = Proc({}).run(command, timeout_s=max(_TEST_S, deadline - time.monotonic()))
            good = good + 1 if done.rc == 0 else 0
            if good < _GOOD_ANSWERS:
                if time.monotonic() > deadline:
                    return False
                wait(_TEST_INTERVAL_S, self._on_beat)
        return True


def _boots_since_the_last_reboot(past: List[Message]) -> int:
    boots = 0
    for message in past:
        if isinstance(message, Rebooting):
            boots = 0
        elif isinstance(message, Booted):
            boots += 1
    return boots


def _failed(msg: str) -> Result:
    return {"failed": True, "changed": False, "msg": msg}
