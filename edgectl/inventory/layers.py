"""What is in force at a host: `vars` and `ssh` of all levels, and where each was written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from edgectl.errors import Place
from edgectl.inventory.model import Bastion, SshOptions
from edgectl.inventory.schema import BastionSpec, Layer
from edgectl.inventory.sections import Entry


@dataclass(frozen=True, slots=True)
class Settled:
    """The settings that hosts of one rack and the same groups share."""

    vars: dict[str, Any]
    ssh: SshOptions
    origins: dict[str, Place]


Settings = dict[str, tuple[Any, Place]]


def settings(layer: Entry[Layer]) -> Settings:
    """Return what one level sets, by dotted name: `vars.driver_branch`, `ssh.user`."""
    ssh = layer.spec.ssh
    found = {f"vars.{name}": (value, layer.place("vars", name)) for name, value in layer.spec.vars.items()}
    found |= {f"ssh.{name}": (getattr(ssh, name), layer.place("ssh", name)) for name in ssh.model_fields_set}
    return found


def settle(layers: Iterable[Settings]) -> Settled:
    """Merge levels, the weakest first. `null` undoes an SSH option; a variable it sets to null."""
    merged: Settings = {}
    for layer in layers:
        merged |= layer
    ssh = {name[4:]: _ssh_value(value) for name, (value, _) in merged.items() if name.startswith("ssh.")}
    return Settled(
        vars={name[5:]: value for name, (value, _) in merged.items() if name.startswith("vars.")},
        ssh=SshOptions(**ssh),
        origins={name: place for name, (_, place) in merged.items()},
    )


def _ssh_value(value: Any) -> Any:
    if isinstance(value, BastionSpec):
        return Bastion(value.address, value.user, value.port, value.key)
    return value
