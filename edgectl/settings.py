"""Flags and environment become one frozen value; the only reader of the environment."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

_APP = "edgectl"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are and who is asking."""

    environment: Mapping[str, str]
    home: Path
    login: str
    machine: str
    inventory: Path
    state: str
    data_folder: Path
    cache_folder: Path
    log_folder: Path
    no_color: bool
    pool: str = ""  # where hosts are worked on, as `--pool` says it; "" leaves it to their number

    @property
    def started_by(self) -> str:
        """Return who runs this, for the record: user and machine."""
        return f"{self.login} from {self.machine}"

    @property
    def lab_folder(self) -> Path:
        """Return where the lab keeps its hosts."""
        return self.data_folder / "lab"

    @property
    def lab_cache(self) -> Path:
        """Return where the lab keeps the Debian that its real machines share."""
        return Path(self.environment.get("EDGECTL_LAB_CACHE") or "/var/cache/edgectl")


def read_settings(
    *,
    inventory: Path | None = None,
    state: str | None = None,
    no_color: bool = False,
    pool: str | None = None,
) -> Settings:
    """Return the settings: flags first, then EDGECTL_* variables, then defaults."""
    environment = dict(os.environ)  # noqa: TID251 - this is the reader
    home = _home()
    data = _data_folder(home)
    return Settings(
        environment=environment,
        home=home,
        login=_login(environment),
        machine=os.uname().nodename,
        inventory=inventory or Path(environment.get("EDGECTL_INVENTORY") or "inventory"),
        state=state or environment.get("EDGECTL_STATE") or f"sqlite:///{data / 'state.db'}",
        data_folder=data,
        cache_folder=_cache_folder(home),
        log_folder=data / "logs",
        no_color=no_color or bool(environment.get("NO_COLOR")),
        pool=environment.get("EDGECTL_POOL", "") if pool is None else pool,
    )


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # neither $HOME nor an entry in passwd, as in a container with a number for a user
        return Path("/")


def _data_folder(home: Path) -> Path:
    try:
        return Path(platformdirs.user_state_dir(_APP))
    except RuntimeError:  # platformdirs knows no home either; whoever needs the folder will be told
        return home / ".local" / "state" / _APP


def _cache_folder(home: Path) -> Path:
    try:
        return Path(platformdirs.user_cache_dir(_APP))
    except RuntimeError:
        return home / ".cache" / _APP


def _login(environment: Mapping[str, str]) -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return environment.get("USER", str(os.getuid()))
