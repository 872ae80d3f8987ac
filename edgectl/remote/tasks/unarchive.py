"""Unpack an archive at the host."""

from __future__ import annotations

import os

from edgectl.remote import files, ownership
from edgectl.remote.args import Mode, arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Iterator
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks import _archives

REPEAT = "idempotent"
# The controller finds `src` in this folder beside the playbook and sends it along.
SENDS = "files"


@dataclass(frozen=True)
class Args:
    """Name the archive and the folder; a tar file of any compression the host's tar knows, or a zip file."""

    src: str = arg(doc="The archive, a file here.")
    dest: str = arg(doc="The folder to unpack it in; it must be there.")
    remote_src: bool = arg(False, doc="Look for src at the host, not here; an address wants get_url first.")
    creates: str | None = arg(None, doc="Skip the task where this path exists.")
    list_files: bool = arg(False, doc="Return the names in the archive as files.")
    keep_newer: bool = arg(False, doc="Leave files that are newer than in the archive.")
    exclude: list[str] = arg(factory=list, doc="Names or patterns to leave out.")
    include: list[str] = arg(factory=list, doc="Nothing but these names or patterns.")
    extra_opts: list[str] = arg(factory=list, doc="More options for tar, a word each.")
    mode: Mode | None = arg(None, doc='Mode of all that is unpacked, such as "u=rwX,go=rX".')
    owner: str | None = arg(None, doc="Owner, by name or number.")
    group: str | None = arg(None, doc="Group, by name or number.")
    decrypt: bool = arg(True, doc="Accepted for Ansible's sake; there is nothing to decrypt.")
    io_buffer_size: int = arg(65536, doc="Accepted for Ansible's sake.")
    validate_certs: bool = arg(True, doc="Accepted for Ansible's sake; nothing is fetched.")
    sources: list[list[Any]] | None = arg(None, doc="[relative path, sha256, mode] each.", internal=True)

    def __post_init__(self) -> None:
        """Refuse two choices of names, and an archive from the web."""
        if self.include and self.exclude:
            raise ValueError("give 'include' or 'exclude', not both")
        if "://" in self.src:
            raise ValueError("'src' is an address: fetch it with get_url and its checksum, then unpack it")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Compare what is there with the archive, unpack what differs, and compare again."""
    if args.creates is not None and os.path.exists(files.expanded(args.creates)):
        return TaskResult(msg=f"skipped, since {args.creates} exists", values={"skipped": True})
    attributes = Attributes(args.mode, args.owner, args.group)
    dest = files.expanded(args.dest)
    problem = ownership.complaint(attributes, check=context.check)
    if problem or not os.path.isdir(dest):
        return failed(problem or f"dest '{args.dest}' must be an existing dir: make it first with 'file'")
    if args.remote_src:
        return _from(files.expanded(args.src), dest, args, context)
    if [source[0] for source in args.sources or []] != [""]:
        return failed(f"{args.src} is a folder and no archive")
    import tempfile

    with tempfile.TemporaryDirectory(prefix="edgectl-archive-") as folder:
        path = os.path.join(folder, os.path.basename(args.src))
        with open(path, "wb") as stream:
            stream.write(context.blobs[(args.sources or [])[0][1]])
        return _from(path, dest, args, context)


def _from(src: str, dest: str, args: Args, context: TaskContext) -> TaskResult:
    if not os.path.isfile(src):
        return failed(f"Source '{src}' does not exist: with remote_src it must be at the host")
    choice = _archives.Choice(args.include, args.exclude, args.extra_opts, args.keep_newer)
    kind = _archives.ZipFile if _archives.is_zip(src) else _archives.TarFile
    archive = kind(src, dest, choice, Attributes(args.mode, args.owner, args.group), context.proc)
    try:
        names = archive.names()
        values: dict[str, Any] = {"dest": args.dest, "src": args.src, "handler": archive.handler}
        values.update({"files": names} if args.list_files else {})
        differs = archive.differences()
        if context.check:
            values.update(ownership.described(dest))
            return TaskResult(bool(differs), values=values, diff=_prepared(differs, context))
        if differs:
            archive.unpack()
    except _archives.ArchiveError as error:
        # Where it lies for the moment differs from host to host: alike failures are to be told as one.
        return failed(str(error).replace(src, args.src))
    dressed = [_dress(path, args) for path in _paths(dest, names)]
    left = archive.differences() if differs and not args.keep_newer else ""
    if left:
        return failed(f"{dest} still differs from the archive after it was unpacked: {left}", **values)
    values.update(ownership.described(dest))
    return TaskResult(bool(differs) or any(dressed), values=values, diff=_prepared(differs, context))


def _dress(path: str, args: Args) -> bool:
    attributes = Attributes(args.mode, args.owner, args.group)
    return os.path.lexists(path) and ownership.set_attributes(path, attributes, check=False, follow=False)


def _paths(dest: str, names: list[str]) -> Iterator[str]:
    """Yield what was unpacked, and the folders right below dest that the archive does not name itself."""
    tops = {name.partition("/")[0]: None for name in names if "/" in name}
    for name in {**dict.fromkeys(name.rstrip("/") for name in names), **tops}:
        yield os.path.join(dest, name)


def _prepared(differs: str, context: TaskContext) -> Any:
    return {"prepared": differs} if context.diff and differs else None
