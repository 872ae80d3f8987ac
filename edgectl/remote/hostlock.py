"""One lock per machine: two runs never change one host at the same time.

A kernel lock, so that it goes with its holder and is never stale; who holds it is written beside it.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from typing import Any, Dict, Optional

from edgectl.remote.context import HostPaths

_PRIVATE_FOLDER = 0o700
_PRIVATE_FILE = 0o600


def take(paths: HostPaths, holder: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """Take the host's lock until this process ends; return who holds it where that is another run."""
    os.makedirs(paths.run, _PRIVATE_FOLDER, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    fd = os.open(os.path.join(paths.run, "lock"), flags, _PRIVATE_FILE)
    beside = os.path.join(paths.run, "holder")
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return _read(beside)
    with open(beside + ".new", "w") as stream:
        json.dump({**holder, "since": time.time()}, stream)
    os.replace(beside + ".new", beside)
    return None


def _read(path: str) -> Dict[str, Any]:
    try:
        with open(path) as stream:
            found = json.load(stream)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
