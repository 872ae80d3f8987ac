"""Files at the host: read, digested, and written beside, fsynced and renamed."""

from __future__ import annotations

import os
import stat

from edgectl.remote.digests import hasher
from edgectl.remote.lean import IO, Callable, suppress
from edgectl.remote.ownership import AS_IT_IS, Attributes, changed_mode, gid_of, uid_of, umask
from edgectl.remote.proc import Proc

_CHUNK_BYTES = 1024 * 1024
# Ansible's limit for a text that is worth showing as a difference.
_DIFF_LIMIT_BYTES = 104448


class RefusedError(Exception):
    """A new file was not accepted, and the old one stays; the text is for the operator."""


def expanded(path: str) -> str:
    """Return a path with `~` and `$NAME` replaced, as Ansible does with every path."""
    return os.path.expanduser(os.path.expandvars(path))


def sha1(path: str) -> str:
    """Return the SHA-1 of a file, which is what Ansible calls its checksum."""
    return digest(path, "sha1")


def digest(path: str, algorithm: str) -> str:
    """Return a file's digest in hexadecimal."""
    running = hasher(algorithm)
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(_CHUNK_BYTES), b""):
            running.update(chunk)
    return str(running.hexdigest())


def digest_of(content: bytes, algorithm: str) -> str:
    """Return the digest of bytes in hexadecimal."""
    whole = hasher(algorithm)
    whole.update(content)
    return str(whole.hexdigest())


def read(path: str) -> bytes | None:
    """Return a file's content, or None where there is no such file."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def write_atomically(
    path: str,
    content: bytes,
    attributes: Attributes = AS_IT_IS,
    *,
    validate: Callable[[str], None] | None = None,
) -> None:
    """Replace `path` with `content`, as `Replacing` does; a symbolic link is followed."""
    with Replacing(path, attributes, validate=validate) as stream:
        stream.write(content)


class Replacing:
    """Gives a stream to write the new file to; it takes the old one's place, in one step, at the end.

    A reader sees the old file or the new one, and the new one never with another mode or owner than its own:
    the wanted ones, else the old file's, else what the umask allows. `validate` sees the new file first and
    raises to keep the old one. A symbolic link is followed, or replaced without `follow`.
    """

    def __init__(
        self,
        path: str,
        attributes: Attributes = AS_IT_IS,
        *,
        follow: bool = True,
        validate: Callable[[str], None] | None = None,
    ) -> None:
        self._path = os.path.realpath(path) if follow else path
        self._attributes = attributes
        self._validate = validate

    def __enter__(self) -> IO[bytes]:
        there = os.path.lexists(self._path) and not os.path.islink(self._path)
        self._before = os.lstat(self._path) if there else None
        suffix = os.path.splitext(self._path)[1]  # some validators go by it
        handle, self._beside = _create_beside(self._path, suffix)
        self._stream = os.fdopen(handle, "wb")
        return self._stream

    def __exit__(self, kind: object, _error: object, _where: object) -> None:
        try:
            with self._stream as stream:
                if kind is None:
                    stream.flush()
                    _dress(stream.fileno(), self._before, self._attributes)
                    os.fsync(stream.fileno())
            if kind is None:
                self._put_in_place()
                return
        except BaseException:
            os.unlink(self._beside)
            raise
        os.unlink(self._beside)

    def _put_in_place(self) -> None:
        if self._validate is not None:
            self._validate(self._beside)
        os.replace(self._beside, self._path)


def _create_beside(path: str, suffix: str) -> tuple[int, str]:
    """Create a private file in the folder of `path`, under a name that nobody has."""
    while True:
        beside = os.path.join(os.path.dirname(path), f".edgectl-{os.urandom(6).hex()}{suffix}")
        with suppress(FileExistsError):
            return os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), beside


def _dress(beside: int, before: os.stat_result | None, attributes: Attributes) -> None:
    """Give a new file its owner and mode; where the old owner cannot be kept, as with Ansible, it is ours.

    It goes by its descriptor: under its name the folder's owner may have put a link to somebody else's file.
    """
    uid = before.st_uid if before is not None else -1
    gid = before.st_gid if before is not None else -1
    if (uid, gid) not in ((-1, -1), (os.geteuid(), os.getegid())):
        with suppress(PermissionError):
            os.chown(beside, uid, gid)
    if attributes.owner is not None or attributes.group is not None:
        uid = -1 if attributes.owner is None else uid_of(attributes.owner)
        gid = -1 if attributes.group is None else gid_of(attributes.group)
        os.chown(beside, uid, gid)
    mode = 0o666 & ~umask() if before is None else stat.S_IMODE(before.st_mode)
    if attributes.mode is not None and attributes.mode != "preserve":
        mode = changed_mode(mode, attributes.mode, is_directory=False)
    os.chmod(beside, mode)


def link_atomically(path: str, source: str, *, hard: bool = False) -> None:
    """Make `path` a link to `source` in one step, in place of what is there (no directory that has files)."""
    beside = os.path.join(os.path.dirname(path), f".edgectl-{os.getpid()}-{os.path.basename(path)}")
    (os.link if hard else os.symlink)(source, beside)
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        os.replace(beside, path)
    except OSError:
        os.unlink(beside)
        raise


def copy_into(stream: IO[bytes], origin: str) -> None:
    """Write another file's content into a stream, piece by piece."""
    with open(origin, "rb") as source:
        for chunk in iter(lambda: source.read(_CHUNK_BYTES), b""):
            stream.write(chunk)


def validator(command: str | None, proc: Proc) -> Callable[[str], None] | None:
    """Return the check that `validate: "visudo -cf %s"` asks for; it raises `RefusedError`."""
    if command is None:
        return None
    import shlex

    def check(path: str) -> None:
        done = proc.run([word.replace("%s", path) for word in shlex.split(command)])
        if done.rc != 0:
            said = (done.stderr or done.stdout).strip()
            raise RefusedError(f"failed to validate: rc:{done.rc} error:{said}")

    return check


def is_strangers_link(path: str) -> bool:
    """Tell whether a path is a link that neither root nor this user made: for root it may lead anywhere."""
    return os.path.islink(path) and os.lstat(path).st_uid not in (0, os.geteuid())


def back_up(path: str) -> str:
    """Copy a file beside itself under Ansible's name for a backup, and return that name."""
    import shutil
    import time

    copy = f"{path}.{os.getpid()}.{time.strftime('%Y-%m-%d@%H:%M:%S~')}"
    with open(path, "rb") as source:
        found = os.fstat(source.fileno())
        # Nobody else reads it before it has the old file's mode, and no link that waits there is followed.
        handle = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as stream:
            shutil.copyfileobj(source, stream)
            with suppress(PermissionError):
                os.chown(handle, found.st_uid, found.st_gid)
            os.chmod(handle, stat.S_IMODE(found.st_mode))
    os.utime(copy, ns=(found.st_atime_ns, found.st_mtime_ns), follow_symlinks=False)
    return copy


def text_diff(path: str, before: bytes | None, after: bytes | None) -> dict[str, str]:
    """Return the two texts for a diff, or a word in place of what is too long or no text."""
    return {
        "before": _shown(before or b""),
        "after": _shown(after or b""),
        "before_header": path,
        "after_header": path,
    }


def _shown(content: bytes) -> str:
    if b"\0" in content[:8192]:
        return "(binary)\n"
    if len(content) > _DIFF_LIMIT_BYTES:
        return f"(not shown: {len(content)} bytes)\n"
    return content.decode("utf-8", "replace")
