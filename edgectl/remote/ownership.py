"""Mode, owner and group of a path: read, compared and set as Ansible does."""

from __future__ import annotations

import grp
import os
import pwd
import stat

from edgectl.remote.lean import Any, Callable, NamedTuple

_OCTAL_DIGITS = frozenset("01234567")
_ALL_BITS = 0o7777
_CLAUSE = r"([ugoa]*)((?:[=+-][rwxXstugo]*)+)"
_STEP = r"([=+-])([rwxXstugo]*)"
_BITS = {"r": 4, "w": 2, "x": 1}
_SHIFTS = {"u": 6, "g": 3, "o": 0}
_SPECIAL = {"u": stat.S_ISUID, "g": stat.S_ISGID, "o": stat.S_ISVTX}
_SPECIAL_LETTERS = {"u": "s", "g": "s", "o": "t"}


class Attributes(NamedTuple):
    """What a person wrote for mode, owner and group; None leaves what is there."""

    mode: str | None = None
    owner: str | None = None
    group: str | None = None


AS_IT_IS = Attributes()


def uid_of(owner: str) -> int:
    """Return the number of a user given by name or number; `KeyError` where there is none."""
    return int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid


def gid_of(group: str) -> int:
    """Return the number of a group given by name or number; `KeyError` where there is none."""
    return int(group) if group.isdigit() else grp.getgrnam(group).gr_gid


def complaint(attributes: Attributes, *, check: bool) -> str:
    """Return what makes these attributes impossible at this host, or an empty text.

    In check mode an owner may be missing: an earlier task, a package above all, would have made it.
    """
    if attributes.mode not in (None, "preserve"):
        try:
            changed_mode(0, str(attributes.mode), is_directory=False)
        except ValueError as error:
            return str(error)
    return "" if check else _unknown_owner(attributes)


def _unknown_owner(attributes: Attributes) -> str:
    for kind, name, number in (("user", attributes.owner, uid_of), ("group", attributes.group, gid_of)):
        if name is not None:
            try:
                number(name)
            except KeyError:
                return f"there is no {kind} '{name}' at this host: create it first, or correct the name"
    return ""


def umask() -> int:
    """Return the mask of this process."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def changed_mode(current: int, mode: str, *, is_directory: bool) -> int:
    """Turn "0644" or "u+x,g-w" into permission bits, starting from `current`; `ValueError` for no mode."""
    if mode and set(mode) <= _OCTAL_DIGITS and int(mode, 8) <= _ALL_BITS:
        return int(mode, 8)
    import re  # few jobs have such a mode, and all would wait for it

    for clause in mode.split(","):
        match = re.fullmatch(_CLAUSE, clause)
        if match is None:
            raise ValueError(f'\'{mode}\' is not a file mode: write it like "0644" or "u=rw,g=r"')
        for operator, letters in re.findall(_STEP, match.group(2)):
            current = _step(current, match.group(1), operator, letters, is_directory=is_directory)
    return current


def _step(current: int, who: str, operator: str, letters: str, *, is_directory: bool) -> int:
    """Apply one operator; without anybody named the umask protects its bits, as with chmod(1)."""
    spared = 0 if who else umask()
    for person in "ugo" if not who or "a" in who else who:
        bits = _person_bits(current, person, letters, is_directory=is_directory) & ~spared
        if operator == "+":
            current |= bits
        elif operator == "-":
            current &= ~bits
        else:
            current = current & ~(7 << _SHIFTS[person] | _SPECIAL[person]) | bits
    return current


def _person_bits(current: int, person: str, letters: str, *, is_directory: bool) -> int:
    value = 0
    for letter in letters:
        value |= _BITS.get(letter, 0)
        if letter in _SHIFTS:
            value |= (current >> _SHIFTS[letter]) & 7
    if "X" in letters and (is_directory or current & 0o111):
        value |= 1
    special = _SPECIAL[person] if _SPECIAL_LETTERS[person] in letters else 0
    return value << _SHIFTS[person] | special


def set_attributes(path: str, attributes: Attributes, *, check: bool, follow: bool = True) -> bool:
    """Bring owner, group and mode to what is wanted and tell whether they differed; in check mode only look.

    Without `follow` a symbolic link itself gets the owner, and its mode, which Linux does not have, is left.
    """
    found = os.stat(path) if follow else os.lstat(path)
    differs = False
    owners = _wanted_owners(found, attributes, check=check)
    if owners != (found.st_uid, found.st_gid):
        differs = True
        if not check:
            os.chown(path, *owners, follow_symlinks=follow)
            found = os.stat(path) if follow else os.lstat(path)  # the kernel takes setuid away
    if attributes.mode in (None, "preserve") or stat.S_ISLNK(found.st_mode):
        return differs
    before = stat.S_IMODE(found.st_mode)
    bits = changed_mode(before, str(attributes.mode), is_directory=stat.S_ISDIR(found.st_mode))
    if bits == before:
        return differs
    if not check:
        os.chmod(path, bits)
    return True


def _wanted_owners(found: os.stat_result, attributes: Attributes, *, check: bool) -> tuple[int, int]:
    """Return the two numbers; a user that an earlier task would have made is -1 in check mode."""
    try:
        uid = found.st_uid if attributes.owner is None else uid_of(attributes.owner)
        gid = found.st_gid if attributes.group is None else gid_of(attributes.group)
    except KeyError:
        if check:
            return (-1, -1)
        raise
    return (uid, gid)


def described(path: str) -> dict[str, Any]:
    """Return what Ansible's file modules say of a path: mode, owner, size, state."""
    found = os.lstat(path)
    return {
        "mode": f"0{stat.S_IMODE(found.st_mode):03o}",
        "uid": found.st_uid,
        "gid": found.st_gid,
        "owner": _name(pwd.getpwuid, found.st_uid),
        "group": _name(grp.getgrgid, found.st_gid),
        "size": found.st_size,
        "state": state(path),
    }


def state(path: str) -> str:
    """Return Ansible's word for what is at a path: absent, link, directory, hard or file."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return "absent"
    if stat.S_ISLNK(found.st_mode):
        return "link"
    if stat.S_ISDIR(found.st_mode):
        return "directory"
    return "hard" if found.st_nlink > 1 else "file"


def _name(lookup: Callable[[int], Any], number: int) -> str:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)
