"""What was made of inventories before, kept in the user's cache folder for as long as their files stay as they are.

A copy is believed only where this very edgectl made it, of this inventory, of files that are as they were (by
their stamps, else by their digests), and where nobody else could have written it: folder and file are the user's
own and closed to others. A checksum finds what a full disk or a lost write has damaged. Doubt is no error: the
inventory is read again.
"""

from __future__ import annotations

import json
import logging
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgectl import __version__
from edgectl.digests import digest_of
from edgectl.inventory.private import keep_newest, make_private, read_private, write_private
from edgectl.inventory.stamps import NEVER, Stamps, stamps

_log = logging.getLogger(__name__)

_MAGIC = b"edgectl inventory 1 "
# Beside a fleet's own inventory an operator has a lab's, a customer's, a few branches' checkouts.
_KEPT = 8
# What the answer depends on beside the files: in a checkout it changes while the version does not.
_CODE = ("inventory", "catalog/hardware.yaml", "complaints.py", "yaml_source.py", "yaml_values.py")


@dataclass(frozen=True, slots=True)
class Cache:
    """The kept copy of the inventory at `source`; `folder` need not exist."""

    folder: Path
    source: Path

    @property
    def path(self) -> Path:
        """Where the copy lies; inventories that meet here by chance only take turns."""
        place = os.path.realpath(self.source)
        return self.folder / f"{Path(place).name[:80]}-{zlib.crc32(os.fsencode(place)):08x}"

    def stamps(self, now_ns: int) -> Stamps:
        """Return the stamps of the files, to be taken before they are read; none where that cannot be."""
        try:
            return stamps(self.source, now_ns)
        except OSError:
            return {}

    def found(self, now_ns: int) -> list[memoryview] | None:
        """Return the parts that were kept, or None where only the files can tell."""
        try:
            key, stamped, digests, *parts = _unframed(read_private(self.path))
            if key != _key(self.source):
                return None
            then, now = _parsed(stamped), stamps(self.source, now_ns)
            if not self._holds(then, now, digests):
                return None
        except (OSError, ValueError) as error:
            _log.info("the inventory is not in the cache: %s", error)
            return None
        if then != now and NEVER not in now.values():
            self._write([key, _json(now), digests, *parts])
        return parts

    def keep(self, parts: Sequence[bytes], digests: Mapping[Path, str], before: Stamps) -> None:
        """Keep what was made of files with these digests, whose stamps were taken `before` they were read."""
        names = {path: "" if path == self.source else str(path.relative_to(self.source)) for path in digests}
        by_name = {names[path]: digest for path, digest in digests.items()}
        if by_name.keys() == before.keys():
            self._write([_key(self.source), _json(before), _json(by_name), *parts])

    def _holds(self, then: Stamps, now: Stamps, digests: memoryview) -> bool:
        if then.keys() != now.keys():
            return False
        doubtful = [name for name, stamp in now.items() if stamp == NEVER or stamp != then[name]]
        known = _parsed(digests) if doubtful else {}
        return all(digest_of((self.source / name).read_bytes()) == known[name] for name in doubtful)

    def _write(self, parts: Sequence[bytes | memoryview]) -> None:
        try:
            make_private(self.folder)
            write_private(self.path, _framed(parts))
            keep_newest(self.folder, _KEPT)
        except OSError as error:
            _log.info("the inventory is not kept in the cache: %s", error)


def _key(source: Path) -> bytes:
    """Return what a copy is of: this code, and this place."""
    code = " ".join(f"{found.st_mtime_ns}.{found.st_size}" for found in _code())
    return os.fsencode(f"{__version__}\n{code}\n{os.path.realpath(source)}")


def _code() -> Iterator[os.stat_result]:
    package = Path(__file__).parent.parent
    for name in _CODE:
        path = package / name
        yield from (file.stat() for file in sorted(path.glob("*.py"))) if path.is_dir() else [path.stat()]


def _framed(parts: Sequence[bytes | memoryview]) -> bytes:
    """Join parts: a line with the checksum of the rest, a line with their lengths, the parts."""
    rest = b" ".join(b"%d" % len(part) for part in parts) + b"\n" + b"".join(parts)
    return _MAGIC + b"%08x\n" % zlib.crc32(rest) + rest


def _unframed(content: bytes) -> list[memoryview]:
    """Return the parts of what `_framed` made; `ValueError` for anything else."""
    start = len(_MAGIC) + len(b"00000000\n")
    whole = memoryview(content)  # nothing is copied: most of it may never be looked at
    if whole[:start] != _MAGIC + b"%08x\n" % zlib.crc32(whole[start:]):
        raise ValueError("the copy is damaged, or another edgectl's")
    at = content.index(b"\n", start) + 1
    parts: list[memoryview] = []
    for length in map(int, content[start:at].split()):
        parts.append(whole[at : at + length])
        at += length
    return parts


def _parsed(part: memoryview) -> dict[str, str]:
    found: dict[str, str] = json.loads(str(part, "ascii"))
    return found


def _json(value: Mapping[str, str]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")
