"""Secrets from providers: the environment, a file, or a command. Values are never printed or stored here."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from edgectl.errors import InputError, MissingError

_COMMAND_TIMEOUT_S = 60.0


class Secrets(Protocol):
    """Whoever gives secrets."""

    def value(self, name: str, provider: Mapping[str, str]) -> str:
        """Return the secret `name` from a provider such as `{env: DB_PASSWORD}`."""
        ...


class SecretSource:
    """Asks each provider at most once per run."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._providers: Mapping[str, Callable[[str], str]] = {
            "env": self._from_environment,
            "file": self._from_file,
            "command": self._from_command,
        }
        self._known: dict[tuple[str, str], str] = {}

    def value(self, name: str, provider: Mapping[str, str]) -> str:
        """Return the secret `name` from a provider such as `{env: DB_PASSWORD}`."""
        if len(provider) != 1 or next(iter(provider)) not in self._providers:
            known = ", ".join(self._providers)
            raise InputError(f"the secret '{name}' wants one provider ({known}), not {dict(provider)}")
        kind, source = next(iter(provider.items()))
        if (kind, source) not in self._known:
            self._known[kind, source] = self._providers[kind](source)
        return self._known[kind, source]

    def _from_environment(self, variable: str) -> str:
        if variable not in self._environment:
            raise MissingError(f"the environment has no {variable}", hint=f"export {variable}=…")
        return self._environment[variable]

    def _from_file(self, path: str) -> str:
        try:
            return Path(path).expanduser().read_text().rstrip("\n")
        except OSError as error:
            raise MissingError(f"cannot read the secret file {path}: {error.strerror}") from None

    def _from_command(self, command: str) -> str:
        try:
            done = subprocess.run(
                shlex.split(command), capture_output=True, text=True, check=True, timeout=_COMMAND_TIMEOUT_S
            )
        except (OSError, subprocess.SubprocessError) as error:
            said = f"the secret command '{command}' failed: {type(error).__name__}"
            raise MissingError(said) from None
        return done.stdout.rstrip("\n")
