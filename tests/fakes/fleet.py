"""Hosts and jobs for tests, with no more said than the case needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgectl.engine.ports import HostWork
from edgectl.inventory.model import Bastion, Fleet, Host, Pop, PopState, SshOptions
from edgectl.remote.job import Job, Play, Task


def a_pop(name: str = "fra1", metro: str = "FRA", region: str = "eu") -> Pop:
    return Pop(name, metro, region, "DE", "Europe/Berlin", PopState.LIVE, None, {})


def a_host(
    name: str = "fra1-n01",
    *,
    pop: Pop | None = None,
    rack: str = "",
    address: str = "127.9.0.1",
    variables: Mapping[str, object] | None = None,
    groups: tuple[str, ...] = (),
    ssh: SshOptions | None = None,
    host_key: str | None = None,
) -> Host:
    return Host(
        name=name,
        address=address,
        pop=pop or a_pop(),
        rack=rack,
        role="gpu",
        hardware="",
        labels={},
        vars=variables or {},
        ssh=ssh or SshOptions(),
        host_key=host_key,
        groups=groups,
        origins={},
    )


def a_bastion(address: str = "203.0.113.5", user: str = "jump") -> Bastion:
    return Bastion(address, user)


def hosts_of(pops: Mapping[str, int]) -> list[Host]:
    """Return so many hosts of each PoP, whose metro is the first three letters of its name."""
    return [
        a_host(f"{name}-n{number:02d}", pop=a_pop(name, name[:3].upper()))
        for name, count in pops.items()
        for number in range(1, count + 1)
    ]


def a_fleet(hosts: Sequence[Host], groups: Mapping[str, str] | None = None) -> Fleet:
    return Fleet(
        hosts={host.name: host for host in hosts},
        pops={host.pop.name: host.pop for host in hosts},
        racks={},
        groups=groups or {},
        source=Path("fleet.yaml"),
        known_hosts=Path("known_hosts"),
    )


def a_task(index: int = 1, module: str = "ping", args: Any = None, name: str = "", **more: Any) -> Task:
    return Task(index, name or f"task {index}", module, {} if args is None else args, **more)


def a_job(
    tasks: Sequence[Task] = (),
    *,
    run: str = "R1",
    host: str = "fra1-n01",
    handlers: Sequence[Task] = (),
    variables: Mapping[str, Any] | None = None,
    **more: Any,
) -> Job:
    play = Play("play", dict(variables or {}), list(tasks), list(handlers))
    return Job(run=run, host=host, plays=[play], **more)


def work_for(hosts: Sequence[Host], **more: Any) -> list[HostWork]:
    return [HostWork(host, a_job(host=host.name, **more)) for host in hosts]
