"""One program as a child process, its three streams as pipes.

`subprocess` does more, and imports `threading`, `selectors` and `signal` for it: 6 ms of CPU at every host where one
command is run. A job's process has a single thread, so that forking it is safe.
"""

from __future__ import annotations

import os
import time

from edgectl.remote.lean import (
    SIG_DFL,
    SIGKILL,
    SIGPIPE,
    SIGXFSZ,
    Dict,
    List,
    NoReturn,
    Optional,
    Sequence,
    on_signal,
)

# Between two looks whether a program has ended that closed its output before.
_LOOK_S = 0.01
_NEVER = float("inf")


class Program:
    """A program that has started; `stdin`, `stdout` and `stderr` are our ends of its pipes."""

    def __init__(
        self,
        words: List[str],
        environment: Dict[str, str],
        *,
        cwd: Optional[str] = None,
        executable: Optional[str] = None,
    ) -> None:
        """Start it, by `executable` or else by its first word, which `environment` says where to find.

        Raises the `OSError` of what could not be found or run, with its name.
        """
        theirs_in, self.stdin = os.pipe()
        self.stdout, theirs_out = os.pipe()
        self.stderr, theirs_err = os.pipe()
        refusal, refusing = os.pipe()
        self._rc: Optional[int] = None
        self._pid = os.fork()
        if self._pid == 0:
            _become(
                words, environment, cwd, executable or words[0], (theirs_in, theirs_out, theirs_err, refusing)
            )
        for fd in (theirs_in, theirs_out, theirs_err, refusing):
            os.close(fd)
        with open(refusal, "rb") as stream:
            refused = stream.read().decode()
        if refused:
            self.wait(_NEVER)
            self.close()
            number, _, what = refused.partition(" ")
            raise OSError(int(number), os.strerror(int(number)), what)

    def poll(self) -> Optional[int]:
        """Return what it ended with, as `subprocess` counts: minus the number of a signal; None while it runs."""
        if self._rc is None:
            ended, status = os.waitpid(self._pid, os.WNOHANG)
            self._rc = os.waitstatus_to_exitcode(status) if ended else None
        return self._rc

    def wait(self, until: float) -> Optional[int]:
        """Return what it ended with, or None where it runs at this moment of the monotonic clock still."""
        if until == _NEVER and self._rc is None:
            self._rc = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        while self.poll() is None and time.monotonic() < until:
            time.sleep(_LOOK_S)
        return self._rc

    def kill(self) -> None:
        """End it, and take its place in the table of processes away."""
        if self.poll() is None:
            os.kill(self._pid, SIGKILL)
            self.wait(_NEVER)

    def end_input(self) -> None:
        """Let it read the end of its input."""
        if self.stdin >= 0:
            os.close(self.stdin)
            self.stdin = -1

    def close(self) -> None:
        """Let go of its streams."""
        self.end_input()
        os.close(self.stdout)
        os.close(self.stderr)


def _become(
    words: List[str], environment: Dict[str, str], cwd: Optional[str], file: str, fds: Sequence[int]
) -> NoReturn:
    """Be the program, in the child; what is in the way goes up the last of `fds`, which a start closes."""
    *streams, refusing = fds
    what = cwd or file
    try:
        for number, fd in enumerate(streams):
            os.dup2(fd, number)
        for ignored in (SIGPIPE, SIGXFSZ):  # by Python itself, which no program expects
            on_signal(ignored, SIG_DFL)
        if cwd is not None:
            os.chdir(cwd)
        what = file
        os.execvpe(file, words, environment)  # noqa: S606 - whether a shell is wanted, the task has said
    except OSError as error:
        os.write(refusing, f"{error.errno} {what}".encode("utf-8", "surrogateescape"))
    finally:
        os._exit(127)
