"""Files of edgectl's own that are whole or not there, also after a power cut: written beside, fsynced, renamed."""

from __future__ import annotations

import os


def write(path: str, content: bytes, mode: int = 0o600) -> None:
    """Put a file in place, for its owner alone unless `mode` says more. Raises `OSError`."""
    beside = f"{path}.{os.getpid()}.new"
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(beside, path)
    sync(os.path.dirname(path))


def sync(folder: str) -> None:
    """Let what was made, renamed or removed in a folder survive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
