"""What a job keeps true at its host when its session, its runner or its controller go away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from edgectl.remote import journal, retention
from edgectl.remote.context import HostPaths, host_paths
from edgectl.remote.errands import Attach, Cancel
from edgectl.remote.job import Job, Task
from edgectl.remote.protocol import Abandoned, Absent, Ended, Refused, TaskEnded, TaskStarted, encode_message
from tests.fakes.fleet import a_job, a_task
from tests.remote.bundled import BundledHost, end_of, is_root, shell


@pytest.fixture
def host(tmp_path: Path) -> BundledHost:
    return BundledHost(tmp_path)


@pytest.fixture
def paths(tmp_path: Path) -> HostPaths:
    return host_paths({"EDGECTL_HOST_ROOT": str(tmp_path)}, os.geteuid())


def _runner(host: BundledHost, run: str = "R1") -> int:
    return int((host.folder / "var/lib/edgectl/runs" / run / "live").read_text().split()[0])


def _kill_runner_and_tasks(host: BundledHost) -> None:
    """Kill all of a job at once, as a power cut would."""
    subprocess.run(["pkill", "-KILL", "-s", str(_runner(host))], check=True)


# --- apart from the session


def test_the_runner_outlives_the_whole_session_it_came_on(host: BundledHost) -> None:
    job = a_job([shell(1, "touch started; sleep 1; echo x >> count"), shell(2, "touch done")])
    process = host.start(job)
    host.wait_for(host.folder / "started")
    _kill_session_of(process)
    host.wait_for(host.folder / "done")

    assert host.run(Attach("R1")).end.status == "changed"
    assert (host.folder / "count").read_text() == "x\n"


def _kill_session_of(process: subprocess.Popen[bytes]) -> None:
    """Kill the process that stays with the session, and what belongs to it, as logind and sshd do."""
    front = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
    for pid in [*map(int, front.stdout.split()), process.pid]:
        if os.getsid(pid) == os.getsid(process.pid):
            os.kill(pid, signal.SIGKILL)
    process.communicate()


def test_a_job_that_only_reads_stays_with_its_session_and_leaves_nothing(host: BundledHost) -> None:
    host.run(a_job([a_task(1, "ping")], changes=False))

    assert not (host.folder / "var/lib/edgectl").exists()


def test_what_a_crashing_runner_said_reaches_the_controller(host: BundledHost) -> None:
    process = host.start(a_job([shell(1, "touch started; sleep 30")]))
    host.wait_for(host.folder / "started")
    (host.folder / "var/lib/edgectl/runs/R1/runner.log").write_text("MemoryError\n")
    runner = _runner(host)
    os.kill(runner, signal.SIGKILL)

    assert "MemoryError" in end_of(process).noise
    host.run(Cancel("R1", "me"))


# --- attach


def test_an_attach_follows_a_job_without_having_it(host: BundledHost) -> None:
    process = host.start(a_job([shell(1, "touch started; sleep 0.7; echo x >> count")]))
    host.wait_for(host.folder / "started")
    visit = host.run(Attach("R1"), after=1)

    assert (visit.seqs, visit.end.status) == ([2, 3], "changed")
    end_of(process)


def test_an_attach_starts_nothing_and_continues_nothing(host: BundledHost) -> None:
    assert host.run(Attach("R1")).of(Absent)
    assert not (host.folder / "var/lib/edgectl/runs/R1").exists()

    process = host.start(a_job([shell(1, "touch started; sleep 0.2", "migrate"), shell(2, "sleep 30")]))
    host.wait_for(host.folder / "started")
    _kill_runner_and_tasks(host)
    end_of(process)
    visit = host.run(Attach("R1"))

    assert [gone.task for gone in visit.of(Abandoned)] in (["migrate"], ["task 2"])
    assert not visit.of(Ended)
    host.run(Cancel("R1", "me"))


# --- cancel


def test_a_cancel_stops_the_job_and_every_process_it_started(host: BundledHost) -> None:
    left = "nohup setsid sh -c 'echo $$ > daemon; exec sleep 300' >/dev/null 2>&1 &"
    job = a_job([shell(1, left), shell(2, "trap '' TERM; touch started; sleep 300; sleep 300", "stubborn")])
    process = host.start(job)
    host.wait_for(host.folder / "started")
    host.wait_for(host.folder / "daemon")
    visit = host.run(Cancel("R1", "alice"))

    assert (visit.end.status, visit.end.failed_task) == ("failed", "stubborn")
    assert visit.end.reason == "cancelled by alice; it may be half done"
    assert not _lives(int((host.folder / "daemon").read_text()))
    assert not _lives(_runner(host))
    end_of(process)
    assert host.run(job).end == visit.end  # and it stays so


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_job_cancelled_before_it_came_never_starts(host: BundledHost) -> None:
    host.run(Cancel("R1", "alice"))
    visit = host.run(a_job([shell(1, "touch ran")]))

    assert (visit.end.status, visit.end.reason) == ("failed", "cancelled by alice")
    assert not (host.folder / "ran").exists()


def test_a_cancel_leaves_alone_what_has_ended_and_what_it_left_running(host: BundledHost) -> None:
    daemon = "nohup setsid sh -c 'echo $$ > daemon; exec sleep 60' >/dev/null 2>&1 & sleep 0.3"
    done = host.run(a_job([shell(1, daemon)])).end
    pid = int((host.folder / "daemon").read_text())

    assert host.run(Cancel("R1", "alice")).end == done
    assert _lives(pid)
    os.kill(pid, signal.SIGKILL)


# --- secrets


_USES = "echo {{ token.stdout }} | cksum > used"


def _with_secret(host: BundledHost) -> list[Task]:
    return [
        shell(1, "printf '%s' \"$S\"", "read", register="token", environment={"S": "{{ pw }}"}),
        shell(2, "echo x >> count; touch started"),
        a_task(3, "wait_for", {"path": str(host.folder / "go"), "timeout": 30}),
        shell(4, _USES, "use"),
    ]


@pytest.mark.skipif(not is_root(), reason="needs root, for a run folder of its own")
def test_a_killed_and_resumed_job_still_has_what_a_secret_gave_it(host: BundledHost) -> None:
    job = a_job(_with_secret(host), secrets={"pw": "sw0rdf1sh"}, needs=["jinja2"])
    _killed_and_freed(host, job)
    visit = host.run(job)

    assert visit.end.status == "changed"
    wanted = subprocess.run(["cksum"], input="sw0rdf1sh\n", capture_output=True, text=True, check=True).stdout
    assert (host.folder / "used").read_text() == wanted
    assert (host.folder / "count").read_text() == "x\n"
    assert not any("sw0rdf1sh" in line for line in host.journal(job).read_text().splitlines())
    assert not list((host.folder / "run/edgectl/secrets").iterdir())


def test_a_secret_that_went_with_the_boot_is_missed_by_name_and_never_guessed(host: BundledHost) -> None:
    job = a_job(_with_secret(host), secrets={"pw": "sw0rdf1sh"}, needs=["jinja2"])
    _killed_and_freed(host, job)
    for kept in (host.folder / "run/edgectl/secrets").rglob("*.*"):
        kept.unlink()
    visit = host.run(job)

    assert (visit.end.status, visit.end.failed_task) == ("failed", "use")
    assert "'token'" in visit.end.reason
    assert "held a secret" in visit.end.reason
    assert not (host.folder / "used").exists()


def _killed_and_freed(host: BundledHost, job: Job) -> None:
    process = host.start(job)
    host.wait_for(host.folder / "started")
    give_up = time.monotonic() + 20
    while '"TaskStarted","number":3' not in host.journal(job).read_text():
        assert time.monotonic() < give_up
        time.sleep(0.02)
    _kill_runner_and_tasks(host)
    end_of(process)
    (host.folder / "go").touch()


# --- retention


def test_an_old_job_is_forgotten_and_never_starts_again(host: BundledHost, paths: HostPaths) -> None:
    job = a_job([shell(1, "echo x >> count")])
    host.run(job)
    os.utime(host.journal(job).parent, (0, 0))
    retention.prune(paths)
    assert not host.journal(job).exists()
    (refused,) = host.run(job).of(Refused)

    assert "long ago" in refused.reason
    assert (host.folder / "count").read_text() == "x\n"


def test_a_running_job_is_never_forgotten(host: BundledHost, paths: HostPaths) -> None:
    job = a_job([shell(1, "touch started; sleep 1")])
    process = host.start(job)
    host.wait_for(host.folder / "started")
    os.utime(host.journal(job).parent, (0, 0))
    retention.prune(paths)

    assert host.journal(job).exists()
    assert end_of(process).end.status == "changed"


def test_names_of_the_forgotten_do_not_grow_without_bound(paths: HostPaths) -> None:
    Path(paths.state).mkdir(parents=True)
    for first in range(0, 9000, 1000):
        retention.remember(paths, {f"01A{number:06d}" for number in range(first, first + 1000)})

    assert (Path(paths.state) / "tombstones").stat().st_size < 100_000
    assert all(retention.is_pruned(paths, f"01A{number:06d}") for number in range(9000))
    assert not retention.is_pruned(paths, "01A009000")


# --- long output


def test_the_whole_of_a_long_output_stays_at_the_host(host: BundledHost) -> None:
    said = host.run(a_job([shell(1, "seq 100000", "flood")])).results["flood"]["stdout"]
    path = said.split("the whole of it: ")[1].split(" …]")[0]

    assert len(said) < 70_000
    assert Path(path).read_text() == "".join(f"{number}\n" for number in range(1, 100_001))


def test_a_job_with_secrets_keeps_no_output_that_nobody_redacts(host: BundledHost) -> None:
    visit = host.run(a_job([shell(1, "seq 100000", "flood")], secrets={"pw": "sw0rdf1sh"}))

    assert "the whole of it" not in visit.results["flood"]["stdout"]
    assert not (host.folder / "var/lib/edgectl/runs/R1/output").exists()


# --- the journal's own words


def test_every_event_has_its_time_and_its_number(host: BundledHost) -> None:
    began = time.time()
    job = a_job([shell(1, "true"), a_task(2)])
    host.run(job)
    events = [json.loads(line) for line in host.journal(job).read_text().splitlines()]

    assert [event["seq"] for event in events] == list(range(6))
    assert all(began - 1 <= event["at"] <= time.time() for event in events)


def test_a_damaged_head_is_refused(paths: HostPaths, host: BundledHost) -> None:
    folder = journal.folder_of(paths, "R1")
    Path(folder).mkdir(parents=True)
    Path(folder, "journal.jsonl").write_text(encode_message(TaskStarted(1, "x", seq=1)) + "\n")
    (refused,) = host.run(a_job([shell(1, "touch ran")])).of(Refused)

    assert "damaged" in refused.reason
    assert TaskEnded not in {type(message) for message in host.run(a_job([shell(1, "touch ran")])).messages}
