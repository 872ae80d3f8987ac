"""Built bundles, kept in the user's cache: parsing and packing the runner costs half a second, reading it none."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import zlib
from collections.abc import Iterable
from pathlib import Path

from edgectl.ssh.bundle import Bundle, bundle, sources

_PRIVATE_FOLDER = 0o700
# Each set of modules that a user's commands need is one file of about 100 kB, and each version of edgectl has its own.
_KEPT = 64


class BundleShelf:
    """Bundles by what they are built from: the sources' names, sizes and times, and this Python.

    Without a folder, or where it cannot be read or written, each process builds its own.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._ready: dict[tuple[frozenset[str], frozenset[str]], Bundle] = {}

    def bundle(self, modules: frozenset[str], needs: frozenset[str]) -> Bundle:
        """Return the runner with these playbook modules, and what is in `needs` beside it."""
        wanted = (modules, needs)
        if wanted not in self._ready:
            self._ready[wanted] = self._found(modules, needs)
        return self._ready[wanted]

    def _found(self, modules: frozenset[str], needs: frozenset[str]) -> Bundle:
        if self._folder is None:
            return bundle(modules, needs)
        path = self._folder / _name(modules, needs)
        with contextlib.suppress(OSError, zlib.error):
            if _is_private(self._folder):
                content = path.read_bytes()
                return Bundle(content, hashlib.sha256(zlib.decompress(content)).hexdigest())
        built = bundle(modules, needs)
        with contextlib.suppress(OSError):
            self._keep(path, built.content)
        return built

    def _keep(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(_PRIVATE_FOLDER, parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}.new")
        beside.write_bytes(content)
        beside.rename(path)
        for old in sorted(path.parent.iterdir(), key=lambda kept: kept.stat().st_mtime, reverse=True)[_KEPT:]:
            old.unlink()


def _is_private(folder: Path) -> bool:
    """Tell whether nobody else can have put anything there: what is read from it is run at every host."""
    there = folder.stat()
    return there.st_uid == os.geteuid() and not there.st_mode & 0o022


def _name(modules: Iterable[str], needs: frozenset[str]) -> str:
    made_of = [importlib.util.MAGIC_NUMBER.hex(), *sorted(modules), "", *sorted(needs), ""]
    for path in sources(needs):
        there = path.stat()
        made_of.append(f"{path} {there.st_size} {there.st_mtime_ns}")
    return hashlib.sha256("\n".join(made_of).encode()).hexdigest()
