"""Put a file into the host's content-addressed store: there once, and proven by its sha256."""

from __future__ import annotations

import os
import time

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.digests import hasher
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Callable
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, changed, failed, ok

REPEAT = "idempotent"
STARTS_NOTHING = True
_DIGITS = 64
_OK = 200
# The time that a proven file carries, as in the Nix store. Whatever writes to it gives it another, and then it is
# hashed again; hashing a hundred gigabytes in every deployment would take minutes.
PROVEN_NS = 1_000_000_000


@dataclass(frozen=True)
class Args:
    """Where the bytes come from, and which bytes they must be."""

    sha256: str = arg(doc="The digest that names the file and proves it.")
    url: str | None = arg(None, doc="Where the host fetches it; without it the bytes came with the job.")
    logins: str = arg("", doc="What origins are asked with, each under a name.")
    login: str = arg("", doc="Which of them this one is asked with; none without it.")
    timeout: int = arg(30, doc="Seconds of silence after which fetching fails.")

    def __post_init__(self) -> None:
        """Refuse what is no digest."""
        if len(self.sha256) != _DIGITS or set(self.sha256) - set("0123456789abcdef"):
            raise ValueError(f"'sha256' must be 64 lower-case hexadecimal digits, not {self.sha256!r}")


def path_of(blobs: str, sha256: str) -> str:
    """Return where the store keeps a file."""
    return os.path.join(blobs, "sha256", sha256[:2], sha256)


def run(args: Args, context: TaskContext) -> TaskResult:
    """Fetch the file unless it is there; a file whose bytes are others is never kept."""
    path = path_of(context.paths.blobs, args.sha256)
    was_there = os.path.exists(path)
    if was_there and is_proven(path, args.sha256):
        return ok(path=path, size=os.path.getsize(path))
    said = "was damaged, fetched again" if was_there else ""
    if context.check:
        return changed("is damaged, would be fetched again" if was_there else "would be fetched", path=path)
    os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
    try:
        _fetch(args, context, path)
    except files.RefusedError as error:
        return failed(str(error))
    return changed(said, path=path, size=os.path.getsize(path))


def is_proven(path: str, sha256: str) -> bool:
    """Tell whether a file is still the one that was proven, by its time, else by its bytes."""
    if os.stat(path).st_mtime_ns == PROVEN_NS:
        return True
    if files.digest(path, "sha256") != sha256:
        return False
    os.utime(path, ns=(PROVEN_NS, PROVEN_NS))
    return True


def _fetch(args: Args, context: TaskContext, path: str) -> None:
    """Write the file beside its place, prove it, move it there."""
    running = hasher("sha256")

    def prove(beside: str) -> None:
        if running.hexdigest() != args.sha256:
            raise files.RefusedError(f"the bytes have the sha256 {running.hexdigest()}, wanted {args.sha256}")
        os.utime(beside, ns=(PROVEN_NS, PROVEN_NS))

    with files.Replacing(path, Attributes(mode="0444"), validate=prove) as stream:

        def write(chunk: bytes) -> None:
            running.update(chunk)
            stream.write(chunk)

        problem = _receive(args, context, write)
        if problem:
            raise files.RefusedError(problem)


def _receive(args: Args, context: TaskContext, write: Callable[[bytes], Any]) -> str:
    """Hand on the bytes piece by piece; return why they are not all there, or an empty text."""
    if args.url is not None:
        return _download(args.url, args, write)
    if args.sha256 not in context.blobs:
        return f"the job did not bring the bytes of {args.sha256}, and 'url' names no place to fetch them"
    write(context.blobs[args.sha256])
    return ""


def _download(url: str, args: Args, write: Callable[[bytes], Any]) -> str:
    from edgectl.remote.tasks import _http, _logins

    login = _logins.read(args.logins).get(args.login)
    headers = _logins.headers(login, "GET", url, time.time()) if login else {}
    with _http.opened(_http.Request(url, headers=headers, timeout_s=args.timeout)) as answer:
        if answer.status != _OK:
            return f"{url}: {answer.problem or f'the server answers {answer.status}'}"
        problem = answer.copy_to(write)
    return f"{url}: {problem}" if problem else ""
