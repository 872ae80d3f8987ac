"""Programs a task runs: always with a deadline, with output bounded, without a shell unless asked for."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Dict, NamedTuple, Optional, Sequence, Union

# Contract of the event stream: a task that prints gigabytes must not fill the line or the controller.
OUTPUT_LIMIT_BYTES = 64 * 1024


class Completed(NamedTuple):
    """How a program ended. `rc` is 124 after the deadline (as timeout(1) says) and 127 without a program."""

    rc: int
    stdout: str
    stderr: str


class Proc:
    """Runs programs with the environment of one task."""

    def __init__(self, environment: Dict[str, str]) -> None:
        self._environment = environment

    def run(
        self,
        command: Union[str, Sequence[str]],
        *,
        cwd: Optional[str] = None,
        stdin: str = "",
        timeout_s: Optional[float] = None,
        executable: Optional[str] = None,
        environment: Optional[Dict[str, str]] = None,
    ) -> Completed:
        """Run a list of words as it is, or a text through /bin/sh, and wait for it."""
        env = {**os.environ, **self._environment, **(environment or {})}
        try:
            process = subprocess.Popen(
                command,
                shell=isinstance(command, str),
                executable=executable,
                cwd=cwd,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except FileNotFoundError as error:
            return Completed(127, "", f"{error.filename}: not found")
        except PermissionError as error:
            return Completed(126, "", f"{error.filename}: permission denied")
        try:
            out, err = process.communicate(stdin.encode(), timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return Completed(124, "", f"stopped after {timeout_s} s")
        return Completed(process.returncode, _bounded(out), _bounded(err))


def _bounded(raw: bytes) -> str:
    if len(raw) > OUTPUT_LIMIT_BYTES:
        half = OUTPUT_LIMIT_BYTES // 2
        left_out = len(raw) - OUTPUT_LIMIT_BYTES
        raw = raw[:half] + f"\n[… {left_out} bytes left out …]\n".encode() + raw[-half:]
    return raw.decode("utf-8", "replace")
