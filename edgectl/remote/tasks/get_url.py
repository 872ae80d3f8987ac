"""Fetch a file from a web server to the host."""

from __future__ import annotations

import os
import time

from edgectl.remote import files, ownership
from edgectl.remote.args import Mode, arg
from edgectl.remote.context import TaskContext
from edgectl.remote.digests import hasher
from edgectl.remote.frozen import dataclass, replace
from edgectl.remote.lean import IO, Any
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks import _http
from edgectl.remote.tasks._checksums import Checksum, find_in, parse

REPEAT = "idempotent"
_OK = 200
_NOT_MODIFIED = 304


@dataclass(frozen=True)
class Args:
    """Name the URL and the file."""

    url: str = arg(doc="What to fetch.")
    dest: str = arg(doc="The file at the host, or the folder to put it in.")
    checksum: str | None = arg(None, doc="algorithm:digest, or algorithm:URL of a list of digests.")
    force: bool = arg(False, doc="Fetch even where the file is there already.")
    backup: bool = arg(False, doc="Keep the old file beside the new one.")
    mode: Mode | None = arg(None, doc='Mode of the file, such as "0644".')
    owner: str | None = arg(None, doc="Owner, by name or number.")
    group: str | None = arg(None, doc="Group, by name or number.")
    headers: dict[str, Any] = arg(factory=dict, doc="Headers to send.")
    timeout: int = arg(10, doc="Seconds without a word after which it gives up.")
    url_username: str | None = arg(None, aliases=("username",), doc="Name for the login.")
    url_password: str | None = arg(None, aliases=("password",), doc="Password for the login.")
    force_basic_auth: bool = arg(False, doc="Send them without being asked.")
    validate_certs: bool = arg(True, doc="Refuse certificates that do not hold.")
    use_proxy: bool = arg(True, doc="Use the proxy of the environment.")
    tmp_dest: str | None = arg(None, doc="Accepted for Ansible's sake; the file grows beside its place.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Fetch it unless what is there will do."""
    attributes = Attributes(args.mode, args.owner, args.group)
    problem = ownership.complaint(attributes, check=context.check)
    if problem:
        return failed(problem)
    try:
        wanted = _wanted_checksum(args)
    except ValueError as error:
        return failed(str(error))
    dest = files.expanded(args.dest)
    before = None if os.path.isdir(dest) or not os.path.exists(dest) else dest
    if before is not None and wanted is not None and not args.force and wanted.fits(before):
        changed = ownership.set_attributes(dest, attributes, check=context.check)
        return _result(args, TaskResult(changed, msg="file already exists"), dest, 0)
    # The server's word that nothing is new is worth nothing where we know that the file is wrong.
    since = os.path.getmtime(dest) if before is not None and wanted is None and not args.force else None
    began = time.monotonic()
    request = _request(args, args.url)._replace(
        modified_since=since, method="HEAD" if context.check else "GET"
    )
    with _http.opened(request) as answer:
        done = _received(args, answer, dest, wanted, attributes, context)
    return _result(args, done, str(done.values.get("dest", dest)), int(time.monotonic() - began))


def _request(args: Args, url: str) -> _http.Request:
    return _http.Request(
        url=url,
        headers={name: str(value) for name, value in args.headers.items()},
        timeout_s=args.timeout,
        username=args.url_username,
        password=args.url_password,
        force_basic_auth=args.force_basic_auth,
        validate_certs=args.validate_certs,
        use_proxy=args.use_proxy,
    )


def _wanted_checksum(args: Args) -> Checksum | None:
    """Return the digest to expect; `ValueError` where it cannot be read or found."""
    if not args.checksum:
        return None
    checksum = parse(args.checksum)
    if not checksum.is_url:
        return checksum
    with _http.opened(_request(args, checksum.digest)) as answer:
        if answer.problem or answer.status != _OK:
            raise ValueError(f"cannot read the checksums: {answer.problem or answer.msg}")
        listed = answer.read_text().decode("utf-8", "replace")
    return checksum.found(find_in(listed, _http.basename(args.url)), _http.basename(args.url))


def _received(
    args: Args,
    answer: _http.Answer,
    dest: str,
    wanted: Checksum | None,
    attributes: Attributes,
    context: TaskContext,
) -> TaskResult:
    if answer.status == _NOT_MODIFIED:
        changed = ownership.set_attributes(dest, attributes, check=context.check)
        return TaskResult(changed, msg=answer.msg, values={"status_code": answer.status})
    if answer.problem or answer.status != _OK:
        said = answer.problem or answer.msg
        return failed(f"Request failed: {said}", status_code=answer.status, response=answer.msg)
    path = _http.path_for(dest, answer)
    values = {"dest": path, "status_code": answer.status}
    folder = os.path.dirname(path) or "."
    if context.check:
        return TaskResult(changed=True, msg=answer.msg, values=values)
    if not os.path.isdir(folder):
        return failed(f"Destination {folder} does not exist: make it first with the module 'file'", **values)
    done = _replaced(args, answer, path, wanted, attributes)
    return replace(done, values={**values, **done.values})


class _SameError(Exception):
    """What was fetched is what is there already."""


class _Sink:
    """Writes to a file and digests what it writes."""

    def __init__(self, stream: IO[bytes], algorithm: str) -> None:
        self._stream = stream
        self.sha1 = hasher("sha1")
        self.wanted = hasher(algorithm)

    def write(self, chunk: bytes) -> None:
        """Take the next piece."""
        self._stream.write(chunk)
        self.sha1.update(chunk)
        self.wanted.update(chunk)


def _replaced(
    args: Args, answer: _http.Answer, path: str, wanted: Checksum | None, attributes: Attributes
) -> TaskResult:
    """Fetch beside the file and let the new one take its place, if it is whole, right and different."""
    values = {}
    try:
        with files.Replacing(path, attributes) as stream:
            _fetch(args, answer, stream, path, wanted)
            if args.backup and os.path.isfile(path):
                values["backup_file"] = files.back_up(path)
    except files.RefusedError as refused:
        return failed(str(refused))
    except _SameError:
        changed = ownership.set_attributes(path, attributes, check=False)
        return TaskResult(changed, msg=answer.msg, values={"checksum_src": files.sha1(path)})
    values["checksum_src"] = files.sha1(path)
    return TaskResult(changed=True, msg=answer.msg, values=values)


def _fetch(args: Args, answer: _http.Answer, stream: IO[bytes], path: str, wanted: Checksum | None) -> None:
    """Write what comes; raise where it is not whole, not what was wanted, or what is at `path` already."""
    sink = _Sink(stream, wanted.algorithm if wanted is not None else "sha1")
    problem = answer.copy_to(sink.write)
    found = sink.wanted.hexdigest()
    if not problem and wanted is not None and found != wanted.digest:
        problem = f"its checksum is {found}, not {wanted.digest}"
    if problem:
        raise files.RefusedError(f"{_http.masked(args.url)}: {problem}; nothing was changed")
    if os.path.isfile(path) and files.sha1(path) == sink.sha1.hexdigest():
        raise _SameError


def _result(args: Args, done: TaskResult, dest: str, elapsed: int) -> TaskResult:
    """Read again what is at dest and add it."""
    values: dict[str, Any] = {"url": _http.masked(args.url), "elapsed": elapsed, "dest": dest, **done.values}
    if os.path.isfile(dest):
        values.update(
            ownership.described(dest), checksum_dest=files.sha1(dest), md5sum=files.digest(dest, "md5")
        )
    return replace(done, values=values)
