"""What exists: PoPs, racks and hosts, as the rest of edgectl sees them; all values are effective."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

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


@dataclass(frozen=True)
class Fleet:
    """All that one inventory describes; `hosts` is ordered by PoP, then by name, both as people count.

    `groups` maps a group's name to its pattern. `known_hosts` lies beside the inventory and need not exist.
    """

    hosts: Mapping[str, Host]
    pops: Mapping[str, Pop]
    racks: Mapping[str, Rack]
    groups: Mapping[str, str]
    source: Path
    known_hosts: Path

    @cached_property
    def members(self) -> Mapping[str, tuple[Host, ...]]:
        """The hosts of every PoP, rack and group, by its name, whatever state their PoP is in."""
        found: dict[str, list[Host]] = {name: [] for name in (*self.pops, *self.racks, *self.groups)}
        for host in self.hosts.values():
            found[host.pop.name].append(host)
            if host.rack:
                found[host.rack].append(host)
            for group in host.groups:
                found[group].append(host)
        return {name: tuple(hosts) for name, hosts in found.items()}
