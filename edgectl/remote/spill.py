"""Output that is too long to travel: the whole of it stays in a file at the host."""

from __future__ import annotations

import os

from edgectl.remote.lean import NamedTuple, Optional

# An edge disk must not fill up with what nobody will read to its end.
LIMIT_BYTES = 64 * 1024 * 1024


class Shelf(NamedTuple):
    """The folder for one job's output, opened by the runner: a task of another user could not find its way there."""

    path: str
    fd: int


def shelf_in(folder: str) -> Optional[Shelf]:
    """Make the folder for a job's output; None where that cannot be, and long output is cut for good."""
    path = os.path.join(folder, "output")
    try:
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o1777)  # noqa: S103 - whoever a task becomes writes here; the folder above lets nobody else in
        return Shelf(path, os.open(path, os.O_RDONLY | os.O_DIRECTORY))
    except OSError:
        return None


class Spill:
    """One stream of one program, written down from its first byte once it turns out too long."""

    def __init__(self, shelf: Shelf, name: str) -> None:
        self.path = os.path.join(shelf.path, name)
        self._room = LIMIT_BYTES
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        self._fd = os.open(name, flags, 0o600, dir_fd=shelf.fd)

    def write(self, chunk: bytes) -> None:
        """Add to the file, as long as there is room for it."""
        chunk = chunk[: self._room]
        self._room -= len(chunk)
        try:
            while chunk:
                chunk = chunk[os.write(self._fd, chunk) :]
        except OSError:
            self._room = 0  # a full disk is the task's business, not that of its log

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)
