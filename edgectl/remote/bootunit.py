"""The systemd unit that continues a job after a reboot: there from before the reboot until the job's end.

The code and the job are laid beside the journal for that. Secrets are nowhere on a disk, so that a job with any
waits for the controller to come back and bring them again; so does one whose arguments nobody is to see (no_log).
"""

from __future__ import annotations

import os
import subprocess
import sys

from edgectl.remote import durable, units
from edgectl.remote.job import Job, encode_job

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
    if not units.can_ask() or job.secrets or any(task.no_log for task in job.tasks()):
        return
    code = os.path.join(folder, "runner.zip")
    with open(sys.path[0], "rb") as stream:  # the bundle that runs now, wherever it was loaded from
        durable.write(code, stream.read())
    durable.write(job_path(folder), encode_job(job))
    environment = [f"{name}={os.environ[name]}" for name in _KEPT if name in os.environ]
    unit = _UNIT.format(
        job=job.id,
        code=code,
        python=sys.executable,
        stage=_quoted(_STAGE.format(code=code, job=job.id)),
        environment="\n".join(f"Environment={_quoted(pair)}" for pair in environment),
    )
    units.install(_name(job.id), unit)


def remove(job: str) -> None:
    """Take the unit away; the job has ended."""
    if units.can_ask() and units.remove(_name(job)):
        subprocess.run(["systemctl", "daemon-reload"], capture_output=True, check=False, timeout=30)


def job_path(folder: str) -> str:
    """Return where the job lies for the boot to come."""
    return os.path.join(folder, "job.json")


def _name(job: str) -> str:
    return f"edgectl-{job}"


def _quoted(text: str) -> str:
    """Return one word for a unit file: systemd.syntax(7) takes C escapes inside double quotes, and % and $ twice."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
