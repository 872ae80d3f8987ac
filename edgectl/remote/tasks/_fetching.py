"""One file into the blob store: resumed where it stopped, proved by its digest, mended piece by piece."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time

from edgectl.remote import durable
from edgectl.remote.lean import Any, Callable, Iterator, NamedTuple, Optional, suppress
from edgectl.remote.tasks import _http, _logins, _pieces
from edgectl.remote.tasks._logins import Login
from edgectl.remote.tasks._pieces import Pieces
from edgectl.remote.tasks.blob import PROVEN_NS, path_of

_OK, _PART, _SATISFIED, _COMING = 200, 206, 416, 503
_BAD_REQUEST, _SERVER_ERROR = 400, 500
_COPY_BYTES = 1024 * 1024
_TRIES = 5
_PAUSE_S = 1.0
_UNKNOWN = Pieces(1024 * 1024, ())
_READING_S = 300  # a neighbour reads the file before it says what its pieces are


class Source(NamedTuple):
    """Where bytes come from: the origin, with its own URL for each file, or a neighbour's relay."""

    url: str
    token: str = ""
    bandwidth: float = 0.0  # bytes per second, 0 for as many as there are
    login: Optional[Login] = None

    @property
    def is_origin(self) -> bool:
        """Tell whether it is no neighbour."""
        return not self.token

    def headers(self) -> dict[str, str]:
        """Return what it is asked with."""
        if self.login is not None:
            return _logins.headers(self.login, "GET", self.url, time.time())
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


class Wanted(NamedTuple):
    """A file by its digest, and the folder of blobs that it goes to."""

    sha256: str
    blobs: str
    at: Callable[[int, Optional[int]], Any] = lambda _done, _size: (
        None
    )  # how many bytes are there, and of how many
    pieces: Optional[Pieces] = None  # as the lock has them

    @property
    def place(self) -> str:
        """Return where it lies once it is proven."""
        return path_of(self.blobs, self.sha256)

    @property
    def partial(self) -> str:
        """Return where it grows."""
        return os.path.join(self.blobs, "partial", f"{self.sha256}.part")


class Got(NamedTuple):
    """How fetching went: why not, with the status of the answer (-1: none came), and how many bytes were moved."""

    problem: str = ""
    status: int = 0
    bytes: int = 0

    @property
    def is_coming(self) -> bool:
        """Tell whether a neighbour still fetches it."""
        return self.status == _COMING

    @property
    def is_refused(self) -> bool:
        """Tell whether asking again would be answered the same: it is not there, or not for us."""
        return _BAD_REQUEST <= self.status < _SERVER_ERROR

    @property
    def is_silent(self) -> bool:
        """Tell whether nobody answered, as where a neighbour has not begun."""
        return self.status < 0


@contextlib.contextmanager
def alone(wanted: Wanted) -> Iterator[None]:
    """Be the only one who writes partial files here: a task whose runner was killed goes on for a moment."""
    folder = os.path.dirname(wanted.partial)
    os.makedirs(folder, 0o755, exist_ok=True)
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def fetch(wanted: Wanted, source: Source) -> Got:
    """Bring a file from one source into the partial file, from where that ends; one that breaks off is asked again."""
    total, stalled = 0, 0
    while True:
        before = _size(wanted.partial)
        got = _read_on(wanted, source, before)
        total += got.bytes
        if not got.problem or got.is_refused or (got.is_coming and not source.is_origin):
            return got._replace(bytes=total)
        stalled = 0 if _size(wanted.partial) > before else stalled + 1
        if stalled >= _TRIES or (stalled and not source.is_origin):
            return got._replace(bytes=total)
        time.sleep(_PAUSE_S * stalled)


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0


def _read_on(wanted: Wanted, source: Source, have: int) -> Got:
    headers = {**source.headers(), **({"Range": f"bytes={have}-"} if have else {})}
    request = _http.Request(source.url, headers=headers, timeout_s=30, use_proxy=source.is_origin)
    with _http.opened(request) as answer:
        if answer.status == _SATISFIED:
            return Got()
        if answer.status not in (_OK, _PART):
            said = answer.problem or f"the server answers {answer.status}"
            return Got(f"{_http.masked(source.url)}: {said}", answer.status)
        with open(wanted.partial, "ab") as stream:
            if answer.status == _OK:
                stream.truncate(0)
            pacing = _Paced(
                stream, source.bandwidth, _noting(wanted, have if answer.status == _PART else 0, answer)
            )
            problem = answer.copy_to(pacing.write)
    return Got(f"{_http.masked(source.url)}: {problem}" if problem else "", bytes=pacing.written)


