"""Secrets that are made here, for one run, beside those that its providers give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from edgectl.ops.deploy.release import logins_of
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.services import Services
from edgectl.remote.tasks import _logins
from edgectl.secret import Secrets

# What means itself to systemd and to podman alike.
_PLAIN = re.compile(r"[A-Za-z0-9_.:/+=@%,-]+")
_ENVIRONMENT, _LOGINS = "service_env", "origin_logins"


class MadeSecrets:
    """The providers of before, and secrets that only this run has."""

    def __init__(self, others: Secrets, made: Mapping[str, str]) -> None:
        self._others = others
        self._made = made

    def value(self, name: str, provider: Mapping[str, str]) -> str:
        """Return a secret: one that was made, else what its provider gives."""
        return self._made[name] if name in self._made else self._others.value(name, provider)


def made_logins(services: Services, spec: ServiceSpec) -> dict[str, str]:
    """Return the secret that hosts ask origins with: its name, and the logins that files need, as one text."""
    wanted = {login for _, login in logins_of(spec) if login}
    known = {name: spec.logins[name].value(name, services.secrets) for name in sorted(wanted)}
    return {_LOGINS: _logins.written(known) or "# no logins\n"}


def with_environment(services: Services, spec: ServiceSpec) -> Services:
    """Return services that know what a deployment's secrets are made of: an engine's variables, and logins."""
    values = {name: services.secrets.value(name, one.provider) for name, one in spec.secrets.items()}
    made = {_ENVIRONMENT: environment_text(values)} | made_logins(services, spec)
    return replace(services, secrets=MadeSecrets(services.secrets, made))


def environment_text(values: Mapping[str, str]) -> str:
    """Return variables as a file for EnvironmentFile=; one without any says so."""
    return "".join(f"{name}={_quoted(value)}\n" for name, value in values.items()) or "# no secrets\n"


def _quoted(value: str) -> str:
    """Quote as systemd.exec(5) has it for EnvironmentFile=, where nothing is expanded; podman would keep the quotes."""
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`")
    return f'"{escaped}"'
