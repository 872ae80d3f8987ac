"""Bring a model's files into the blob store: one host of a PoP from the origin, the others from their neighbours."""

from __future__ import annotations

import os
import time
from functools import partial

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Callable, Optional
from edgectl.remote.result import TaskResult, changed, failed, ok
from edgectl.remote.tasks import _fetching, _logins, _pieces, _relay
from edgectl.remote.tasks._fetching import Got, Source, Wanted
from edgectl.remote.tasks._meter import Meter
from edgectl.remote.tasks.blob import is_proven

REPEAT = "idempotent"
_STEP_S = 1.0
_MENDINGS = 3


@dataclass(frozen=True)
class Args:
    """The files, and who near here has them or will."""

    files: list[dict[str, Any]] = arg(
        doc="Each file's name, sha256 and url; its size and the marks of its pieces, if known."
    )
    listen: str = arg("", doc="ADDRESS:PORT where neighbours may ask this host; none without it.")
    neighbours: list[str] = arg(factory=list, doc="ADDRESS:PORT of those that fetch before this host does.")
    token: str = arg("", doc="What the neighbours of this run show each other.")
    logins: str = arg("", doc="What origins are asked with, by the name that a file's 'login' is.")
    bandwidth: float = arg(0.0, doc="Bytes per second from the origin; 0 for as many as there are.")
    patience: float = arg(60.0, doc="Seconds until neighbours that do not answer are not waited for.")
    idle: float = arg(120.0, doc="Seconds after which the relay ends when nobody asks.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Fetch what is missing, and give it on for a while."""
    meter = Meter(context.tell, [one.get("size") for one in args.files])
    wanted = [
        (one, _wanted(one, context.paths.blobs, partial(meter.at, number)))
        for number, one in enumerate(args.files)
    ]
    missing = [(one, want) for one, want in wanted if not _is_there(want)]
    if context.check:
        said = f"would fetch {len(missing)} of {len(wanted)} files"
        return changed(said) if missing else ok()
    if args.listen:
        address, _, port = args.listen.rpartition(":")
        terms = _relay.Terms(
            address, int(port), args.token, context.paths.blobs, context.paths.state, args.idle
        )
        problem = _relay.start(terms)
        if problem:
            return failed(problem)
    logins, moved = _logins.read(args.logins), _Moved()
    meter.say()
    for one, want in missing:
        origin = Source(one["url"], "", args.bandwidth, logins.get(one.get("login", "")))
        problem = _Fetching(args, origin, want, moved).carry_out()
        if problem:
            return failed(f"{one['name']}: {problem}", **moved.figures())
    meter.say()
    return changed(**moved.figures()) if missing else ok(**moved.figures())


def _wanted(file: dict[str, Any], blobs: str, at: Callable[[int, Optional[int]], Any]) -> Wanted:
    pieces = _pieces.read(file.get("pieces", ""), file.get("size"))
    return Wanted(file["sha256"], blobs, at, pieces)


def _is_there(wanted: Wanted) -> bool:
    if not (os.path.exists(wanted.place) and is_proven(wanted.place, wanted.sha256)):
        return False
    size = os.path.getsize(wanted.place)
    wanted.at(size, size)
    return True


class _Moved:
    """How many bytes came from where."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.origin = self.neighbours = self.mended = 0

    def add(self, source: Source, got: Got) -> None:
        if source.is_origin:
            self.origin += got.bytes
        else:
            self.neighbours += got.bytes

    def figures(self) -> dict[str, Any]:
        return {
            "from_origin": self.origin,
            "from_neighbours": self.neighbours,
            "mended": self.mended,
            "seconds": round(time.monotonic() - self._began, 3),
        }


class _Fetching:
    """One file, from the first source that has it."""

    def __init__(self, args: Args, origin: Source, wanted: Wanted, moved: _Moved) -> None:
        self._args = args
        self._wanted = wanted
        self._moved = moved
        self._origin = origin
        # The nearest in order first: so each gives to the next one, and none to all.
        self._near = [
            Source(f"http://{place}/{wanted.sha256}", args.token) for place in reversed(args.neighbours)
        ]

    def carry_out(self) -> str:
        """Fetch, prove, mend, keep, unless another one did; return why not, or an empty text."""
        with _fetching.alone(self._wanted):
            return "" if _is_there(self._wanted) else self._carried_out()

    def _carried_out(self) -> str:
        problem = self._fetched()
        if problem:
            return problem
        # Pieces that came from elsewhere earlier may be the wrong ones, so whoever gave the rest is asked as well.
        for other in (*self._near, *[self._origin] * _MENDINGS):
            if _fetching.is_whole(self._wanted):
                break
            self._moved.mended += 1
            # What one source says of the pieces serves for the next one, and for the origin, which says nothing.
            if not (self._wanted.pieces and self._wanted.pieces.marks):
                self._wanted = self._wanted._replace(pieces=_fetching.pieces_of(other))
            got = _fetching.mend(self._wanted, other)
            self._moved.add(other, got)
            problem = got.problem
        if not _fetching.is_whole(self._wanted):
            _fetching.drop(self._wanted)
            digest = self._wanted.sha256[:12]
            return problem or f"what its sources give has another sha256 than {digest}…: nothing was kept"
        _fetching.keep(self._wanted)
        return ""

    def _fetched(self) -> str:
        """Take it from a neighbour, for as long as one has it or will; else from the origin."""
        give_up = time.monotonic() + self._args.patience
        while self._near:
            asked = []
            for source in self._near:
                asked.append(_fetching.fetch(self._wanted, source))
                self._moved.add(source, asked[-1])
                if not asked[-1].problem:
                    return ""
            if any(got.is_coming for got in asked):
                give_up = time.monotonic() + self._args.patience
            elif not any(got.is_silent for got in asked) or time.monotonic() > give_up:
                break
            time.sleep(_STEP_S)
        got = _fetching.fetch(self._wanted, self._origin)
        self._moved.add(self._origin, got)
        return got.problem
