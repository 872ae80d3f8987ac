"""What one host has to do in one run: plays, their tasks, and all that these need."""

from __future__ import annotations

from edgectl.remote.digests import hasher
from edgectl.remote.frozen import dataclass, field
from edgectl.remote.lean import Any, Dict, FrozenSet, List, Optional
from edgectl.remote.wire_json import dumps

DEFAULT_TASK_TIMEOUT_S = 600.0
# The pseudo-module that runs the handlers notified so far.
FLUSH = "flush"
# A loop that is written as a mapping: `with_items`, which takes lists in its list apart, and `with_dict`.
FLATTENED, ITEMS_OF = "with_items", "with_dict"
# What travels with jobs whose changes a fresh login must confirm.
CONFIRMING = "edgectl.remote.confirming"
# What travels with jobs that have modules of their own.
OWN = "edgectl.remote.own"
# What travels with jobs that have blocks.
BLOCKS = "edgectl.remote.blocks"


@dataclass(frozen=True)
class Task:
    """One task as the host executes it. Texts in `args`, `when` and so on may still hold templates."""

    index: int
    name: str
    module: str
    args: Any
    place: str = ""
    when: List[Any] = field(default_factory=list)
    loop: Any = None
    loop_var: str = "item"
    index_var: Optional[str] = None
    vars: Dict[str, Any] = field(default_factory=dict)
    register: Optional[str] = None
    notify: List[str] = field(default_factory=list)
    listen: List[str] = field(default_factory=list)
    become_user: Optional[str] = None
    environment: Dict[str, Any] = field(default_factory=dict)
    ignore_errors: Any = False
    failed_when: Optional[List[Any]] = None
    changed_when: Optional[List[Any]] = None
    until: Optional[List[Any]] = None
    retries: int = 0
    delay_s: float = 5.0
    check: bool = False
    diff: bool = False
    no_log: bool = False
    timeout_s: float = DEFAULT_TASK_TIMEOUT_S
    confirm_s: float = 0.0  # above 0: the change is taken back unless a fresh login confirms it by then
    undo: str = ""  # for /bin/sh, after the files are back as they were
    by_src: Dict[str, Any] = field(default_factory=dict)  # of a loop over files: what is sent of each
    template: Optional[str] = None  # digest of a file that the host renders into `args["content"]`


@dataclass(frozen=True)
class Play:
    """Tasks over one set of variables; a task of the module `flush` runs the handlers notified so far.

    `blocks` are four positions in `tasks` each, the outer ones before those in them: where the block begins, where
    what rescues it, where what is always done, and where it ends.
    """

    name: str
    vars: Dict[str, Any]
    tasks: List[Task]
    handlers: List[Task]
    blocks: List[List[int]] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """All that one host has to do in one run."""

    run: str
    host: str
    plays: List[Play]
    stage: int = 0  # a run whose plays have different hosts gives one job per stage
    vars: Dict[str, Any] = field(default_factory=dict)
    extra_vars: Dict[str, Any] = field(default_factory=dict)
    secrets: Dict[str, str] = field(default_factory=dict)
    blobs: Dict[str, str] = field(default_factory=dict)  # sha256 -> zlib, base64
    own: Dict[str, str] = field(default_factory=dict)  # the code of modules of the playbook's own, by name
    needs: List[str] = field(default_factory=list)  # what travels with it: jinja2, pynvml, parts of ours
    changes: bool = True  # False: every task only reads; no journal, and no lock of its own
    shares: bool = False  # it changes nothing and bears no changes meanwhile: a benchmark, an active probe
    become: bool = False
    started_by: str = ""
    attempt: int = 0  # one that failed goes on under another name; what it had done is not done again

    def tasks(self) -> List[Task]:
        """Return its tasks and handlers, in order."""
        return [task for play in self.plays for task in (*play.tasks, *play.handlers)]

    def modules(self) -> FrozenSet[str]:
        """Return the modules its tasks use."""
        return frozenset(task.module for task in self.tasks() if task.module != FLUSH)

    @property
    def id(self) -> str:
        """Name the job at its host, the same for every attempt to start it."""
        return job_id(self.run, self.stage, self.attempt)


def job_id(run: str, stage: int, attempt: int) -> str:
    """Return the name of a job at its host: `RUN`, `RUN.1`, and `RUN.0r1`, `RUN.1r1` for a second attempt."""
    if attempt:
        return f"{run}.{stage}r{attempt}"
    return f"{run}.{stage}" if stage else run


def encode_job(job: Job) -> bytes:
    """Return what makes two jobs the same, as JSON: all but the secrets, who asks and how often.

    Where a task was written stays here: another controller may keep the same playbook elsewhere.
    """
    same = {**vars(job), "secrets": {}, "started_by": "", "attempt": 0}
    return dumps(same, default=_without_place).encode()


def _without_place(part: Any) -> Dict[str, Any]:
    return {name: value for name, value in vars(part).items() if name != "place"}


def digest_of(encoded: bytes) -> str:
    """Return the digest by which a host knows a job."""
    whole = hasher("sha256")
    whole.update(encoded)
    return str(whole.hexdigest())
