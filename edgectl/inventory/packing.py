"""A fleet as bytes, in three parts that `unpacking` reads one after the other, and only as far as it must.

It is JSON: reading it runs nothing, whoever wrote it.

    index     PoPs, groups, the names of racks and of all hosts, and the kind of each host
    shared    the racks, the files, and the names of what has an origin
    details   for each PoP an object of its own, compressed: addresses, keys, variables, SSH options, origins
"""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgectl.errors import Place
from edgectl.inventory.model import Fleet, Host, Pop, Rack, SshOptions, Window

# Places are numbers that rise by the same steps: even the quickest level leaves a quarter.
_LEVEL = 1


def packed(fleet: Fleet) -> tuple[bytes, bytes, bytes]:
    """Return index, shared and details of a fleet."""
    by_pop: dict[str, list[Host]] = {name: [] for name in fleet.pops}
    for host in fleet.hosts.values():
        by_pop[host.pop.name].append(host)
    origins = _Origins(fleet.source)
    details = [zlib.compress(_json(_details(hosts, origins)), _LEVEL) for hosts in by_pop.values()]
    index = _index(fleet, by_pop) | {"ends": list(itertools.accumulate(map(len, details)))}
    shared = origins.shared() | {"racks": {name: _rack(rack) for name, rack in fleet.racks.items()}}
    return _json(index), _json(shared), b"".join(details)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


class _Numbered:
    """Numbers for values, the same for the same, in the order in which they come."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def number(self, value: Hashable) -> int:
        return self._numbers.setdefault(value, len(self._numbers))

    def values(self) -> list[Any]:
        return list(self._numbers)


def _index(fleet: Fleet, by_pop: Mapping[str, Sequence[Host]]) -> dict[str, Any]:
    labels, windows, uses, kinds = _Numbered(), _Numbered(), _Numbered(), _Numbered()
    pop_numbers = {name: number for number, name in enumerate(fleet.pops)}
    kind_of = [
        kinds.number(
            (
                pop_numbers[host.pop.name],
                host.rack,
                uses.number((host.role, host.hardware, host.groups)),
                labels.number(tuple(host.labels.items())),
            )
        )
        for host in fleet.hosts.values()
    ]
    return {
        "pops": [_pop(pop, windows, labels) for pop in fleet.pops.values()],
        "racks": list(fleet.racks),
        "groups": dict(fleet.groups),
        "hosts": list(fleet.hosts),
        "kind_of": kind_of,
        "host_ends": list(itertools.accumulate(map(len, by_pop.values()))),
        "uses": uses.values(),
        # By columns, which read in half the time.
        "kinds": list(zip(*kinds.values(), strict=True)) or [[], [], [], []],
        "labels": [dict(value) for value in labels.values()],
        "windows": [_window(value) for value in windows.values()],
    }


def _pop(pop: Pop, windows: _Numbered, labels: _Numbered) -> list[Any]:
    window, own = windows.number(pop.window), labels.number(tuple(pop.labels.items()))
    return [pop.name, pop.metro, pop.region, pop.country, pop.tz, pop.state, window, own]


def _rack(rack: Rack) -> list[str]:
    return [rack.pop, rack.template, rack.addresses]


def _window(window: Window | None) -> list[Any] | None:
    return None if window is None else [window.days, window.start.isoformat(), window.hours]


def _details(hosts: Sequence[Host], origins: _Origins) -> dict[str, Any]:
    """Return what the hosts of one PoP have beside their kinds; what some share is there once."""
    values = {id(host.vars): host.vars for host in hosts}
    ssh = {id(host.ssh): _ssh(host.ssh) for host in hosts}
    places = {id(host.origins): host.origins for host in hosts}
    return {
        "addresses": [host.address for host in hosts],
        "keys": [host.host_key for host in hosts] if any(host.host_key for host in hosts) else None,
        "vars": list(values.values()),
        "ssh": list(ssh.values()),
        "origins": [origins.packed(one) for one in places.values()],
        "vars_of": _numbers(values, (id(host.vars) for host in hosts)),
        "ssh_of": _numbers(ssh, (id(host.ssh) for host in hosts)),
        "origins_of": _numbers(places, (id(host.origins) for host in hosts)),
    }


def _numbers(distinct: Iterable[int], each: Iterable[int]) -> list[int]:
    """Return for each its number among the distinct."""
    numbers = {one: number for number, one in enumerate(distinct)}
    return [numbers[one] for one in each]


def _ssh(ssh: SshOptions) -> list[Any]:
    bastion = ssh.bastion
    through = None if bastion is None else [bastion.address, bastion.user, bastion.port, bastion.key]
    return [ssh.user, ssh.port, ssh.key, through]


class _Origins:
    """Packs places as numbers: of their names, then for each the file's, the line and the column."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._names = _Numbered()
        self._paths: dict[Path, int] = {}

    def packed(self, origins: Mapping[str, Place]) -> list[int]:
        found = [self._names.number(tuple(origins))]
        for place in origins.values():
            found += (self._paths.setdefault(place.path, len(self._paths)), place.line, place.column)
        return found

    def shared(self) -> dict[str, Any]:
        paths = ["" if path == self._source else str(path.relative_to(self._source)) for path in self._paths]
        return {"names": self._names.values(), "paths": paths}
