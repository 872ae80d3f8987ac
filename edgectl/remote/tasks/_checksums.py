"""The checksums that get_url is given: a digest, or a list of them somewhere."""

from __future__ import annotations

import hashlib
import re

from edgectl.remote import files
from edgectl.remote.lean import NamedTuple

_BSD = re.compile(r"^\w+ ?\((?P<name>.+)\) ?= (?P<digest>\w+)$")
_GNU = re.compile(r"^(?P<digest>\w+)\s+[*]?(?:\./)?(?P<name>.+)$")


class Checksum(NamedTuple):
    """An algorithm, and a digest in lower case or the URL of a list."""

    algorithm: str
    digest: str

    @property
    def is_url(self) -> bool:
        """Tell whether the digest is still to be looked up."""
        return "://" in self.digest

    def fits(self, path: str) -> bool:
        """Tell whether a file has this digest."""
        return files.digest(path, self.algorithm) == self.digest

    def found(self, digest: str | None, name: str) -> Checksum:
        """Return this with the digest that the list has; `ValueError` where it has none."""
        if digest is None:
            raise ValueError(f"Unable to find a checksum for file '{name}' in '{self.digest}'")
        return parse(f"{self.algorithm}:{digest}")


def parse(text: str) -> Checksum:
    """Read algorithm:digest; `ValueError` for what is none."""
    algorithm, colon, digest = text.partition(":")
    if not colon or algorithm.lower() not in hashlib.algorithms_available:
        raise ValueError(f"'{text}' is no checksum: write <algorithm>:<digest>, such as sha256:9f86…")
    if "://" in digest:
        return Checksum(algorithm.lower(), digest)
    digest = re.sub(r"\W+", "", digest).lower()
    size = hashlib.new(algorithm.lower(), usedforsecurity=False).digest_size * 2
    if not re.fullmatch(r"[0-9a-f]+", digest) or (size and len(digest) != size):
        raise ValueError(f"'{digest}' is no {algorithm} digest: it has {size} hexadecimal digits")
    return Checksum(algorithm.lower(), digest)


def find_in(listed: str, name: str) -> str | None:
    """Return the digest of a file in what sha256sum or its BSD kin wrote, or the only word there is."""
    lines = [line.strip() for line in listed.splitlines() if line.strip()]
    if len(lines) == 1 and len(lines[0].split()) == 1:
        return lines[0]
    for line in lines:
        match = _BSD.match(line) or _GNU.match(line)
        if match is not None and match.group("name") == name:
            return match.group("digest")
    return None
