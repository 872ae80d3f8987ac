"""Start a service's process as systemd would: its user, folder, limits, environment and output."""

from __future__ import annotations

import os
import pwd
import resource
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Never

from edgectl.lab.image import PATH
from edgectl.lab.pid1.commandline import expand, parse_assignments, read_environment_file
from edgectl.lab.pid1.unitfile import UnitFile

# systemd's exit codes for what fails before the program runs.
_BAD_FOLDER, _NO_PROGRAM, _BAD_USER = 200, 203, 217
EXIT_NAMES = {_BAD_FOLDER: "CHDIR", _NO_PROGRAM: "EXEC", _BAD_USER: "USER"}
_OWN_FOLDERS = {"RuntimeDirectory": "/run", "StateDirectory": "/var/lib", "CacheDirectory": "/var/cache",
                "LogsDirectory": "/var/log", "ConfigurationDirectory": "/etc"}  # fmt: skip
_DEFAULTED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a unit gives its processes."""

    environment: dict[str, str]
    user: str
    group: str
    folder: str
    umask: int
    open_files: int | None


def surroundings(unit: UnitFile, invocation: str) -> Surroundings:
    """Read them from the unit's files. Raises `OSError` where an environment file is missing."""
    environment = {"PATH": PATH, "LANG": "C.UTF-8", "INVOCATION_ID": invocation}
    user = unit.last("Service", "User", "root")
    environment |= {"USER": user, "LOGNAME": user, "HOME": _home(user)}
    environment |= parse_assignments(
        [expand(value, unit.name) for value in unit.all("Service", "Environment")]
    )
    for value in unit.all("Service", "EnvironmentFile"):
        environment |= read_environment_file(expand(value, unit.name))
    limit = unit.last("Service", "LimitNOFILE").partition(":")[0]
    return Surroundings(
        environment,
        user,
        unit.last("Service", "Group"),
        expand(unit.last("Service", "WorkingDirectory", "/"), unit.name),
        int(unit.last("Service", "UMask", "022"), 8),
        int(limit) if limit.isdecimal() else None,
    )


def _home(user: str) -> str:
    try:
        return pwd.getpwnam(user).pw_dir
    except KeyError:
        return "/"


def make_own_folders(unit: UnitFile) -> None:
    """Make the folders a unit asks for under /run, /var/lib and so on."""
    for key, parent in _OWN_FOLDERS.items():
        for name in unit.names("Service", key):
            folder = Path(parent, expand(name, unit.name))
            folder.mkdir(parents=True, exist_ok=True)
            user = unit.last("Service", "User", "root")
            if user != "root":
                known = pwd.getpwnam(user)
                os.chown(folder, known.pw_uid, known.pw_gid)


def spawn(words: list[str], around: Surroundings, output: int) -> int:
    """Start a program in a session of its own; what fails before it runs becomes systemd's exit code."""
    process = os.fork()
    if not process:
        _become(words, around, output)
    return process


def _become(words: list[str], around: Surroundings, output: int) -> Never:
    code = _NO_PROGRAM
    try:
        os.setsid()
        for number in _DEFAULTED:
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        os.dup2(output, 1)
        os.dup2(output, 2)
        code = _BAD_USER
        _set_limits(around)
        _change_user(around)
        code = _BAD_FOLDER
        _change_folder(around)
        code = _NO_PROGRAM
        os.execvpe(words[0], words, around.environment)  # noqa: S606 - this is what a service is
    except (OSError, KeyError, IndexError) as error:
        os.write(2, f"{words[0] if words else 'command'}: {error}\n".encode())
    finally:
        os._exit(code)


def _set_limits(around: Surroundings) -> None:
    os.umask(around.umask)
    if around.open_files:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(around.open_files, hard), hard))


def _change_user(around: Surroundings) -> None:
    if around.user == "root" and not around.group:
        return
    known = pwd.getpwnam(around.user)
    os.initgroups(around.user, known.pw_gid)
    os.setgid(known.pw_gid)
    os.setuid(known.pw_uid)


def _change_folder(around: Surroundings) -> None:
    folder = around.folder.removeprefix("-").replace("~", around.environment["HOME"])
    try:
        os.chdir(folder)
    except OSError:
        if not around.folder.startswith("-"):
            raise
