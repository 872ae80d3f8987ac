"""Which driver the installed library belongs to, told by its file's name: nothing is loaded, no driver is asked."""

from __future__ import annotations

import os
import re
from typing import Iterator, List, Optional

_SONAME = "libnvidia-ml.so.1"
_VERSION = re.compile(r"\.so\.(\d{3}\.\d+(?:\.\d+)?)$")
_CACHE = "/etc/ld.so.cache"
# ld.so(8): the cache's paths are texts that end with a zero byte.
_CACHED = re.compile(rb"(/[^\0]*/libnvidia-ml\.so\.1)\0")
_FOLDERS = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/lib64",
    "/usr/lib",
    "/lib",
)


def version(root: str = "") -> Optional[str]:
    """Return the version of the library that the loader would take; None without one, or without a number."""
    for path in _candidates(root):
        if os.path.exists(path):
            found = _VERSION.search(os.path.realpath(path))
            return found.group(1) if found else None
    return None


def _candidates(root: str) -> Iterator[str]:
    """Yield the places in the loader's own order."""
    for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":"):
        if folder:
            yield os.path.join(folder, _SONAME)
    for path in _cached(root):
        yield root + path
    for folder in _FOLDERS:
        yield os.path.join(root + folder, _SONAME)


def _cached(root: str) -> List[str]:
    try:
        with open(root + _CACHE, "rb") as stream:
            return [os.fsdecode(path) for path in _CACHED.findall(stream.read())]
    except OSError:
        return []
