"""Whom a host's relay serves: each run that ships to it shows a token of its own, and they share the one relay.

The blobs are named by their content, so what one service fetched is no other's secret to keep. Of a token only the
digest lies here, in a folder of the host's own user.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time

from edgectl.remote import files
from edgectl.remote.lean import Iterator, NamedTuple, Optional, suppress

_MOST_S = 6 * 3600.0


class Guest(NamedTuple):
    """A run: the process that fetches for it here, and for how long the relay waits for its neighbours, in seconds."""

    fetcher: int
    idle_s: float

    def is_coming(self) -> bool:
        """Tell whether the host still fetches for it."""
        try:
            os.kill(self.fetcher, 0)
        except OSError:
            return False
        return True


class Guests:
    """The runs that a relay serves, as they lie on the disk."""

    def __init__(self, state: str) -> None:
        self._folder = os.path.join(state, "relay")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let nobody else come, and no relay end, while the body runs."""
        os.makedirs(self._folder, 0o700, exist_ok=True)
        fd = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def admit(self, token: str, guest: Guest) -> None:
        """Serve whoever shows a token."""
        files.write_atomically(self._path(token), json.dumps(guest).encode())

    def of(self, token: str) -> Optional[Guest]:
        """Return whose token it is; None for nobody's."""
        return _read(self._path(token))

    def all(self) -> list[Guest]:
        """Return every guest; those of long ago are sent away."""
        found = []
        for name in os.listdir(self._folder):
            path = os.path.join(self._folder, name)
            with suppress(FileNotFoundError):
                if time.time() - os.stat(path).st_mtime > _MOST_S:
                    os.unlink(path)
            found.append(_read(path))
        return [guest for guest in found if guest is not None]

    def clear(self) -> None:
        """Send all away."""
        for name in os.listdir(self._folder):
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(self._folder, name))

    def _path(self, token: str) -> str:
        return os.path.join(self._folder, hashlib.sha256(token.encode()).hexdigest())


def _read(path: str) -> Optional[Guest]:
    raw = files.read(path)
    return None if raw is None else Guest(*json.loads(raw))
