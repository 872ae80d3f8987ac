"""A host's clock may be wrong until it has the network: what was written before a boot may be decades old, or to come.

The wrong clock is that of the boot before, as its journal has it: the clock of this machine is nobody's to turn.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from edgectl.remote.job import Job
from tests.fakes.fleet import a_job, a_task
from tests.faults.pipehost import kill, processes_of
from tests.remote.bundled import BundledHost, end_of, shell

_DECADES_S = 40 * 365 * 86_400.0


def _rebooted(host: BundledHost, test_command: str, jump_s: float) -> Job:
    """Return a job whose host was told to reboot, lost its processes and has booted with another clock."""
    reboot = {"reboot_command": "true", "test_command": test_command, "reboot_timeout": 3}
    job = a_job([a_task(1, "reboot", reboot), shell(2, f"echo 2 >> {host.folder}/counter")])
    process, journal = host.start(job), host.journal(job)
    while not journal.exists() or "Rebooting" not in journal.read_text():
        assert process.poll() is None
        time.sleep(0.02)
    kill(processes_of(host.folder))
    end_of(process)
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for line in lines:
        line["at"] += jump_s
        line.update({"boot_id": "the boot before"} if "boot_id" in line else {})
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return job


@pytest.mark.parametrize("jump_s", [-_DECADES_S, 3600.0, _DECADES_S])
def test_a_reboot_across_a_clock_jump_is_a_reboot(tmp_path: Path, jump_s: float) -> None:
    host = BundledHost(tmp_path)
    visit = host.run(_rebooted(host, "true", jump_s))
    assert visit.end.status == "changed", visit.end
    assert (tmp_path / "counter").read_text() == "2\n"


@pytest.mark.parametrize("jump_s", [-_DECADES_S, 3600.0, _DECADES_S])
def test_a_test_command_is_waited_for_as_long_as_it_was_said_whatever_the_clock(
    tmp_path: Path, jump_s: float
) -> None:
    host = BundledHost(tmp_path)
    visit = host.run(_rebooted(host, "false", jump_s))
    assert "did not succeed after the reboot" in visit.end.reason
    assert not (tmp_path / "counter").exists()
