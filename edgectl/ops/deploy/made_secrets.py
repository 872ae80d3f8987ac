"""Secrets that are made here, for one run, beside those that its providers give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.services import Services
from edgectl.secret import Secrets

_ENVIRONMENT = "service_env"


class MadeSecrets:
    """The providers of before, and secrets that only this run has."""

    def __init__(self, others: Secrets, made: Mapping[str, str]) -> None:
        self._others = others
        self._made = made

    def value(self, name: str, provider: Mapping[str, str]) -> str:
        """Return a secret: one that was made, else what its provider gives."""
        return self._made[name] if name in self._made else self._others.value(name, provider)


def with_environment(services: Services, spec: ServiceSpec) -> Services:
    """Return services that know the file of an engine's secret variables, made of what their providers give."""
    values = {name: services.secrets.value(name, one.provider) for name, one in spec.secrets.items()}
    text = "".join(f"{name}={_quoted(value)}\n" for name, value in values.items())
    return replace(services, secrets=MadeSecrets(services.secrets, {_ENVIRONMENT: text or "# no secrets\n"}))


def _quoted(value: str) -> str:
    """Quote as systemd.exec(5) has it for EnvironmentFile=, where nothing is expanded."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`")
    return f'"{escaped}"'
