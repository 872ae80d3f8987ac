"""A host's work as it travels to a worker: only what is needed to do it, and nothing twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edgectl.clock import Clock
from edgectl.engine.ports import HostWork
from edgectl.remote.job import Job


@dataclass(frozen=True, slots=True)
class Parcel:
    """Work without its blobs; `blobs` are those that the worker does not have yet, `digests` all that the job wants.

    `left_s` is the time to the run's deadline: each machine has a monotonic clock of its own.
    """

    work: HostWork
    left_s: float
    blobs: Mapping[str, str]
    digests: Sequence[str] = ()


class Packer:
    """Packs for one worker; remembers what that worker has."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent: set[str] = set()

    def pack(self, work: HostWork) -> Parcel:
        """Return what to send. It has to arrive, or the worker with all that it has is lost."""
        # How to reach a host and what to do there is all that a worker needs; variables are in the job.
        lean = replace(work, host=replace(work.host, vars={}, labels={}, groups=(), origins={}))
        left_s = work.patience.until - self._clock.monotonic()
        if not isinstance(work.errand, Job):
            return Parcel(lean, left_s, {})
        job = work.errand
        blobs = {digest: content for digest, content in job.blobs.items() if digest not in self._sent}
        self._sent.update(blobs)
        return Parcel(replace(lean, errand=replace(job, blobs={})), left_s, blobs, tuple(job.blobs))


class Unpacker:
    """The worker's side of a `Packer`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._blobs: dict[str, str] = {}

    def unpack(self, parcel: Parcel) -> HostWork:
        """Return the work."""
        self._blobs.update(parcel.blobs)
        until = self._clock.monotonic() + parcel.left_s
        work = replace(parcel.work, patience=replace(parcel.work.patience, until=until))
        if not isinstance(work.errand, Job):
            return work
        blobs = {digest: self._blobs[digest] for digest in parcel.digests}
        return replace(work, errand=replace(work.errand, blobs=blobs))
