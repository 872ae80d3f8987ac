"""Archives as unarchive needs them: what is in one, how a folder differs from it, unpacked."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import stat
import time

from edgectl.remote import files
from edgectl.remote.lean import Any, Iterator, NamedTuple
from edgectl.remote.ownership import Attributes
from edgectl.remote.proc import Completed, Proc

# The first bytes of each compression, and Ansible's name for what reads it.
_KINDS = (
    (b"\x1f\x8b", "TgzArchive"),
    (b"BZh", "TarBzip2Archive"),
    (b"\xfd7zXZ\0", "TarXzArchive"),
    (b"\x28\xb5\x2f\xfd", "TarZstdArchive"),
)
# What tar --diff says of a name, and whether it is a difference where owner, group or mode are set anyway.
_DIFFERS = re.compile(
    r": (Mod time differs|Contents differ|Size differs|Symlink differs|File type differs|Not linked to .*"
    r"|Warning: Cannot stat: No such file or directory|Cannot open: No such file or directory)$"
)
# A folder that --strip-components leaves no name of.
_NAMELESS = re.compile(r": : Warning: Cannot stat: No such file or directory$")
_OWNER = re.compile(r": Uid differs$")
_GROUP = re.compile(r": Gid differs$")
_MODE = re.compile(r": Mode differs$")


class ArchiveError(Exception):
    """An archive cannot be read or unpacked; the text is for the operator."""


class Choice(NamedTuple):
    """What of an archive is wanted."""

    include: list[str]
    exclude: list[str]
    extra: list[str]
    keep_newer: bool


def is_zip(path: str) -> bool:
    """Tell a zip file by its first bytes."""
    return _head(path).startswith((b"PK\x03\x04", b"PK\x05\x06"))


def _head(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read(8)


class TarFile:
    """A tar file, read by the host's tar: it knows the compressions, and names that lead out of a folder."""

    def __init__(self, src: str, dest: str, choice: Choice, attributes: Attributes, proc: Proc) -> None:
        self._src = src
        self._dest = dest
        self._choice = choice
        self._attributes = attributes
        self._proc = proc
        head = _head(src)
        self.handler = next((name for magic, name in _KINDS if head.startswith(magic)), "TarArchive")

    def names(self) -> list[str]:
        """Return every name that is wanted."""
        done = self._tar("--list")
        names = [name.lstrip("/") for name in done.stdout.splitlines() if name.strip("/")]
        if done.rc != 0 or not names:
            said = done.stderr.strip() or "there is nothing in it"
            raise ArchiveError(f"{self._src} is no archive that can be read here: {said}")
        out = next((name for name in names if ".." in name.split("/")), "")
        if out:
            raise ArchiveError(f"{self._src} would write outside of {self._dest}: {out}")
        return [name for name in names if not any(fnmatch.fnmatch(name, one) for one in self._choice.exclude)]

    def differences(self) -> str:
        """Return what tar says of each difference, a line each."""
        done = self._tar("--diff", *self._owners())
        own = self._attributes
        patterns = [_DIFFERS]
        patterns += [_OWNER] if own.owner is None and os.geteuid() == 0 else []
        patterns += [_GROUP] if own.group is None and os.geteuid() == 0 else []
        patterns += [_MODE] if own.mode is None else []
        said = [line for line in (done.stdout + done.stderr).splitlines() if not _NAMELESS.search(line)]
        return "".join(f"{line}\n" for line in said if any(one.search(line) for one in patterns))

    def unpack(self) -> None:
        """Unpack what is wanted."""
        done = self._tar("--extract", *self._owners())
        if done.rc != 0:
            raise ArchiveError(f"failed to unpack {self._src} to {self._dest}: {done.stderr.strip()}")

    def _owners(self) -> list[str]:
        own = self._attributes
        words = [f"--owner={own.owner}"] if own.owner is not None else []
        words += [f"--group={own.group}"] if own.group is not None else []
        return words + ["--keep-newer-files"] * self._choice.keep_newer

    def _tar(self, *words: str) -> Completed:
        choice = self._choice
        renamed = ["--show-transformed-names", *choice.extra] if choice.extra else []
        excluded = [f"--exclude={name.rstrip('/')}" for name in choice.exclude]
        line = [
            "tar",
            *words,
            "-C",
            self._dest,
            *renamed,
            *excluded,
            "-f",
            self._src,
            *choice.include,
        ]
        return self._proc.query(line)


