"""The first stage: which Python is taken, through which shell, past which noise."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgectl.remote.protocol import Hello
from edgectl.ssh.loader import command_line
from tests.fakes.fleet import a_job, a_task
from tests.remote.bundled import MAGIC, BundledHost, python

JOB = a_job([a_task()], changes=False)
SHELLS = ["/bin/sh", "dash", "bash", "zsh", "busybox"]


@pytest.fixture
def host(tmp_path: Path) -> BundledHost:
    return BundledHost(tmp_path)


def _put(host: BundledHost, name: str, script: str) -> None:
    """Put a program on the host's PATH, before all others."""
    path = host.folder / "programs" / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("shell", SHELLS)
def test_any_login_shell_will_do(host: BundledHost, shell: str) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"needs {shell}: apt-get install {shell}")
    if shell == "busybox":
        _put(host, "ash", f'exec {found} sh "$@"')
        found = str(host.folder / "programs" / "ash")
    host.shell = found

    assert host.run(JOB).end.status == "ok"


def test_lines_before_the_job_are_skipped(host: BundledHost) -> None:
    """So that a password line that sudo did not want does no harm."""
    assert host.run(JOB, head=b"a password nobody asked for\n\n").end.status == "ok"


@pytest.mark.parametrize("script", ["exit 91", "exit 127", "exit 126", "command-not-there"])
def test_a_python_that_is_too_old_or_does_not_start_is_passed_over(host: BundledHost, script: str) -> None:
    host.run(JOB)
    good = python("3.11")
    _put(host, "python3", script)
    _put(host, "python3.13", f'exec {good} "$@"')

    assert host.run(JOB).of(Hello)[0].python.startswith("3.11")


def test_a_real_old_python_says_so_itself(host: BundledHost) -> None:
    old = next(iter(sorted(Path.home().glob(".pyenv/versions/3.[678].*/bin/python"))), None)
    if old is None:
        pytest.skip("needs an old Python: pyenv install 3.8")
    host.run(JOB)
    _put(host, "python3", f'exec {old} "$@"')
    _put(host, "python3.13", f'exec {python("3.11")} "$@"')

    assert host.run(JOB).of(Hello)[0].python.startswith("3.11")


def test_without_any_python_the_host_says_so(host: BundledHost) -> None:
    host.environment = {"PATH": "/nonexistent"}
    process = host.start(JOB)
    out, _ = process.communicate(timeout=30)

    assert out.decode() == f"{MAGIC} no-python\n"


def test_a_stream_that_ends_before_the_job_starts_nothing() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", command_line(MAGIC, become=False)],
        input=b"hello\n",
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (92, b"")


def test_nothing_of_the_host_s_own_python_path_is_used(host: BundledHost) -> None:
    (host.folder / "json.py").write_text("raise SystemExit('taken from the folder')")
    host.environment = {"PYTHONPATH": str(host.folder), "PYTHONSTARTUP": "/nonexistent"}

    assert host.run(JOB).end.status == "ok"
