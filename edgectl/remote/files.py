"""Files at the host: written beside, fsynced and renamed; owner and mode set as Ansible does."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import re
import stat
import tempfile
from typing import Any, Callable, Dict, Optional

_CHUNK_BYTES = 1024 * 1024
_SYMBOLIC = re.compile(r"^([ugoa]*)([=+-])([rwxXstugo]*)$")
_BITS = {"r": 4, "w": 2, "x": 1}
_SHIFTS = {"u": 6, "g": 3, "o": 0}


def sha1(path: str) -> str:
    """Return the SHA-1 of a file, which is what Ansible calls its checksum."""
    return digest(path, "sha1")


def digest(path: str, algorithm: str) -> str:
    """Return a file's digest in hexadecimal."""
    hasher = hashlib.new(algorithm)
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(_CHUNK_BYTES), b""):
            hasher.update(chunk)
    return hasher.hexdigest()


def read(path: str) -> Optional[bytes]:
    """Return a file's content, or None where there is no such file."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def write_atomically(path: str, content: bytes, *, validate: Optional[Callable[[str], None]] = None) -> None:
    """Replace `path` with `content` so that a reader sees the old file or the new one, never half of it.

    The old file's mode and owner stay; a new file gets what the umask allows. `validate` sees the new file
    before it takes the old one's place, and raises to keep the old one. A symbolic link is followed.
    """
    path = os.path.realpath(path)
    before = os.stat(path) if os.path.exists(path) else None
    handle, beside = tempfile.mkstemp(prefix=".edgectl-", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if before is None:
            os.chmod(beside, 0o666 & ~_umask())
        else:
            os.chmod(beside, stat.S_IMODE(before.st_mode))
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.chown(beside, before.st_uid, before.st_gid)
        if validate is not None:
            validate(beside)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def wanted_mode(mode: str, path: str, *, new: bool = False) -> int:
    """Turn "0644" or "u+x,g-w" into permission bits, starting from what `path` has now."""
    if set(mode) <= set("01234567"):
        return int(mode, 8)
    found = 0o666 & ~_umask() if new else stat.S_IMODE(os.lstat(path).st_mode)
    is_directory = not new and os.path.isdir(path)
    for clause in mode.split(","):
        match = _SYMBOLIC.match(clause)
        if match is None:
            raise ValueError(f"'{mode}' is not a file mode")
        found = _apply(found, *match.groups(), is_directory=is_directory)
    return found


def _apply(current: int, who: str, operator: str, permissions: str, *, is_directory: bool) -> int:
    everyone = "ugo" if not who or "a" in who else who
    bits = 0
    for person in everyone:
        bits |= _person_bits(current, person, permissions, is_directory=is_directory)
    if "t" in permissions:
        bits |= stat.S_ISVTX
    if operator == "+":
        return current | bits
    if operator == "-":
        return current & ~bits
    kept = current
    for person in everyone:
        kept &= ~(7 << _SHIFTS[person])
    return kept | bits


def _person_bits(current: int, person: str, permissions: str, *, is_directory: bool) -> int:
    value = sum(_BITS[letter] for letter in set(permissions) & set(_BITS))
    if "X" in permissions and (is_directory or current & 0o111):
        value |= 1
    for other in set(permissions) & set(_SHIFTS):
        value |= (current >> _SHIFTS[other]) & 7
    bits = value << _SHIFTS[person]
    if "s" in permissions:
        bits |= {"u": stat.S_ISUID, "g": stat.S_ISGID, "o": 0}[person]
    return bits


def uid_of(owner: str) -> int:
    """Return the number of a user given by name or number; `KeyError` where there is none."""
    return int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid


def gid_of(group: str) -> int:
    """Return the number of a group given by name or number; `KeyError` where there is none."""
    return int(group) if group.isdigit() else grp.getgrnam(group).gr_gid


def set_attributes(
    path: str, *, mode: Optional[str], owner: Optional[str], group: Optional[str], check: bool
) -> bool:
    """Bring mode and owner to what is wanted and tell whether they differed; in check mode only look.

    A symbolic link's target gets the mode, the link itself the owner, as with Ansible's follow=yes.
    """
    found = os.stat(path)
    differs = False
    if owner is not None or group is not None:
        uid = found.st_uid if owner is None else uid_of(owner)
        gid = found.st_gid if group is None else gid_of(group)
        if (uid, gid) != (found.st_uid, found.st_gid):
            differs = True
            if not check:
                os.chown(path, uid, gid)
    if mode is not None and mode != "preserve":
        bits = wanted_mode(mode, path)
        if bits != stat.S_IMODE(found.st_mode):
            differs = True
            if not check:
                os.chmod(path, bits)
    return differs


def described(path: str) -> Dict[str, Any]:
    """Return what Ansible's file modules say of a path: mode, owner, size, state."""
    found = os.lstat(path)
    return {
        "mode": f"{stat.S_IMODE(found.st_mode):04o}",
        "uid": found.st_uid,
        "gid": found.st_gid,
        "owner": _name(pwd.getpwuid, found.st_uid),
        "group": _name(grp.getgrgid, found.st_gid),
        "size": found.st_size,
        "state": _state(found),
    }


def _name(lookup: Callable[[int], Any], number: int) -> str:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)


def _state(found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return "link"
    if stat.S_ISDIR(found.st_mode):
        return "directory"
    return "hard" if found.st_nlink > 1 else "file"
