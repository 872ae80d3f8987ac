"""The code that a host was sent stays there: it is asked for once, and again where what is there is not it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from edgectl.remote.bundles import keep
from edgectl.remote.context import host_paths
from edgectl.remote.errands import Errand
from edgectl.remote.protocol import Ended
from edgectl.ssh.bundle import bundle
from edgectl.ssh.bundle_shelf import BundleShelf
from edgectl.ssh.loader import LACKS, command_line, payload
from tests.fakes.fleet import a_job, a_task
from tests.remote.bundled import MAGIC, BundledHost, messages_in

JOB = a_job([a_task()], changes=False)
OTHER = a_job([a_task(module="stat", args={"path": "/"})], changes=False)
NOBODY = 65534
DIGEST = bundle(JOB.modules(), frozenset()).digest


@pytest.fixture
def host(tmp_path: Path) -> BundledHost:
    return BundledHost(tmp_path)


def asks(host: BundledHost, errand: Errand = JOB, user: int | None = None) -> bool:
    """Do an errand as the controller does, and tell whether the host asked for the code."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", command_line(MAGIC, become=False)],
        env=host.login(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        user=user,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    sent = payload(errand, MAGIC, BundleShelf())
    process.stdin.write(sent.opening)
    first = process.stdout.readline()
    asked = first == f"{MAGIC} {LACKS}\n".encode()
    if asked:
        process.stdin.write(sent.code)
    out, _ = process.communicate(timeout=60)
    ended = [message for message in messages_in(out) if isinstance(message, Ended)]
    assert [end.status for end in ended] == ["ok"]
    return asked


def kept(host: BundledHost) -> Path:
    return host.folder / "var/lib/edgectl/runner"


def test_the_code_is_asked_for_once(host: BundledHost) -> None:
    assert [asks(host), asks(host), asks(host, OTHER), asks(host, OTHER), asks(host)] == [
        True,
        False,
        True,
        False,
        False,
    ]


def test_what_is_kept_has_its_digest_for_a_name_and_is_for_its_user_alone(host: BundledHost) -> None:
    asks(host)

    (path,) = kept(host).iterdir()
    assert path.name == DIGEST == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (kept(host).stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.parametrize("damage", [b"", b"PK"])
def test_what_was_cut_short_is_asked_for_again_and_mended(host: BundledHost, damage: bytes) -> None:
    asks(host)
    (kept(host) / DIGEST).write_bytes(damage)

    assert [asks(host), asks(host)] == [True, False]


def test_code_that_somebody_changed_is_not_run(host: BundledHost) -> None:
    asks(host)
    whole = bytearray((kept(host) / DIGEST).read_bytes())
    whole[-1] ^= 1
    (kept(host) / DIGEST).write_bytes(whole)

    assert asks(host)


def test_a_folder_that_others_can_write_to_is_not_read_and_is_closed(host: BundledHost) -> None:
    asks(host)
    kept(host).chmod(0o770)

    assert [asks(host), asks(host)] == [True, False]


def test_a_host_that_can_keep_nothing_asks_every_time(host: BundledHost) -> None:
    kept(host).parent.mkdir(parents=True)
    kept(host).write_text("in the way")

    assert [asks(host), asks(host)] == [True, True]


def test_the_oldest_go_once_there_are_many(tmp_path: Path) -> None:
    for number in range(40):
        place = tmp_path / "runner" / f"{number:02}"
        keep(str(place), b"code")
        os.utime(place, (number, number))

    assert min(path.name for path in (tmp_path / "runner").iterdir()) == "08"


@pytest.mark.parametrize("variable", ["HOME", "XDG_STATE_HOME", "EDGECTL_HOST_ROOT"])
def test_the_first_stage_and_the_runner_mean_the_same_folder(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="edgectl") as folder:  # pytest's own is closed to other users
        Path(folder).chmod(0o777)
        own = {"EDGECTL_HOST_ROOT": "", variable: folder}
        asks(BundledHost(Path(folder), environment=own), user=NOBODY if os.geteuid() == 0 else None)

        monkeypatch.setenv("HOME", folder)
        where = host_paths(own, NOBODY)
        assert (Path(where.runner) / DIGEST).exists()
