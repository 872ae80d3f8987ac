"""Programs and calls that may never come back: each in a process of its own, killed at its deadline.

A process that waits for a sick GPU inside the kernel cannot be killed (state D). Whoever waited for its end
would hang with it, so here nobody does: it is told to die and left behind.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from collections import deque
from typing import Any, Callable, Deque, Dict, List, NamedTuple, Optional, Pattern, Tuple

NO_PROGRAM = 127
_READ_BYTES = 65536
# A node of eight GPUs says about 250 kB in XML; this is a program that has gone mad.
_LIMIT_BYTES = 16 * 1024 * 1024
_LINES = 4000
_GRACE_S = 0.5


class Said(NamedTuple):
    """What a program said. `rc` is None where it did not end in time, 127 where there is no such program."""

    rc: Optional[int]
    out: str
    err: str


class Whole:
    """Keeps an output whole, up to a limit."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def add(self, chunk: bytes) -> None:
        """Take the next piece."""
        self._kept += chunk[: _LIMIT_BYTES - len(self._kept)]

    def text(self) -> str:
        """Return what was kept."""
        return self._kept.decode("utf-8", "replace")


class Lines:
    """Keeps the last lines in which a pattern is found, of an output of any length; `seen` counts all lines."""

    def __init__(self, wanted: Pattern[bytes]) -> None:
        self._is_wanted = wanted.search
        self._kept: Deque[bytes] = deque(maxlen=_LINES)
        self._rest = b""
        self.seen = 0

    def add(self, chunk: bytes) -> None:
        """Take the next piece."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self.seen += len(lines)
        self._kept.extend(line for line in lines if self._is_wanted(line))

    def text(self) -> str:
        """Return the lines that were kept."""
        if self._rest:
            self.add(b"\n")
        return b"\n".join(self._kept).decode("utf-8", "replace")


def run(words: List[str], deadline_s: float, out: Any = None, kept: Tuple[int, ...] = ()) -> Said:
    """Run a program and return what it said, at the latest after `deadline_s`.

    The file descriptors `kept` stay open in it: a lock on one of them lasts as long as the program.
    """
    out, err = out or Whole(), Whole()
    try:
        process = subprocess.Popen(
            words,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=kept,
        )
    except OSError as error:
        return Said(NO_PROGRAM, "", f"{words[0]}: {str(error.strerror).lower()}")
    until = time.monotonic() + deadline_s
    streams = {process.stdout: out, process.stderr: err}
    in_time = _read({stream.fileno(): sink for stream, sink in streams.items() if stream}, until)
    rc = _end(process, in_time=in_time)
    for stream in streams:
        if stream:
            stream.close()
    return Said(rc, out.text(), err.text().strip())


class Errand(NamedTuple):
    """A process that was begun and has not been asked yet."""

    pid: int
    reading: int


def call(action: Callable[[], Any], deadline_s: float) -> Any:
    """Return what `action` returns as JSON has it, from a process of its own.

    Raises `TimeoutError` at the deadline and `ChildProcessError` where it died or raised, with its words.
    """
    return answer(begin(action), deadline_s)


def begin(action: Callable[[], Any]) -> Errand:
    """Let `action` run in a process of its own; `answer` has what it returns."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _be_the_child(action, writing)
    os.close(writing)
    return Errand(pid, reading)


def answer(errand: Errand, deadline_s: float) -> Any:
    """Return what an errand came to within `deadline_s` from now; raises as `call` does."""
    said = Whole()
    in_time = _read({errand.reading: said}, time.monotonic() + deadline_s)
    os.close(errand.reading)
    status = _bury(errand.pid, at_once=not in_time)
    if not in_time:
        left = f"; its process {errand.pid} cannot be killed" if status is None else ""
        raise TimeoutError(f"no answer within {deadline_s:g} s{left}")
    try:
        found = json.loads(said.text())
    except ValueError:
        raise ChildProcessError(_death(status)) from None
    if "raised" in found:
        raise ChildProcessError(found["raised"])
    return found["returned"]


def _death(status: Optional[int]) -> str:
    if status is not None and os.WIFSIGNALED(status):
        return f"its process died of {signal.Signals(os.WTERMSIG(status)).name}"
    return "its process died"


def _be_the_child(action: Callable[[], Any], writing: int) -> None:
    answer: Dict[str, Any] = {}
    try:
        answer = {"returned": action()}
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        answer = {"raised": f"{type(error).__name__}: {error}"}
    finally:
        with os.fdopen(writing, "wb") as stream:
            stream.write(json.dumps(answer, default=str).encode() if answer else b"")
        os._exit(0)


def _read(sinks: Dict[int, Any], until: float) -> bool:
    """Read until all are closed; False where the deadline came first."""
    with selectors.DefaultSelector() as ready:
        for fd, sink in sinks.items():
            ready.register(fd, selectors.EVENT_READ, sink)
        while ready.get_map():
            left = until - time.monotonic()
            if left <= 0:
                return False
            for key, _ in ready.select(left):
                chunk = os.read(key.fd, _READ_BYTES)
                if chunk:
                    key.data.add(chunk)
                else:
                    ready.unregister(key.fd)
    return True


def _end(process: Any, *, in_time: bool) -> Optional[int]:
    if not in_time:
        process.kill()
    try:
        rc = process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return None
    return int(rc) if in_time else None


def _bury(pid: int, *, at_once: bool) -> Optional[int]:
    """Return how a child ended, killing it if need be; None where it does not end even so."""
    for number in (signal.SIGKILL,) if at_once else (0, signal.SIGKILL):
        os.kill(pid, number)
        until = time.monotonic() + _GRACE_S
        while time.monotonic() < until:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return status
            time.sleep(0.002)
    return None
