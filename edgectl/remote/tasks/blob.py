"""Put a file into the host's content-addressed store: there once, and proven by its sha256."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Any, Callable

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, changed, failed, ok

REPEAT = "idempotent"
SENDS = "files"
_DIGITS = 64


@dataclass(frozen=True)
class Args:
    """Where the bytes come from, and which bytes they must be."""

    sha256: str = arg(doc="The digest that names the file and proves it.")
    url: str | None = arg(None, doc="Where the host fetches it: http, https or file.")
    src: str | None = arg(None, doc="A file at the controller; it travels with the job.")
    timeout: int = arg(30, doc="Seconds of silence after which fetching fails.")
    sources: list[Any] | None = arg(None, internal=True, doc='["", sha256, mode] of a file that travelled.')

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
    if os.path.exists(path):
        return ok(path=path, size=os.path.getsize(path))
    if context.check:
        return changed("would be fetched", path=path)
    os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
    try:
        problem = _fetch(args, context, path)
    except files.RefusedError as error:
        problem = str(error)
    if problem:
        return failed(problem)
    return changed(path=path, size=os.path.getsize(path))


def _fetch(args: Args, context: TaskContext, path: str) -> str:
    """Write the file beside its place, prove it, move it there; return what is wrong, or an empty text."""
    hasher = hashlib.sha256()

    def prove(_beside: str) -> None:
        if hasher.hexdigest() != args.sha256:
            raise files.RefusedError(f"the bytes have the sha256 {hasher.hexdigest()}, wanted {args.sha256}")

    with files.replacing(path, Attributes(mode="0444"), validate=prove) as stream:

        def write(chunk: bytes) -> None:
            hasher.update(chunk)
            stream.write(chunk)

        if args.url is None:
            write(context.blobs[args.sha256])
            return ""
        problem = _download(args.url, args.timeout, write)
        if problem:
            raise files.RefusedError(f"{args.url}: {problem}")
    return ""


def _download(url: str, timeout_s: float, write: Callable[[bytes], Any]) -> str:
    from edgectl.remote.tasks import _http

    with _http.opened(_http.Request(url, timeout_s=timeout_s)) as answer:
        if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
            return answer.problem or f"the server answers {answer.status}"
        return answer.copy_to(write)
