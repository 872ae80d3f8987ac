"""Hosts behind a bad line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli_run import Edgectl
from tests.faults.proxy import Proxy
from tests.faults.rig import Site
from tests.hosts import machines
from tests.hosts.machines import PATH, PORT

BootSite = Callable[..., Site]


@pytest.fixture
def boot_site(tmp_path: Path) -> Iterator[BootSite]:
    """Boot hosts, each behind a proxy of its own; both end with the test."""
    reason = machines.missing()
    if reason:
        pytest.skip(reason)
    client_key = machines.keypair(tmp_path / "client_key")
    network = f"127.{120 + os.getpid() % 80}"
    with ExitStack() as running:

        def boot(name: str = "n01", **more: Any) -> Site:
            number = int(name[1:])
            folder = tmp_path / "machines" / name
            machine = machines.start(name, f"{network}.1.{number}", folder, client_key, **more)
            running.callback(machine.stop)
            proxy = Proxy((f"{network}.2.{number}", PORT), (machine.address, PORT))
            return Site(machine, running.enter_context(proxy))

        yield boot


@pytest.fixture
def site(boot_site: BootSite) -> Site:
    """One host behind a proxy."""
    return boot_site()


@pytest.fixture
def crowd(boot_site: BootSite) -> Iterator[list[Site]]:
    """Eight hosts behind one sshd with MaxStartups=2: of those that knock together, two may shake hands."""
    network = f"127.{120 + os.getpid() % 80}"
    addresses = [f"{network}.3.{number}" for number in range(1, 9)]
    listen = "".join(f"ListenAddress {address}\n" for address in addresses)
    roots = "".join(
        f"Match LocalAddress {address}\n  SetEnv PATH={PATH} EDGECTL_HOST_ROOT=/srv/{address}\n"
        for address in addresses
    )
    make = f"mkdir {' '.join(f'/srv/{address}' for address in addresses)}"
    server = boot_site("n99", extra=f"MaxStartups 2:100:2\n{listen}", last=roots, prepare=make).machine
    with ExitStack() as running:
        proxies = [
            running.enter_context(Proxy((f"{network}.4.{number}", PORT), (address, PORT)))
            for number, address in enumerate(addresses, start=1)
        ]
        yield [Site(replace(server, name=f"n{n:02}"), proxy) for n, proxy in enumerate(proxies, start=1)]


@pytest.fixture
def edgectl(tmp_path: Path) -> Edgectl:
    """The command, at home in an empty folder."""
    home = tmp_path / "home"
    home.mkdir()
    return Edgectl(home, tmp_path / "inventory", {})
