"""Pinned host keys, in a dictionary of our own: read once, never written during a run.

paramiko's own known_hosts loader takes quadratic time (paramiko/paramiko#2251).
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgectl.errors import InputError, Place, Problem

_SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public host key: its type as in known_hosts, and the key in base64."""

    kind: str
    base64: str

    @property
    def fingerprint(self) -> str:
        """Return OpenSSH's SHA256 fingerprint."""
        return fingerprint(base64.b64decode(self.base64))


def fingerprint(blob: bytes) -> str:
    """Return OpenSSH's SHA256 fingerprint of a public key's wire form."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def name_of(address: str, port: int) -> str:
    """Return how known_hosts calls an address at a port."""
    return address if port == _SSH_PORT else f"[{address}]:{port}"


class KnownHosts:
    """All pinned keys by name."""

    def __init__(self, keys: Mapping[str, frozenset[HostKey]]) -> None:
        self._keys = keys

    def of(self, *names: str) -> frozenset[HostKey]:
        """Return the keys pinned for the first of these names that has any."""
        for name in names:
            if name in self._keys:
                return self._keys[name]
        return frozenset()


def load(path: Path) -> KnownHosts:
    """Read a known_hosts file; a missing one pins nothing."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return KnownHosts({})
    except (OSError, UnicodeDecodeError) as error:
        raise InputError([Problem(f"cannot read: {error}", Place(path))]) from None
    return KnownHosts(_by_name(path, lines))


def _by_name(path: Path, lines: Iterable[str]) -> dict[str, frozenset[HostKey]]:
    found: dict[str, set[HostKey]] = defaultdict(set)
    revoked: set[HostKey] = set()
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        marker = words.pop(0) if words[0].startswith("@") else ""
        if marker == "@cert-authority":
            continue  # paramiko verifies no host certificates; a plain key must be pinned beside it
        if len(words) < 3 or not _is_base64(words[2]):  # noqa: PLR2004 - names, type, key
            message = "a line of known_hosts is: name key-type base64-key"
            raise InputError([Problem(message, Place(path, number))], hint="edgectl trust scan")
        if words[0].startswith("|"):
            message = "this name is hashed (HashKnownHosts); pin the key under the host's name or address"
            raise InputError([Problem(message, Place(path, number))], hint="edgectl trust scan")
        key = HostKey(words[1], words[2])
        if marker == "@revoked":
            revoked.add(key)
            continue
        for name in words[0].split(","):
            found[name].add(key)
    return {name: frozenset(keys - revoked) for name, keys in found.items()}


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False


def parse_key(text: str) -> HostKey:
    """Return the key in a text like `ssh-ed25519 AAAA… comment`, as `host_key` in an inventory holds it."""
    kind, key = text.split()[:2]
    return HostKey(kind, key)
