"""Secrets that are made here, for one run, beside those that its providers give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgectl.ops.deploy.release import logins_of
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.services import Services
from edgectl.remote.tasks import _logins
from edgectl.secret import Secrets

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
    text = "".join(f"{name}={_quoted(value)}\n" for name, value in values.items())
    made = {_ENVIRONMENT: text or "# no secrets\n"} | made_logins(services, spec)
    return replace(services, secrets=MadeSecrets(services.secrets, made))


def _quoted(value: str) -> str:
    """Quote as systemd.exec(5) has it for EnvironmentFile=, where nothing is expanded."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`")
    return f'"{escaped}"'