def _noting(wanted: Wanted, have: int, answer: _http.Answer) -> Callable[[int], Any]:
    said = answer.headers.get("content-length", "")
    size = have + int(said) if said.isdigit() else None
    return lambda moved: wanted.at(have + moved, size)


class _Paced:
    """Writes no faster than it may, and notes how far it is."""

    def __init__(self, stream: object, bandwidth: float, note: Callable[[int], Any]) -> None:
        self._write = stream.write  # type: ignore[attr-defined]
        self._bandwidth = bandwidth
        self._note = note
        self._began = time.monotonic()
        self.written = 0

    def write(self, piece: bytes) -> None:
        self._write(piece)
        self.written += len(piece)
        self._note(self.written)
        if self._bandwidth:
            time.sleep(max(0.0, self._began + self.written / self._bandwidth - time.monotonic()))


def is_whole(wanted: Wanted) -> bool:
    """Tell whether the partial file is the wanted one."""
    if not os.path.exists(wanted.partial):
        return False
    running = hashlib.sha256()
    with open(wanted.partial, "rb") as stream:
        for piece in iter(lambda: stream.read(_COPY_BYTES), b""):
            running.update(piece)
    return running.hexdigest() == wanted.sha256


def mend(wanted: Wanted, source: Source) -> Got:
    """Take from a source the pieces that are wrong here; all anew from an origin, where nobody knows which."""
    right = wanted.pieces or pieces_of(source)
    wrong = right.differing(_pieces.of_file(wanted.partial, right.each_bytes))
    if source.is_origin and not wrong:
        return _anew(wanted, source)
    total = 0
    for number in wrong:
        got = _mend_piece(wanted, source, number, right.each_bytes)
        total += got.bytes
        if got.status == _OK:  # it knows no ranges
            return _anew(wanted, source)
        if got.problem:
            return got._replace(bytes=total)
    return Got(bytes=total)


def _anew(wanted: Wanted, source: Source) -> Got:
    drop(wanted)
    return fetch(wanted, source)


def pieces_of(source: Source) -> Pieces:
    """Return the marks that a neighbour has of its copy's pieces; none of an origin, or of one that does not say."""
    if source.is_origin:
        return _UNKNOWN
    request = _http.Request(
        f"{source.url}/pieces", headers=source.headers(), timeout_s=_READING_S, use_proxy=False
    )
    with _http.opened(request) as answer:
        if answer.status != _OK:
            return _UNKNOWN
        each, marks = json.loads(answer.read_text())
    return Pieces(int(each), tuple(str(mark) for mark in marks))


def _mend_piece(wanted: Wanted, source: Source, number: int, each: int) -> Got:
    """Write one piece in its place; a server that gives the whole file instead is read no further."""
    first = number * each
    headers = {**source.headers(), "Range": f"bytes={first}-{first + each - 1}"}
    request = _http.Request(source.url, headers=headers, timeout_s=30, use_proxy=source.is_origin)
    with _http.opened(request) as answer, open(wanted.partial, "r+b") as stream:
        if answer.status != _PART:
            said = answer.problem or f"the server answers {answer.status}"
            return Got(f"{_http.masked(source.url)}: {said}", answer.status)
        stream.seek(first)
        pacing = _Paced(stream, source.bandwidth, lambda _moved: None)
        problem = answer.copy_to(pacing.write)
    return Got(problem, _PART, pacing.written)


def drop(wanted: Wanted) -> None:
    """Let go of what was fetched."""
    with suppress(FileNotFoundError):
        os.unlink(wanted.partial)


def keep(wanted: Wanted) -> None:
    """Put the proven file into the store for good."""
    os.makedirs(os.path.dirname(wanted.place), 0o755, exist_ok=True)
    os.chmod(wanted.partial, 0o444)
    os.utime(wanted.partial, ns=(PROVEN_NS, PROVEN_NS))
    with open(wanted.partial, "rb") as stream:
        os.fsync(stream.fileno())
    os.replace(wanted.partial, wanted.place)
    durable.sync(os.path.dirname(wanted.place))
