"""Make sure that SSH knows a host's key, or does not."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import os

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Literal, NamedTuple
from edgectl.remote.result import TaskResult, failed

REPEAT = "idempotent"
TOUCHES = "path"
STARTS_NOTHING = True
_HASHED = "|1|"


@dataclass(frozen=True)
class Args:
    """Name the host, and its key as a line of known_hosts."""

    name: str = arg(aliases=("host",), doc="The host, [host]:port where the port is not 22.")
    key: str | None = arg(
        None, doc="The line: the host, the kind and the key; absent means all keys, with state=absent."
    )
    path: str = arg("~/.ssh/known_hosts", doc="The file; its folder must be there.")
    hash_host: bool = arg(False, doc="Write a digest in place of the host's name.")
    state: Literal["absent", "present"] = arg("present", doc="Whether the key should be there.")

    def __post_init__(self) -> None:
        """Refuse a line that is none, and several hosts."""
        if self.state == "present" and not self.key:
            raise ValueError("'key' is needed with state=present: the line that ssh-keyscan prints")
        if "," in self.name:
            raise ValueError("'name' is one host: write a task for each, or a loop")


class Key(NamedTuple):
    """One line of known_hosts; `marker` is @cert-authority, @revoked or empty."""

    marker: str
    host: str
    kind: str
    key: str


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the file to the line that is wanted; one key of a kind for each host, as with Ansible."""
    path, host = files.expanded(args.path), args.name.lower()
    wanted = None if not args.key else parsed(args.key)
    if args.key and (wanted is None or not is_for(wanted.host, host)):
        return failed(f"'key' is no line of known_hosts for {host}: it begins with the host's name")
    before = files.read(path)
    lines = (before or b"").decode("utf-8", "surrogateescape").splitlines(keepends=True)
    after = edited(lines, args, host, wanted).encode("utf-8", "surrogateescape")
    if after == (before or b""):
        return TaskResult()
    if not context.check:
        if not os.path.isdir(os.path.dirname(path)):
            return failed(f"there is no folder {os.path.dirname(path)}: make it first")
        files.write_atomically(path, after)
    diff = files.text_diff(path, before, after) if context.diff else None
    return TaskResult(changed=True, diff=diff)


def edited(lines: list[str], args: Args, host: str, wanted: Key | None) -> str:
    """Return the file with the line that is wanted, or without what is not."""
    known = [(number, parsed(line)) for number, line in enumerate(lines)]
    found = [(number, key) for number, key in known if key is not None and is_for(key.host, host)]
    if args.state == "absent" and wanted is None:
        gone = {number for number, key in found if not key.marker}
        return "".join(line for number, line in enumerate(lines) if number not in gone)
    assert wanted is not None  # noqa: S101 - Args refuses it
    same = next((number for number, key in found if _is_same(key, wanted)), None)
    if args.state == "absent":
        return "".join(line for number, line in enumerate(lines) if number != same)
    if same is not None and (lines[same].split()[0].startswith(_HASHED) or not args.hash_host):
        return "".join(lines)
    other = next((number for number, key in found if _takes_place_of(key, wanted)), same)
    kept = [line for number, line in enumerate(lines) if number != other]
    if kept and not kept[-1].endswith("\n"):
        kept[-1] += "\n"
    return "".join([*kept, _written(str(args.key), host, hashed=args.hash_host)])


def _is_same(found: Key, wanted: Key) -> bool:
    """Tell whether it is the same key of the host, under its name or under a digest of it."""
    same_host = found.host == wanted.host or found.host.startswith(_HASHED)
    return same_host and (found.marker, found.kind, found.key) == (wanted.marker, wanted.kind, wanted.key)


def _takes_place_of(found: Key, wanted: Key) -> bool:
    return not found.marker and found.kind == wanted.kind


def _written(line: str, host: str, *, hashed: bool) -> str:
    words = line.strip().split()
    if not hashed:
        return line if line.endswith("\n") else line + "\n"
    salt = os.urandom(20)
    words[1 if words[0].startswith("@") else 0] = f"{_HASHED}{_base64(salt)}|{_base64(_digest(salt, host))}"
    return " ".join(words) + "\n"


def parsed(line: str) -> Key | None:
    """Return a line's parts, or None for a comment and what is no key."""
    words = line.split()
    marker = words.pop(0) if words and words[0].startswith("@") else ""
    if len(words) < 3 or words[0].startswith("#"):  # noqa: PLR2004 - host, kind, key
        return None
    return Key(marker, *words[:3])


def is_for(hosts: str, host: str) -> bool:
    """Tell whether the first word of a line means the host: a name, a pattern, or a digest of the name."""
    if hosts.startswith(_HASHED):
        salt, _, digest = hosts[len(_HASHED) :].partition("|")
        try:
            return _digest(base64.b64decode(salt), host) == base64.b64decode(digest)
        except binascii.Error:
            return False
    patterns = hosts.lower().split(",")
    if any(_matches(host, pattern[1:]) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(_matches(host, pattern) for pattern in patterns)


def _matches(host: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(host, pattern.replace("[", "[[]"))


def _digest(salt: bytes, host: str) -> bytes:
    import hmac

    return hmac.new(salt, host.encode(), "sha1").digest()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
