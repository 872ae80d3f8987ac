"""A moment that epoll waits for to the nanosecond: its own timeout counts in milliseconds and rounds up.

`os.timerfd_create` came with Python 3.13; until then the C library is asked.
"""

from __future__ import annotations

import ctypes
import os
import time

_NS = 1_000_000_000
# The flags are those of timerfd_create and timerfd_settime, on every architecture that NVIDIA has a driver for.
_NONBLOCK, _CLOEXEC, _ABSTIME = 0o4000, 0o2000000, 1


class _Moments(ctypes.Structure):
    """struct itimerspec: an interval, and the first moment."""

    _fields_ = (
        ("every_s", ctypes.c_long),
        ("every_ns", ctypes.c_long),
        ("at_s", ctypes.c_long),
        ("at_ns", ctypes.c_long),
    )


class Timer:
    """`fd` is readable from a moment of CLOCK_MONOTONIC on."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.fd: int = self._libc.timerfd_create(time.CLOCK_MONOTONIC, _NONBLOCK | _CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._moments = _Moments()
        self._at_ns = 0

    def set(self, at_ns: int) -> None:
        """Wait for this moment and no other."""
        if at_ns != self._at_ns:
            self._at_ns = at_ns
            self._moments.at_s, self._moments.at_ns = divmod(max(at_ns, 1), _NS)
            self._libc.timerfd_settime(self.fd, _ABSTIME, ctypes.byref(self._moments), None)

    def close(self) -> None:
        """Close."""
        os.close(self.fd)