class ZipFile:
    """A zip file, read by Python: no program is needed for it."""

    handler = "ZipArchive"

    def __init__(self, src: str, dest: str, choice: Choice, attributes: Attributes, _proc: Proc) -> None:
        import zipfile

        self._src = src
        self._dest = dest
        self._choice = choice
        self._attributes = attributes
        if choice.extra:
            raise ArchiveError("'extra_opts' are for tar, and a zip file is unpacked without a program")
        try:
            self._zip = zipfile.ZipFile(src)
        except (zipfile.BadZipFile, OSError) as error:
            raise ArchiveError(f"{src} is no zip file that can be read: {error}") from None

    def names(self) -> list[str]:
        """Return every name that is wanted."""
        return [entry.filename for entry in self._entries()]

    def differences(self) -> str:
        """Return what differs, a line for each name."""
        found = ((entry.filename, self._difference(entry)) for entry in self._entries())
        return "".join(f"{name}: {word}\n" for name, word in found if word)

    def unpack(self) -> None:
        """Unpack what differs; a name that leads out of the folder is refused."""
        for entry in self._entries():
            if self._difference(entry):
                self._place(entry)

    def _entries(self) -> Iterator[Any]:
        choice = self._choice
        for entry in self._zip.infolist():
            name = entry.filename
            if choice.include and not any(fnmatch.fnmatch(name, one) for one in choice.include):
                continue
            if not any(fnmatch.fnmatch(name, one) for one in choice.exclude):
                yield entry

    def _path(self, entry: Any) -> str:
        path = os.path.normpath(os.path.join(self._dest, entry.filename.lstrip("/")))
        # A link that the archive brings may lead anywhere: it is replaced, never followed.
        folder = path if path == os.path.normpath(self._dest) else os.path.dirname(path)
        if not (os.path.realpath(folder) + "/").startswith(os.path.realpath(self._dest) + "/"):
            raise ArchiveError(f"{self._src} would write outside of {self._dest}: {entry.filename}")
        return path

    def _difference(self, entry: Any) -> str:
        try:
            seen = os.lstat(self._path(entry))
        except OSError:
            return "missing"
        if stat.S_IFMT(seen.st_mode) != _kind(entry):
            return "of another kind"
        if stat.S_ISREG(seen.st_mode):
            if self._choice.keep_newer and seen.st_mtime > _mtime(entry):
                return ""
            if int(seen.st_mtime) != _mtime(entry) and not self._choice.keep_newer:
                return "differs in its time"
            if seen.st_size != entry.file_size or _crc32(self._path(entry)) != entry.CRC:
                return "differs in its content"
        has_mode = self._attributes.mode is not None or stat.S_ISLNK(seen.st_mode)
        return "" if has_mode or stat.S_IMODE(seen.st_mode) == _mode(entry) else "differs in its mode"

    def _place(self, entry: Any) -> None:
        path = self._path(entry)
        is_folder = os.path.isdir(path) and not os.path.islink(path)
        if os.path.lexists(path) and not is_folder and _kind(entry) != stat.S_IFREG:
            os.unlink(path)
        os.makedirs(path if entry.is_dir() else os.path.dirname(path), exist_ok=True)
        if _kind(entry) == stat.S_IFLNK:
            os.symlink(self._zip.read(entry).decode("utf-8", "surrogateescape"), path)
            return
        if not entry.is_dir():
            with (
                self._zip.open(entry) as source,
                files.Replacing(path, Attributes(f"{_mode(entry):04o}"), follow=False) as stream,
            ):
                shutil.copyfileobj(source, stream)
                stream.flush()
                os.utime(stream.fileno(), (_mtime(entry), _mtime(entry)))
            return
        os.chmod(path, _mode(entry))


def _kind(entry: Any) -> int:
    if entry.is_dir():
        return stat.S_IFDIR
    return stat.S_IFLNK if stat.S_ISLNK(entry.external_attr >> 16) else stat.S_IFREG


def _mode(entry: Any) -> int:
    """Return the permissions of an entry; one from a system without any is for all to read."""
    return stat.S_IMODE(entry.external_attr >> 16) & 0o777 or (0o755 if entry.is_dir() else 0o644)


def _mtime(entry: Any) -> float:
    return time.mktime((*entry.date_time, 0, 0, -1))


def _crc32(path: str) -> int:
    import zlib

    running = 0
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            running = zlib.crc32(chunk, running)
    return running
