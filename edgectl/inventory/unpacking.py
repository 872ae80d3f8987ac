"""The fleet that `packing` made bytes of; a host's details are read when somebody asks for the host."""

from __future__ import annotations

import datetime as dt
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from edgectl.errors import Place
from edgectl.inventory.memory import Made, collector_paused
from edgectl.inventory.model import (
    Bastion,
    Fleet,
    Host,
    Pop,
    PopState,
    Rack,
    SshOptions,
    Weekday,
    Window,
    known_hosts,
)

Buffer = bytes | memoryview


def unpacked(index: Buffer, shared: Buffer, details: Buffer, source: Path) -> Fleet:
    """Return the fleet of the inventory at `source`, from the three parts."""
    with collector_paused():
        table = _parsed(index)
        pops = _pops(table)
        kinds = _kinds(table, pops)
        common = _Shared(shared, source)
        hosts = dict(zip(table["hosts"], map(kinds.__getitem__, table["kind_of"]), strict=True))
    return Fleet(
        hosts=_Hosts(hosts, table, common, details),
        pops={pop.name: pop for pop in pops},
        racks=Made(table["racks"], common.rack),
        groups=table["groups"],
        source=source,
        known_hosts=known_hosts(source),
        index=hosts,
    )


def _parsed(part: Buffer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(str(part, "ascii"))
    return found


class _Kind(NamedTuple):
    """What the hosts of one kind have in common; a tuple, as 20,000 of them are made before anything is listed."""

    pop_number: int
    pop: Pop
    rack: str
    role: str
    hardware: str
    groups: Sequence[str]
    labels: Mapping[str, str]


def _kinds(table: Mapping[str, Any], pops: Sequence[Pop]) -> list[_Kind]:
    numbers, racks, uses, labels = table["kinds"]
    columns = (
        numbers,
        map(pops.__getitem__, numbers),
        racks,
        *(map([use[which] for use in table["uses"]].__getitem__, uses) for which in range(3)),
        map(table["labels"].__getitem__, labels),
    )
    return list(map(_Kind._make, zip(*columns, strict=True)))


def _pops(table: Mapping[str, Any]) -> list[Pop]:
    states = {state.value: state for state in PopState}
    windows = [_window(row) for row in table["windows"]]
    labels = table["labels"]
    return [
        Pop(name, metro, region, country, tz, states[state], windows[window], labels[own])
        for name, metro, region, country, tz, state, window, own in table["pops"]
    ]


def _window(row: Sequence[Any] | None) -> Window | None:
    if row is None:
        return None
    days, start, hours = row
    return Window(tuple(map(Weekday, days)), dt.time.fromisoformat(start), hours)


class _Hosts(Mapping[str, Host]):
    """All hosts by name; those of a PoP are made when the first of them is asked for."""

    def __init__(
        self, kinds: Mapping[str, _Kind], table: Mapping[str, Any], shared: _Shared, details: Buffer
    ) -> None:
        self._kinds = kinds
        self._names: Sequence[str] = table["hosts"]
        self._host_ends: Sequence[int] = table["host_ends"]
        self._ends: Sequence[int] = table["ends"]
        self._shared = shared
        self._details = details
        self._made: dict[str, Host] = {}

    def __getitem__(self, name: str) -> Host:
        if name not in self._made:
            with collector_paused():
                self._made |= {host.name: host for host in self._of_pop(self._kinds[name].pop_number)}
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._kinds

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    def _of_pop(self, number: int) -> Iterator[Host]:
        names = self._names[slice(*_span(self._host_ends, number))]
        told = _parsed(zlib.decompress(self._details[slice(*_span(self._ends, number))]))
        keys = told["keys"] or [None] * len(names)
        ssh = [_ssh(*row) for row in told["ssh"]]
        origins = [_Places(self._shared, row) for row in told["origins"]]
        numbers = (told["vars_of"], told["ssh_of"], told["origins_of"])
        for name, address, key, *of in zip(names, told["addresses"], keys, *numbers, strict=True):
            kind = self._kinds[name]
            yield Host(
                name,
                address,
                kind.pop,
                kind.rack,
                kind.role,
                kind.hardware,
                kind.labels,
                told["vars"][of[0]],
                ssh[of[1]],
                key,
                tuple(kind.groups),
                origins[of[2]],
            )


def _span(ends: Sequence[int], number: int) -> tuple[int, int]:
    return ends[number - 1] if number else 0, ends[number]


def _ssh(user: str | None, port: int | None, key: str | None, bastion: Sequence[Any] | None) -> SshOptions:
    return SshOptions(user, port, key, None if bastion is None else Bastion(*bastion))


class _Shared:
    """What is the same for many: read only for `inventory show`, and for who asks for a rack."""

    def __init__(self, part: Buffer, source: Path) -> None:
        self._part = part
        self._source = source

    def rack(self, name: str) -> Rack:
        return Rack(name, *self._table["racks"][name])

    def places(self, row: Sequence[int]) -> dict[str, Place]:
        names = self._table["names"][row[0]]
        rows = zip(row[1::3], row[2::3], row[3::3], strict=True)
        return {
            name: Place(self._paths[path], line, column)
            for name, (path, line, column) in zip(names, rows, strict=True)
        }

    @cached_property
    def _table(self) -> dict[str, Any]:
        return _parsed(self._part)

    @cached_property
    def _paths(self) -> list[Path]:
        return [self._source / path if path else self._source for path in self._table["paths"]]


class _Places(Mapping[str, Place]):
    """The places of one host's values, made when somebody asks for the first."""

    def __init__(self, shared: _Shared, row: Sequence[int]) -> None:
        self._shared = shared
        self._row = row

    @cached_property
    def _found(self) -> dict[str, Place]:
        return self._shared.places(self._row)

    def __getitem__(self, name: str) -> Place:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __reduce__(self) -> tuple[type[dict[str, Place]], tuple[dict[str, Place]]]:
        """Travel to another process as what it is there: plain places."""
        return dict, (self._found,)
