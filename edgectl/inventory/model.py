"""What exists: PoPs, racks and hosts, as the rest of edgectl sees them; all values are effective."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from edgectl.errors import Place


class PopState(StrEnum):
    """Where a PoP is in its life; hosts of a PoP that is not live are selected only when named."""

    PLANNED = "planned"
    LIVE = "live"
    MAINTENANCE = "maintenance"
    RETIRED = "retired"


class Weekday(StrEnum):
    """A day of a maintenance window, in the order of `date.weekday`."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


@dataclass(frozen=True, slots=True)
class Window:
    """When a PoP may be worked on, in the PoP's own time; it may reach into the next day."""

    days: tuple[Weekday, ...]
    start: dt.time
    hours: float


@dataclass(frozen=True, slots=True)
class Bastion:
    """The SSH host that a PoP's hosts are reached through."""

    address: str
    user: str
    port: int = 22
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SshOptions:
    """How to log in; None where the inventory says nothing and `~/.ssh/config` or the default decides.

    `key` is a path and may start with `~`.
    """

    user: str | None = None
    port: int | None = None
    key: str | None = None
    bastion: Bastion | None = None


@dataclass(frozen=True, slots=True)
class Pop:
    """A point of presence; `metro` (IATA), `region` and `country` (ISO 3166) may be ''."""

    name: str
    metro: str
    region: str
    country: str
    tz: str
    state: PopState
    window: Window | None
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rack:
    """A rack whose hosts come from a template; `name` is `fra1-r1`, `addresses` its network."""

    name: str
    pop: str
    template: str
    addresses: str


@dataclass(frozen=True, slots=True)
class Host:
    """Anything with an SSH address: a GPU node or a DPU.

    `labels`, `vars` and `ssh` are merged by precedence; `origins` says where each came from, by dotted name
    (`vars.driver_branch`, `ssh.user`, `labels.tier`, `address`). `rack` is '' for a host in no rack.
    """

    name: str
    address: str
    pop: Pop
    rack: str
    role: str
    hardware: str
    labels: Mapping[str, str]
    vars: Mapping[str, object]
    ssh: SshOptions
    host_key: str | None
    groups: tuple[str, ...]
    origins: Mapping[str, Place]


class Kind(Protocol):
    """What a pattern looks at in a host, beside its name; many hosts may share one."""

    @property
    def pop(self) -> Pop: ...  # noqa: D102 - as in Host
    @property
    def rack(self) -> str: ...  # noqa: D102
    @property
    def role(self) -> str: ...  # noqa: D102
    @property
    def hardware(self) -> str: ...  # noqa: D102
    @property
    def labels(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def groups(self) -> Collection[str]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Fleet:
    """All that one inventory describes; `hosts` is ordered by PoP, then by name, both as people count.

    `groups` maps a group's name to its pattern. `known_hosts` lies beside the inventory and need not exist.
    `index` is given where a host costs something to look at: the kinds of the same hosts, in the same order.
    """

    hosts: Mapping[str, Host]
    pops: Mapping[str, Pop]
    racks: Mapping[str, Rack]
    groups: Mapping[str, str]
    source: Path
    known_hosts: Path
    index: Mapping[str, Kind] | None = field(default=None, compare=False, repr=False)

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """What a pattern looks at in each host, by the host's name, in the order of `hosts`."""
        return self.hosts if self.index is None else self.index


def known_hosts(source: Path) -> Path:
    """Return where an inventory's host keys lie: in its folder, or beside its file."""
    return (source if source.is_dir() else source.parent) / "known_hosts"
