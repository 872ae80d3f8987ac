"""The bundles that a host was sent, kept by digest: from the second visit on only the job travels.

The folder is its user's alone. What is read from it is verified by the digest that the controller names
(`ssh/loader.py`), so that a file cut short by a power loss is only sent again.
"""

from __future__ import annotations

import os

from edgectl.remote.lean import suppress

# So many commands with different modules can be in use at once; about 15 MB.
_KEPT = 32
_PRIVATE_FOLDER = 0o700
_PRIVATE_FILE = 0o600


def keep(place: str, code: bytes) -> None:
    """Write a bundle down, and forget the oldest beyond 32. Never raises: without it the next visit is slower."""
    folder = os.path.dirname(place)
    with suppress(OSError):
        os.makedirs(folder, _PRIVATE_FOLDER, exist_ok=True)
        os.chmod(folder, _PRIVATE_FOLDER)
        beside = f"{place}.{os.getpid()}.new"
        try:
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE), "wb") as stream:
                stream.write(code)
            os.rename(beside, place)
        except OSError:
            os.unlink(beside)
            raise
        _forget_oldest(folder)


def _forget_oldest(folder: str) -> None:
    paths = [os.path.join(folder, name) for name in os.listdir(folder)]
    paths.sort(key=lambda path: os.stat(path).st_mtime, reverse=True)
    for path in paths[_KEPT:]:
        os.unlink(path)
