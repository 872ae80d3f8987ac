"""A plan that was reviewed, as a file: what runs later is exactly that, or nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from edgectl.errors import InputError, StoppedError
from edgectl.inventory.fold import abridged
from edgectl.ops.promises import Promises
from edgectl.ops.provision.apply import Planned
from edgectl.ops.provision.plan import changes_of
from edgectl.ops.services import Services

FORMAT = "edgectl.plan/1"


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """What each host was to be changed by, under which baseline, and the playbooks' digest."""

    playbooks: str
    extra_vars: Mapping[str, Any]
    hosts: Mapping[str, tuple[str, tuple[str, ...]]]  # baseline's digest, changes

    @property
    def select(self) -> str:
        """Return the pattern that means these hosts."""
        return ",".join(self.hosts)


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    format: str
    playbooks: str
    extra_vars: dict[str, Any]
    hosts: dict[str, tuple[str, list[str]]]


def saved(
    services: Services, promises: Promises, planned: Planned, extra_vars: Mapping[str, Any]
) -> SavedPlan:
    """Return what a plan says, of the hosts that could be planned. Raises `StoppedError` where some could not."""
    if planned.has_trouble:
        names = abridged(
            [host.host for host in planned.outcome.hosts if host not in planned.outcome.finished()]
        )
        raise StoppedError(
            f"no plan for {names}: mend them, or leave them out", hint="edgectl provision … --check"
        )
    hosts = {
        host.host: (promises.baselines[services.fleet.hosts[host.host].hardware].digest, changes_of(host))
        for host in planned.outcome.hosts
    }
    manifest = planned.prepared.plan.manifest
    return SavedPlan(manifest.playbook if manifest else "", dict(extra_vars), hosts)


def write(plan: SavedPlan, path: Path) -> None:
    """Write a plan for people to read and for `apply` to carry out."""
    content = {
        "format": FORMAT,
        "playbooks": plan.playbooks,
        "extra_vars": plan.extra_vars,
        "hosts": {name: [digest, list(changes)] for name, (digest, changes) in plan.hosts.items()},
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> SavedPlan:
    """Read a plan. Raises `InputError` where the file is none."""
    try:
        file = _File.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except (ValidationError, UnicodeDecodeError):
        raise InputError(f"{path} is not a plan", hint="edgectl provision plan SELECT --out FILE") from None
    if file.format != FORMAT:
        raise InputError(f"{path} is a plan of another edgectl: {file.format}, wanted {FORMAT}")
    hosts = {name: (digest, tuple(changes)) for name, (digest, changes) in file.hosts.items()}
    return SavedPlan(file.playbooks, file.extra_vars, hosts)


def refuse_moved(before: SavedPlan, now: SavedPlan) -> None:
    """Raise `StoppedError` where the world is not any more what the plan was made for."""
    if before.playbooks != now.playbooks:
        raise StoppedError("the playbooks were changed since the plan was made: plan again")
    moved = [name for name, what in before.hosts.items() if now.hosts.get(name) != what]
    if moved:
        first = moved[0]
        was, is_now = before.hosts[first], now.hosts.get(first, ("", ()))
        why = "its baseline was changed" if was[0] != is_now[0] else _difference(was[1], is_now[1])
        raise StoppedError(
            f"the plan does not fit any more: {abridged(moved)}; {first}: {why}", hint="plan again"
        )


def _difference(was: tuple[str, ...], is_now: tuple[str, ...]) -> str:
    more = [change for change in is_now if change not in was]
    less = [change for change in was if change not in is_now]
    said = [f"'{change}' came in between" for change in more] + [
        f"'{change}' is not to be done any more" for change in less
    ]
    return said[0] if said else "its changes come in another order"
