"""`confirm:`: a change stays only if a fresh login comes through after it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote import undo
from edgectl.remote.errands import Cancel
from edgectl.remote.job import CONFIRMING, Job, Play
from edgectl.remote.protocol import ConfirmWanted
from tests.fakes.fleet import a_job, a_task
from tests.remote.bundled import BundledHost, Visit, end_of, shell

OLD, NEW = "Port 22\n", "Port 2222\n"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BundledHost]:
    host = BundledHost(tmp_path)
    (tmp_path / "sshd_config").write_text(OLD)
    (tmp_path / "sshd_config").chmod(0o640)
    yield host
    subprocess.run(["pkill", "-f", f"{tmp_path}/var/lib/edgectl"], check=False)


def _job(host: BundledHost, within_s: float, handler: str = "echo restarted >> effects", **more: Any) -> Job:
    change = a_task(
        1,
        "copy",
        {"content": NEW, "dest": str(host.folder / "sshd_config")},
        "change",
        notify=["restart"],
        confirm_s=within_s,
        undo=f"echo undone >> {host.folder}/effects",
        **more,
    )
    job = a_job([change, shell(2, "touch after", "after")], needs=[CONFIRMING])
    play = job.plays[0]
    return Job(**{**vars(job), "plays": [Play(play.name, {}, play.tasks, [shell(3, handler, "restart")])]})


def _config(host: BundledHost) -> str:
    return (host.folder / "sshd_config").read_text()


def _effects(host: BundledHost) -> list[str]:
    path = host.folder / "effects"
    return path.read_text().split() if path.exists() else []


def _until_asked(host: BundledHost, job: Job) -> subprocess.Popen[bytes]:
    process = host.start(job)
    give_up = time.monotonic() + 20
    while not host.journal(job).exists() or "ConfirmWanted" not in host.journal(job).read_text():
        assert time.monotonic() < give_up
        time.sleep(0.02)
    return process


def _confirmed(host: BundledHost, job: Job, number: int = 1) -> Visit:
    return end_of(host.start(job, confirms=number))


def test_a_change_that_a_fresh_login_confirms_stays(host: BundledHost) -> None:
    job = _job(host, 30)
    first = _until_asked(host, job)
    visit = _confirmed(host, job)
    end_of(first)

    assert (visit.end.status, visit.results["change"]["confirmed"]) == ("changed", True)
    assert _config(host) == NEW
    assert _effects(host) == ["restarted"]
    assert (host.folder / "after").exists()


def test_its_handlers_take_effect_before_it_is_confirmed_and_only_once(host: BundledHost) -> None:
    job = _job(host, 30)
    first = _until_asked(host, job)
    assert _effects(host) == ["restarted"]
    _confirmed(host, job)
    names = list(end_of(first).statuses)

    assert names == ["restart", "change", "after"]
    assert _effects(host) == ["restarted"]


def test_a_change_that_nobody_confirms_is_taken_back_and_has_failed(host: BundledHost) -> None:
    visit = host.run(_job(host, 0.5))

    assert (visit.end.status, visit.end.failed_task) == ("failed", "change")
    assert "no fresh login came through within 0.5 s; the change was taken back" in visit.end.reason
    assert len(visit.of(ConfirmWanted)) == 1
    assert _config(host) == OLD
    assert oct((host.folder / "sshd_config").stat().st_mode)[-3:] == "640"
    assert _effects(host) == ["restarted", "undone"]
    assert not (host.folder / "after").exists()


def test_an_attach_on_the_old_way_in_confirms_nothing(host: BundledHost) -> None:
    job = _job(host, 1.5)
    first = _until_asked(host, job)

    assert host.run(job).end.status == "failed"
    end_of(first)
    assert _config(host) == OLD


def test_a_login_that_comes_too_late_confirms_nothing(host: BundledHost) -> None:
    job = _job(host, 0.5)
    end = host.run(job).end

    assert _confirmed(host, job).end == end
    assert _config(host) == OLD


def test_a_file_that_was_not_there_is_gone_again(host: BundledHost) -> None:
    (host.folder / "sshd_config").unlink()
    host.run(_job(host, 0.3))

    assert not (host.folder / "sshd_config").exists()


def test_nothing_is_asked_where_nothing_changed(host: BundledHost) -> None:
    (host.folder / "sshd_config").write_text(NEW)
    visit = host.run(_job(host, 30))

    assert visit.end.status == "changed"  # the task after it
    assert visit.statuses == {"change": "ok", "after": "changed"}
    assert not visit.of(ConfirmWanted)


def test_a_handler_that_fails_takes_the_change_back_at_once(host: BundledHost) -> None:
    visit = host.run(_job(host, 30, handler="echo no such unit >&2; exit 5"))

    assert (visit.end.status, visit.end.failed_task) == ("failed", "change")
    assert "handler 'restart'" in visit.end.reason
    assert _config(host) == OLD


def test_what_cannot_be_taken_back_is_not_begun(host: BundledHost) -> None:
    task = a_task(1, "file", {"path": str(host.folder), "mode": "0755"}, "folder", confirm_s=30.0)
    visit = host.run(a_job([task], needs=[CONFIRMING]))

    assert "not begun, since it could not be taken back" in visit.end.reason


@pytest.mark.parametrize("end", ["kill", "cancel"])
def test_the_timer_outlives_the_runner(host: BundledHost, end: str) -> None:
    job = _job(host, 1.5)
    first = _until_asked(host, job)
    if end == "kill":
        live = (host.journal(job).parent / "live").read_text().split()[0]
        subprocess.run(["pkill", "-KILL", "-s", live], check=True)
    else:
        host.run(Cancel("R1", "alice"))
    end_of(first)
    assert _config(host) == NEW
    host.wait_for(host.journal(job).parent / "undo-1/undone")

    assert _config(host) == OLD
    assert host.run(job).end.status == "failed"


def test_a_runner_killed_before_it_could_ask_is_continued_by_taking_the_change_back(
    host: BundledHost,
) -> None:
    job = _job(host, 30, handler="touch handling; sleep 60")
    first = host.start(job)
    host.wait_for(host.folder / "handling")
    live = (host.journal(job).parent / "live").read_text().split()[0]
    subprocess.run(["pkill", "-KILL", "-s", live], check=True)
    end_of(first)
    visit = host.run(job)

    assert (visit.end.status, visit.end.failed_task) == ("failed", "change")
    assert "taken back" in visit.end.reason
    assert _config(host) == OLD


def test_a_check_asks_for_nothing(host: BundledHost) -> None:
    visit = host.run(_job(host, 30, check=True))

    assert visit.statuses["change"] == "changed"
    assert not visit.of(ConfirmWanted)
    assert _config(host) == OLD


def test_taking_back_that_hangs_is_cut_off_and_nobody_says_it_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo, "NOW_S", 0.3)
    taking = undo.Undo(str(tmp_path), 1)
    taking.prepare([], "sleep 61")

    assert "did not end within 0.3 s and was cut off" in taking.now()
    assert subprocess.run(["pgrep", "-f", "^sleep 61$"], check=False).returncode == 1
