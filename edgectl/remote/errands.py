"""What the controller asks of a host, and how that travels."""

from __future__ import annotations

from edgectl.remote.job import OWN, Job, Play, Task
from edgectl.remote.lean import Any, Dict, NamedTuple, Optional, Union, import_module
from edgectl.remote.wire_json import dumps, loads


class Attach(NamedTuple):
    """Hear of a job what its journal says, until its end; start nothing."""

    id: str
    become: bool = False  # the job became root, so its journal is root's

    @property
    def run(self) -> str:
        """Return the run that the job is of."""
        return self.id.partition(".")[0]


class Cancel(NamedTuple):
    """Stop a job, with every process that it started."""

    id: str
    by: str
    become: bool = False

    @property
    def run(self) -> str:
        """Return the run that the job is of."""
        return self.id.partition(".")[0]


# What a host is asked for. A job is started where it is absent, else come back to.
Errand = Union[Job, Attach, Cancel]


class Request(NamedTuple):
    """An errand as it travels: what is particular to this attempt, beside the job itself.

    `confirms` is the number of a task whose change is confirmed by this very login.
    """

    verb: str  # start, attach or cancel
    job: str
    digest: str = ""
    after: int = 0
    by: str = ""
    secrets: Dict[str, str] = {}  # noqa: RUF012 - never written to
    confirms: Optional[int] = None
    attempt: int = 0


def decode_job(raw: bytes, request: Request) -> Job:
    """Return the job with what came beside it, its own modules known; the inverse of `encode_job`."""
    fields = loads(raw)
    fields["plays"] = [_play(play) for play in fields["plays"]]
    own = {"secrets": request.secrets, "started_by": request.by, "attempt": request.attempt}
    if fields["own"]:
        import_module(OWN).take_in(fields["own"])
    return Job(**{**fields, **own})


def encode_request(request: Request) -> bytes:
    """Return a request as JSON."""
    return dumps(request._asdict()).encode()


def decode_request(raw: bytes) -> Request:
    """Return the request; the inverse of `encode_request`."""
    return Request(**loads(raw))


def _play(fields: Dict[str, Any]) -> Play:
    return Play(
        name=fields["name"],
        vars=fields["vars"],
        tasks=[Task(**task) for task in fields["tasks"]],
        handlers=[Task(**task) for task in fields["handlers"]],
        blocks=fields["blocks"],
    )
