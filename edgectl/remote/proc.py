"""Programs a task runs: always with a deadline, with output bounded, without a shell unless asked for."""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Callable, Dict, NamedTuple, Optional, Sequence, Tuple, Union

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
            process = self._start(command, cwd, executable, environment)
        except FileNotFoundError as error:
            return Completed(127, "", f"{error.filename}: not found")
        except (PermissionError, NotADirectoryError) as error:
            # A bare name that PATH leads to nowhere is missing, also where PATH has folders closed to us.
            rc = 126 if os.sep in str(error.filename) else 127
            return Completed(rc, "", f"{error.filename}: {str(error.strerror).lower()}")
        self._programs += 1
        out = _Kept(OUTPUT_LIMIT_BYTES, lambda: self._spill("stdout"))
        err = _Kept(OUTPUT_LIMIT_BYTES, lambda: self._spill("stderr"))
        return _completed(process, stdin, timeout_s, (out, err))

    def query(self, words: Sequence[str]) -> Completed:
        """Run a program whose whole output will be parsed and not be shown, however long it is."""
        try:
            process = self._start(words, None, None, {"LC_ALL": "C"})
        except FileNotFoundError as error:
            return Completed(127, "", f"{error.filename}: not found")
        kept = _Kept(sys.maxsize, lambda: None), _Kept(sys.maxsize, lambda: None)
        return _completed(process, "", None, kept)

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
    ) -> Any:
        import subprocess  # a job that runs no program need not load it

        return subprocess.Popen(
            command,
            shell=isinstance(command, str),
            executable=executable,
            cwd=cwd,
            env={**os.environ, **self._environment, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )


def _completed(process: Any, stdin: str, timeout_s: Optional[float], kept: Tuple[_Kept, _Kept]) -> Completed:
    out, err = kept
    try:
        with process:  # closes the pipes
            if not _converse(process, stdin.encode("utf-8", "surrogateescape"), kept, timeout_s):
                process.kill()
                process.wait()
                return Completed(124, out.text(), f"{err.text()}stopped after {timeout_s} s")
            return Completed(process.wait(), out.text(), err.text())
    finally:
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


def _converse(process: Any, given: bytes, kept: Tuple[_Kept, _Kept], timeout_s: Optional[float]) -> bool:
    """Write the input and read both outputs until they end; False where the deadline came first."""
    import selectors

    deadline = time.monotonic() + (float("inf") if timeout_s is None else timeout_s)
    ended: Optional[float] = None
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ, kept[0])
        ready.register(process.stderr, selectors.EVENT_READ, kept[1])
        ready.register(process.stdin, selectors.EVENT_WRITE)
        os.set_blocking(process.stdin.fileno(), False)
        while len(ready.get_map()) > 0:
            events = ready.select(min(_LINGER_S, max(deadline - time.monotonic(), 0)))
            if ended is None and process.poll() is not None:
                ended = time.monotonic()
            if ended is not None and (not events or time.monotonic() - ended > _LINGER_S):
                return True
            if time.monotonic() > deadline:
                return False
            for key, _ in events:
                if key.fileobj is process.stdin:
                    given = _feed(ready, process.stdin, given)
                else:
                    _hear(ready, key)
    return _ended_by(process, deadline)


def _ended_by(process: Any, deadline: float) -> bool:
    """Wait for a program that closed its output before it ends."""
    import subprocess

    left = deadline - time.monotonic()
    try:
        process.wait(None if left == float("inf") else max(left, 0))
    except subprocess.TimeoutExpired:
        return False
    return True


def _feed(ready: Any, stream: Any, given: bytes) -> bytes:
    """Write what fits and return the rest; a program need not read its input."""
    try:
        given = given[os.write(stream.fileno(), given[:_PIPE_BYTES]) :]
    except BrokenPipeError:
        given = b""
    if not given:
        ready.unregister(stream)
        stream.close()
    return given


def _hear(ready: Any, key: Any) -> None:
    chunk = os.read(key.fd, _PIPE_BYTES)
    if chunk:
        key.data.add(chunk)
    else:
        ready.unregister(key.fileobj)
