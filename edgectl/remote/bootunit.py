"""The systemd unit that continues a job after a reboot: there from before the reboot until the job's end.

The code and the job are laid beside the journal for that. Secrets are nowhere on a disk, so that a job with any
waits for the controller to come back and bring them again; so does one whose arguments nobody is to see (no_log).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

from edgectl.remote.detach import SYSTEMD
from edgectl.remote.job import Job, encode_job

_UNITS = "/etc/systemd/system"
_WANTED = f"{_UNITS}/multi-user.target.wants"
# What a login gives a job and a boot does not.
_KEPT = ("PATH", "HOME", "LANG", "SUDO_USER", "EDGECTL_HOST_ROOT")
_UNIT = """\
[Unit]
Description=edgectl job {job} goes on after a reboot
After=network.target
ConditionPathExists={code}

[Service]
Type=exec
ExecStart={python} -I -S -c {stage}
# What a task leaves running on purpose stays when the job ends.
KillMode=process
{environment}
"""
_STAGE = "import sys;sys.path.insert(0,{code!r});from edgectl.remote.afterboot import main;main({job!r})"


def install(job: Job, folder: str) -> None:
    """Have the job go on at the next boot, where there is a systemd that root can ask. Raises `OSError`."""
    if not _can_ask() or job.secrets or any(task.no_log for task in job.tasks()):
        return
    code = os.path.join(folder, "runner.zip")
    with open(sys.path[0], "rb") as stream:  # the bundle that runs now, wherever it was loaded from
        _write(code, stream.read())
    _write(job_path(folder), encode_job(job))
    environment = [f"{name}={os.environ[name]}" for name in _KEPT if name in os.environ]
    unit = _UNIT.format(
        job=job.id,
        code=code,
        python=sys.executable,
        stage=_quoted(_STAGE.format(code=code, job=job.id)),
        environment="\n".join(f"Environment={_quoted(pair)}" for pair in environment),
    )
    _write(_unit(job.id), unit.encode())
    os.makedirs(_WANTED, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.symlink(_unit(job.id), _link(job.id))
    _sync(_UNITS)
    _sync(_WANTED)


def remove(job: str) -> None:
    """Take the unit away; the job has ended."""
    if not _can_ask() or not os.path.exists(_unit(job)):
        return
    for path in (_link(job), _unit(job)):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    subprocess.run(["systemctl", "daemon-reload"], capture_output=True, check=False, timeout=30)


def _can_ask() -> bool:
    return os.geteuid() == 0 and os.path.isdir(SYSTEMD) and os.access(_UNITS, os.W_OK)


def job_path(folder: str) -> str:
    """Return where the job lies for the boot to come."""
    return os.path.join(folder, "job.json")


def _unit(job: str) -> str:
    return f"{_UNITS}/edgectl-{job}.service"


def _link(job: str) -> str:
    return f"{_WANTED}/edgectl-{job}.service"


def _quoted(text: str) -> str:
    """Return one word for a unit file: systemd.syntax(7) takes C escapes inside double quotes, and % and $ twice."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _write(path: str, content: bytes) -> None:
    beside = f"{path}.new"
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(beside, path)
    _sync(os.path.dirname(path))


def _sync(path: str) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
