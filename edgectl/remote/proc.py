"""Programs a task runs: always with a deadline, with output bounded, without a shell unless asked for."""

from __future__ import annotations

import os
import select
import sys
import time

from edgectl.remote.lean import Callable, Dict, NamedTuple, Optional, Sequence, Tuple, Union
from edgectl.remote.program import Program
from edgectl.remote.spill import Shelf, Spill

# Contract of the event stream: a task that prints gigabytes must not fill the line or the controller.
OUTPUT_LIMIT_BYTES = 64 * 1024
# How long after a program's end its output may still be held open by something it left in the background.
_LINGER_S = 0.5
_PIPE_BYTES = 65536


class Completed(NamedTuple):
    """How a program ended. `rc` is 124 after the deadline (as timeout(1) says) and 127 without a program."""

    rc: int
    stdout: str
    stderr: str


class Proc:
    """Runs programs with the environment of one task."""

    def __init__(self, environment: Dict[str, str], shelf: Optional[Shelf] = None, name: str = "") -> None:
        self._environment = environment
        self._shelf = shelf
        self._name = name
        self._programs = 0

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
        """Run a list of words as it is, or a text through /bin/sh, and wait for it.

        A process it leaves behind may keep its output open: what was said until then is the output. Of an
        output above `OUTPUT_LIMIT_BYTES` the beginning and the end are kept.
        """
        try:
            program = self._start(command, cwd, executable, environment)
        except FileNotFoundError as error:
            return Completed(127, "", f"{error.filename}: not found")
        except (PermissionError, NotADirectoryError) as error:
            # A bare name that PATH leads to nowhere is missing, also where PATH has folders closed to us.
            rc = 126 if os.sep in str(error.filename) else 127
            return Completed(rc, "", f"{error.filename}: {str(error.strerror).lower()}")
        self._programs += 1
        out = _Kept(OUTPUT_LIMIT_BYTES, lambda: self._spill("stdout"))
        err = _Kept(OUTPUT_LIMIT_BYTES, lambda: self._spill("stderr"))
        return _completed(program, stdin, timeout_s, (out, err))

    def query(self, words: Sequence[str]) -> Completed:
        """Run a program whose whole output will be parsed and not be shown, however long it is."""
        try:
            program = self._start(words, None, None, {"LC_ALL": "C"})
        except FileNotFoundError as error:
            return Completed(127, "", f"{error.filename}: not found")
        kept = _Kept(sys.maxsize, lambda: None), _Kept(sys.maxsize, lambda: None)
        return _completed(program, "", None, kept)

    def _spill(self, stream: str) -> Optional[Spill]:
        if self._shelf is None:
            return None
        try:
            return Spill(self._shelf, f"{self._name}-{os.getpid()}-{self._programs}.{stream}")
        except OSError:
            return None

    def _start(
        self,
        command: Union[str, Sequence[str]],
        cwd: Optional[str],
        executable: Optional[str],
        environment: Optional[Dict[str, str]],
    ) -> Program:
        words = [executable or "/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        given = {**os.environ, **self._environment, **(environment or {})}
        return Program(words, given, cwd=cwd, executable=executable)


def _completed(
    program: Program, stdin: str, timeout_s: Optional[float], kept: Tuple[_Kept, _Kept]
) -> Completed:
    out, err = kept
    until = time.monotonic() + (float("inf") if timeout_s is None else timeout_s)
    try:
        _converse(program, stdin.encode("utf-8", "surrogateescape"), kept, until)
        rc = program.wait(until)
        if rc is None:
            program.kill()
            return Completed(124, out.text(), f"{err.text()}stopped after {timeout_s} s")
        return Completed(rc, out.text(), err.text())
    finally:
        program.close()
        out.close()
        err.close()


class _Kept:
    """The beginning and the end of what a program said, and the whole of it in a file where that is not all."""

    def __init__(self, limit_bytes: int, spill: Callable[[], Optional[Spill]]) -> None:
        self._half = limit_bytes // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0
        self._open_spill = spill
        self._spill: Optional[Spill] = None

    def add(self, chunk: bytes) -> None:
        if self._spill is not None:
            self._spill.write(chunk)
        room = self._half - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        if len(self._tail) > 2 * self._half:
            if not self._left_out:
                self._spill = self._open_spill()
                if self._spill is not None:
                    self._spill.write(bytes(self._head + self._tail))
            self._left_out += len(self._tail) - self._half
            del self._tail[: -self._half]

    def text(self) -> str:
        left_out = self._left_out + max(len(self._tail) - self._half, 0)
        where = f"; the whole of it: {self._spill.path}" if self._spill is not None else ""
        gap = f"\n[… {left_out} bytes left out{where} …]\n".encode() if left_out else b""
        return bytes(self._head + gap + self._tail[-self._half :]).decode("utf-8", "replace")

    def close(self) -> None:
        if self._spill is not None:
            self._spill.close()


def _converse(program: Program, given: bytes, kept: Tuple[_Kept, _Kept], until: float) -> None:
    """Write the input and read both outputs until they end, or the program has ended a while ago, or it is time."""
    hearing = {program.stdout: kept[0], program.stderr: kept[1]}
    ready = select.poll()
    for fd in hearing:
        ready.register(fd, select.POLLIN)
    ready.register(program.stdin, select.POLLOUT)
    os.set_blocking(program.stdin, False)
    ended: Optional[float] = None
    while (hearing or program.stdin >= 0) and time.monotonic() < until:
        events = ready.poll(1000 * min(_LINGER_S, max(until - time.monotonic(), 0)))
        if ended is None and program.poll() is not None:
            ended = time.monotonic()
        if ended is not None and (not events or time.monotonic() - ended > _LINGER_S):
            return
        for fd, _ in events:
            if fd == program.stdin:
                given = _feed(ready, program, given)
            elif not _heard(fd, hearing[fd]):
                ready.unregister(fd)
                del hearing[fd]


def _feed(ready: select.poll, program: Program, given: bytes) -> bytes:
    """Write what fits and return the rest; a program need not read its input."""
    try:
        given = given[os.write(program.stdin, given[:_PIPE_BYTES]) :]
    except BrokenPipeError:
        given = b""
    if not given:
        ready.unregister(program.stdin)
        program.end_input()
    return given


def _heard(fd: int, kept: _Kept) -> bool:
    """Keep what was said; False where that is all."""
    chunk = os.read(fd, _PIPE_BYTES)
    if chunk:
        kept.add(chunk)
    return bool(chunk)
