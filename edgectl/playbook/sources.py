"""Files at the controller: found as Ansible finds them and read once to be sent, and where those that come go."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Model weights and images do not travel in a job: a node fetches them from a mirror (get_url).
SIZE_LIMIT_BYTES = 64 * 1024 * 1024


class SourceError(ValueError):
    """A file to send is missing, unreadable or too large."""


@dataclass(slots=True)
class Blobs:
    """Contents by sha256, packed for the journey; shared by the jobs of all hosts of a run."""

    packed: dict[str, str] = field(default_factory=dict)

    def add(self, content: bytes) -> str:
        """Keep a content and return its sha256."""
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self.packed:
            self.packed[digest] = base64.b64encode(zlib.compress(content, 6)).decode()
        return digest


def find(folders: Sequence[Path], kind: str, src: str) -> Path:
    """Find `src` in the folder `kind` (files, templates) of a role, then beside the playbook, or where it says."""
    given = Path(src).expanduser()
    beside = [place for folder in folders for place in (folder / kind / given, folder / given)]
    places = [given] if given.is_absolute() else beside
    for place in places:
        if os.path.lexists(place):
            return place
    looked = ", ".join(str(place) for place in places)
    raise SourceError(f"there is no file '{src}'; looked at {looked}")


def read(path: Path) -> bytes:
    """Return a file's content, within the limit."""
    try:
        if path.stat().st_size > SIZE_LIMIT_BYTES:
            limit = SIZE_LIMIT_BYTES // 2**20
            raise SourceError(f"{path} is larger than {limit} MiB; let the host fetch it with get_url")
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from None


def copy_sources(path: Path, src: str, blobs: Blobs) -> list[Any]:
    """Return `[path below dest, sha256 or None for a folder, mode]` for a file or each entry of a folder.

    As with rsync and Ansible, a folder's own name is part of the paths unless `src` ends in a slash.
    """
    if path.is_file():
        return [["", blobs.add(read(path)), file_mode(path)]]
    if not path.is_dir():
        raise SourceError(f"{path} is neither a file nor a folder")
    prefix = "" if src.endswith("/") else f"{path.name}/"
    return [[f"{prefix}{name}", digest, mode] for name, digest, mode in _entries(path, blobs)]


def _entries(folder: Path, blobs: Blobs) -> Iterator[tuple[str, str | None, str]]:
    for entry in sorted(folder.rglob("*")):
        name = entry.relative_to(folder).as_posix()
        if entry.is_dir():
            yield name, None, file_mode(entry)
        else:
            yield name, blobs.add(read(entry)), file_mode(entry)


def file_mode(path: Path) -> str:
    """Return a file's permissions as octal text."""
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def landing(folder: Path, host: str, src: str, dest: str, *, flat: bool) -> Path:
    """Return where a file `src` of a host goes: DEST/HOST/SRC, or for `flat` dest itself, or into it behind a slash."""
    top = folder.absolute() / Path(dest).expanduser()
    if not flat:
        path = Path(os.path.normpath(f"{top}/{host}/{src}"))
        if not path.is_relative_to(os.path.normpath(f"{top}/{host}")):
            raise SourceError(f"{src} would leave {top}/{host}")
        return path
    path = top / Path(src).name if dest.endswith("/") else top
    if path.is_dir():
        raise SourceError(f"{path} is a folder here: write a slash behind 'dest' to have the file in it")
    return Path(os.path.normpath(path))
