"""Accounts as passwd(5), group(5) and shadow(5) have them, and the commands that bring one to what is wanted."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import time

from edgectl.remote import files
from edgectl.remote.lean import Any, NamedTuple, suppress

_DAY_S = 86400
_SHADOW_FIELDS = 9


class Account(NamedTuple):
    """One user; `shadow` has the nine fields of shadow(5), all empty where they cannot be read."""

    uid: int
    gid: int
    comment: str
    home: str
    shell: str
    groups: frozenset[str]
    shadow: tuple[str, ...]

    @property
    def is_locked(self) -> bool:
        """Tell whether the password lets nobody in."""
        return self.shadow[1].startswith("!")


def read(name: str) -> Account | None:
    """Return what the system knows of a user, or None where there is none."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = frozenset(group.gr_name for group in grp.getgrall() if name in group.gr_mem)
    return Account(
        found.pw_uid, found.pw_gid, found.pw_gecos, found.pw_dir, found.pw_shell, groups, _shadow(name)
    )


def _shadow(name: str) -> tuple[str, ...]:
    with suppress(OSError), open("/etc/shadow", encoding="utf-8", errors="surrogateescape") as stream:
        for line in stream:
            fields = line.rstrip("\n").split(":")
            if fields[0] == name and len(fields) == _SHADOW_FIELDS:
                return tuple(fields)
    return ("",) * _SHADOW_FIELDS


def group_of(text: str) -> grp.struct_group | None:
    """Return a group by its number or name."""
    with suppress(KeyError, ValueError):
        return grp.getgrgid(int(text))
    with suppress(KeyError):
        return grp.getgrnam(text)
    return None


def unknown_group(args: Any) -> str:
    """Return the first group that is not there, or an empty text."""
    named = [*([args.group] if args.group is not None else []), *(args.groups or [])]
    return next((name for name in named if group_of(name) is None), "")


def useradd(args: Any) -> list[str]:
    """Return the command that makes the account; the password comes another way."""
    words = ["useradd", *_numbered(args)]
    if args.group is not None:
        words += ["-g", args.group]
    elif group_of(args.name) is not None:
        words.append("-N")
    if args.groups:
        words += ["-G", ",".join(args.groups)]
    words += _described(args)
    if args.expires is not None:
        words += ["-e", _date(args.expires)]
    if args.password_expire_account_disable is not None:
        words += ["-f", str(args.password_expire_account_disable)]
    settings = [("UMASK", args.umask), ("UID_MIN", args.uid_min), ("UID_MAX", args.uid_max)]
    if args.create_home:
        words += ["-m", *(["-k", files.expanded(args.skeleton)] if args.skeleton is not None else [])]
    else:
        words.append("-M")
    words += ["-r"] * args.system
    words += [word for name, value in settings if value is not None for word in ("-K", f"{name}={value}")]
    return [*words, args.name]


def usermod(args: Any, account: Account) -> list[str]:
    """Return the command that changes what differs, or nothing."""
    words = _numbered(args) if args.uid not in (None, account.uid) else []
    group = group_of(args.group) if args.group is not None else None
    if group is not None and group.gr_gid != account.gid:
        words += ["-g", str(group.gr_gid)]
    words += _groups(args, account)
    for option, wanted, found in (
        ("-c", args.comment, account.comment),
        ("-d", args.home and files.expanded(args.home), account.home),
        ("-s", args.shell and files.expanded(args.shell), account.shell),
    ):
        if wanted is not None and wanted != found:
            words += [option, wanted, *["-m"] * (option == "-d" and args.move_home)]
    words += _expiry(args, account)
    disable = args.password_expire_account_disable
    if disable is not None and str(disable) != (account.shadow[6] or "-1"):
        words += ["-f", str(disable)]
    words += _lock(args, account)
    return ["usermod", *words, args.name] if words else []


def _numbered(args: Any) -> list[str]:
    return ["-u", str(args.uid), *["-o"] * args.non_unique] if args.uid is not None else []


def _described(args: Any) -> list[str]:
    words = []
    for option, value in (("-c", args.comment), ("-d", args.home), ("-s", args.shell)):
        if value is not None:
            words += [option, value if option == "-c" else files.expanded(value)]
    return words


def _groups(args: Any, account: Account) -> list[str]:
    if args.groups is None:
        return []
    found = [group_of(name) for name in args.groups]
    wanted = {group.gr_name for group in found if group is not None}
    if args.append:
        missing = wanted - account.groups
        return ["-a", "-G", ",".join(sorted(missing))] if missing else []
    return ["-G", ",".join(sorted(wanted))] if wanted != account.groups else []


def _expiry(args: Any, account: Account) -> list[str]:
    """Compare the day on which the account ends; a time below 0 means never."""
    if args.expires is None:
        return []
    found = account.shadow[7] or "-1"
    wanted = "-1" if args.expires < 0 else str(int(args.expires // _DAY_S))
    return [] if found == wanted else ["-e", _date(args.expires)]


def _date(seconds: float) -> str:
    return "" if seconds < 0 else time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _lock(args: Any, account: Account) -> list[str]:
    if sets_password(args, account):
        return []  # the new hash says it
    if args.password_lock and not account.is_locked:
        return ["-L"]
    return ["-U"] if args.password_lock is False and account.is_locked else []


def sets_password(args: Any, account: Account) -> bool:
    """Tell whether the hash is to be another one; a lock before it does not count."""
    if args.password is None or args.update_password == "on_create":  # noqa: S105 - a word, not a password
        return False
    return account.shadow[1].lstrip("!") != str(args.password).lstrip("!")


def chage(args: Any, account: Account) -> list[str]:
    """Return the command that sets the ages of the password which differ, or nothing."""
    words: list[str] = []
    for option, wanted, found in (
        ("-m", args.password_expire_min, account.shadow[3]),
        ("-M", args.password_expire_max, account.shadow[4]),
        ("-W", args.password_expire_warn, account.shadow[5]),
    ):
        if wanted is not None and str(wanted) != (found or "-1"):
            words += [option, str(wanted)]
    return ["chage", *words, args.name] if words else []


def make_home(args: Any, account: Account, home: str) -> None:
    """Make a home folder for an account that has none: a copy of the skeleton, the user's own."""
    skeleton = args.skeleton or "/etc/skel"
    if os.path.isdir(skeleton):
        shutil.copytree(skeleton, home, symlinks=True)
    else:
        os.makedirs(home)
    os.chmod(home, 0o777 & ~int(args.umask or _login_umask(), 8))
    for folder, folders, names in os.walk(home):
        for path in (folder, *(os.path.join(folder, name) for name in folders + names)):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _login_umask() -> str:
    with suppress(OSError), open("/etc/login.defs", encoding="utf-8") as stream:
        found = re.findall(r"^(UMASK|HOME_MODE)\s+(\d+)", stream.read(), re.MULTILINE)
        settings = dict(found)
        if "HOME_MODE" in settings:
            return f"{0o777 & ~int(settings['HOME_MODE'], 8):o}"
        return str(settings.get("UMASK", "022"))
    return "022"
