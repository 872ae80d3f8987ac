"""The journal: a job starts once, is followed from any event, and goes on after whatever ended its runner."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote import journal
from edgectl.remote.protocol import Busy, Ended, Hello, Refused, TaskStarted
from tests.fakes.fleet import a_job, a_task
from tests.remote.bundled import BundledHost, end_of, is_root, shell


@pytest.fixture
def host(tmp_path: Path) -> BundledHost:
    return BundledHost(tmp_path)


ONCE = shell(1, "echo x >> count")


def _count(host: BundledHost) -> int:
    return len((host.folder / "count").read_text().splitlines())


def test_a_job_started_twice_runs_once_and_is_told_the_same_again(host: BundledHost) -> None:
    first, second = host.run(a_job([ONCE])), host.run(a_job([ONCE]))

    assert _count(host) == 1
    assert first.messages[1:] == second.messages[1:]
    assert [first.of(Hello)[0].resumed, second.of(Hello)[0].resumed] == [False, True]


def test_a_job_started_by_many_at_the_same_time_runs_once(host: BundledHost) -> None:
    job = a_job([shell(1, "echo x >> count; sleep 0.3")])
    visits = [end_of(process) for process in [host.start(job) for _ in range(5)]]

    assert _count(host) == 1
    assert [visit.end.status for visit in visits] == ["changed"] * 5


@pytest.mark.parametrize("after", range(5))
def test_an_attach_tells_what_came_after_the_last_event_heard(host: BundledHost, after: int) -> None:
    job = a_job([ONCE, a_task(2)])
    assert host.run(job).seqs == [1, 2, 3, 4, 5]

    assert host.run(job, after=after).seqs == list(range(after + 1, 6))


def test_stages_of_one_run_are_jobs_of_their_own(host: BundledHost) -> None:
    for stage in (0, 1):
        assert not host.run(a_job([ONCE], stage=stage)).of(Hello)[0].resumed

    assert _count(host) == 2


def test_another_job_under_the_same_id_is_refused(host: BundledHost) -> None:
    host.run(a_job([ONCE]))
    (refused,) = host.run(a_job([shell(1, "touch other")])).of(Refused)

    assert "was started here with another job" in refused.reason
    assert not (host.folder / "other").exists()


def test_secrets_and_the_asker_do_not_make_another_job(host: BundledHost) -> None:
    host.run(a_job([ONCE], secrets={"pw": "old"}, started_by="me"))

    assert host.run(a_job([ONCE], secrets={"pw": "new"}, started_by="you")).end.status == "changed"


def test_work_goes_on_when_the_line_breaks(host: BundledHost) -> None:
    job = a_job([shell(1, "touch started; sleep 1; echo x >> count"), shell(2, "touch done")])
    process = host.start(job)
    host.wait_for(host.folder / "started")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    host.wait_for(host.folder / "done")

    assert host.run(job).end.status == "changed"
    assert _count(host) == 1
    process.wait(30)


def test_a_live_job_is_followed_and_not_disturbed(host: BundledHost) -> None:
    job = a_job([shell(1, "touch started; sleep 1.2; echo x >> count"), a_task(2)])
    process = host.start(job)
    host.wait_for(host.folder / "started")
    follower = host.run(job, after=1)
    first = end_of(process)

    assert follower.seqs == [2, 3, 4, 5]
    assert first.seqs == [1, 2, 3, 4, 5]
    assert _count(host) == 1


def test_a_follower_of_a_long_task_gives_signs_of_life(host: BundledHost) -> None:
    job = a_job([shell(1, "touch started; sleep 6")])
    process = host.start(job)
    host.wait_for(host.folder / "started")
    follower = host.run(job)

    assert "Heartbeat" in {type(message).__name__ for message in follower.messages}
    end_of(process)


def _killed_in_the_middle(host: BundledHost, job: Any) -> None:
    """Kill the runner and its task, as an out-of-memory killer or a power cut would."""
    process = host.start(job)
    host.wait_for(host.folder / "started")
    runner = int(subprocess.check_output(["pgrep", "-f", "-P", str(process.pid), "."], text=True).split()[0])
    victims: set[int] = set()
    while found := {runner, *_descendants(runner)} - victims:  # one that is stopped forks no more
        for pid in found:
            os.kill(pid, signal.SIGSTOP)
        victims |= found
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    end_of(process)


def _descendants(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [each for child in map(int, found.split()) for each in (child, *_descendants(child))]


def test_a_killed_runner_is_continued_without_repeating_what_is_done(host: BundledHost) -> None:
    middle = a_task(2, "wait_for", {"path": str(host.folder / "go"), "timeout": 30})
    job = a_job([ONCE, shell(3, "touch started", check=False), middle, shell(4, "touch after")])
    _killed_in_the_middle(host, job)
    (host.folder / "go").touch()
    visit = host.run(job)

    assert visit.end.status == "changed"
    assert _count(host) == 1
    assert (host.folder / "after").exists()
    assert visit.seqs == sorted(set(visit.seqs))


def test_a_command_that_was_cut_off_is_not_repeated_and_its_host_is_unknown(host: BundledHost) -> None:
    job = a_job([shell(1, "echo x >> count; touch started; sleep 60", "migrate"), shell(2, "touch after")])
    _killed_in_the_middle(host, job)
    visit = host.run(job)

    assert (visit.end.status, visit.end.failed_task) == ("unknown", "migrate")
    assert "it may have happened" in visit.end.reason
    assert _count(host) == 1
    assert not (host.folder / "after").exists()
    assert host.run(job).end == visit.end


def test_a_command_in_check_mode_may_be_begun_again(host: BundledHost) -> None:
    task = a_task(1, "wait_for", {"path": str(host.folder / "go"), "timeout": 30})
    job = a_job([shell(2, "touch started"), task])
    _killed_in_the_middle(host, job)
    (host.folder / "go").touch()

    assert host.run(job).end.status == "changed"


def test_a_registered_result_survives_its_runner(host: BundledHost) -> None:
    waiting = a_task(3, "wait_for", {"path": str(host.folder / "go"), "timeout": 30})
    tasks = [
        shell(1, "echo one", register="said"),
        a_task(2, "set_fact", {"kept": "{{ said.stdout }}"}),
        shell(9, "touch started"),
        waiting,
        a_task(4, "debug", {"msg": "{{ kept }} {{ said.stdout_lines }}"}),
    ]
    job = a_job(tasks, needs=["jinja2"])
    _killed_in_the_middle(host, job)
    (host.folder / "go").touch()

    assert host.run(job).results["task 4"]["msg"] == "one ['one']"


def test_a_line_cut_short_by_a_power_loss_is_dropped(host: BundledHost) -> None:
    job = a_job([ONCE, shell(2, "touch after")])
    host.run(job)
    path = host.journal(job)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:20])
    visit = host.run(job)

    assert visit.end.status == "changed"
    assert _count(host) == 1
    assert [json.loads(line)["seq"] for line in path.read_text().splitlines()] == list(range(6))


@pytest.mark.parametrize("damage", [b"", b"\0\0\0\n", b'{"seq": 0}\n'])
def test_a_damaged_journal_is_refused_and_nothing_runs(host: BundledHost, damage: bytes) -> None:
    job = a_job([ONCE])
    host.run(job)
    host.journal(job).write_bytes(damage)
    visit = host.run(job)

    assert len(visit.of(Refused)) == 1
    assert _count(host) == 1


def test_reading_a_journal_does_not_cut_what_its_runner_is_writing(host: BundledHost) -> None:
    """An attach reads while the runner appends; only the one that holds the job may drop half a line."""
    job = a_job([ONCE])
    host.run(job)
    path = host.journal(job)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + b'{"half')
    with (path.parent / "live").open() as live:
        fcntl.flock(live, fcntl.LOCK_EX)
        process = host.start(job)
        time.sleep(1.0)
        with path.open("ab") as ended:
            ended.write(b'":1}\n')
        process.kill()
        end_of(process)

    assert path.read_bytes() == b"".join(lines[:2]) + b'{"half":1}\n'


def test_a_journal_that_cannot_be_made_is_a_refusal_and_nothing_is_changed(host: BundledHost) -> None:
    (host.folder / "var").write_text("in the way")
    visit = host.run(a_job([ONCE]))

    assert "nothing was changed" in visit.of(Refused)[0].reason
    assert not (host.folder / "count").exists()


def test_a_journal_that_fills_up_stops_the_job_and_does_not_call_it_unchanged(host: BundledHost) -> None:
    if not is_root():
        pytest.skip("needs a small file system to fill: run as root")
    host.shell = str(host.folder / "small_disk")
    state = host.folder / "var/lib/edgectl"
    state.mkdir(parents=True)
    mount = f"mount -t tmpfs -o size=16k tmpfs {state}"
    Path(host.shell).write_text(
        f'#!/bin/sh\nexec unshare -m /bin/sh -c \'{mount}; exec /bin/sh "$@"\' sh "$@"\n'
    )
    Path(host.shell).chmod(0o755)
    talk = "head -c 3000 /dev/zero | tr '\\0' x"
    visit = host.run(a_job([ONCE, *[shell(number, talk) for number in range(2, 9)]]))

    assert visit.end.status == "failed", visit
    assert "the journal cannot be written: No space left on device" in visit.end.reason
    assert visit.end.failed_task
    assert not visit.of(Refused)


def test_two_runs_never_change_one_host_at_the_same_time(host: BundledHost) -> None:
    first = a_job([shell(1, "touch started; sleep 2", "slowly")], run="R1", started_by="ci from build-7")
    process = host.start(first)
    host.wait_for(host.folder / "started")
    second = a_job([ONCE], run="R2")
    (busy,) = host.run(second).of(Busy)

    assert (busy.holder["run"], busy.holder["by"], busy.holder["task"]) == ("R1", "ci from build-7", "slowly")
    assert 0 <= busy.holder["held_s"] < 30
    assert not (host.folder / "count").exists()
    assert end_of(process).end.status == "changed"
    assert host.run(second).end.status == "changed"
    assert _count(host) == 1


def test_nothing_of_the_journal_is_for_others_to_read(host: BundledHost) -> None:
    job = a_job([ONCE])
    host.run(job)

    assert host.journal(job).stat().st_mode & 0o777 == 0o600
    assert host.journal(job).parent.stat().st_mode & 0o777 == 0o700


def test_a_start_that_was_cut_off_leaves_no_job_behind(tmp_path: Path) -> None:
    folder = str(tmp_path / "runs" / "R1")
    (tmp_path / "runs" / "R1.dead.new").mkdir(parents=True)

    made = journal.create(folder, {"digest": "d"})

    assert made is not None
    assert journal.head(list(journal.lines(folder)))["digest"] == "d"
    assert journal.create(folder, {"digest": "d"}) is None


def test_an_unknown_event_is_told_as_damage() -> None:
    with pytest.raises(ValueError, match="not a message"):
        journal.events(['{"seq": 0}', '{"type": "Nonsense"}'])


def test_only_an_end_finishes_a_job() -> None:
    assert not journal.is_finished([TaskStarted(1, "t", 1)])
    assert journal.is_finished([TaskStarted(1, "t", 1), Ended("ok", seq=2)])
