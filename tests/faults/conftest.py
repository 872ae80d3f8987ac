"""Hosts behind a bad line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.proxy import Proxy
from tests.faults.rig import Site
from tests.hosts import machines
from tests.hosts.machines import PORT

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

        def boot(name: str = "n01", *, prepare: str = "true", extra: str = "") -> Site:
            number = int(name[1:])
            folder = tmp_path / "machines" / name
            machine = machines.start(
                name, f"{network}.1.{number}", folder, client_key, prepare=prepare, extra=extra
            )
            running.callback(machine.stop)
            proxy = Proxy((f"{network}.2.{number}", PORT), (machine.address, PORT))
            return Site(machine, running.enter_context(proxy))

        yield boot


@pytest.fixture
def site(boot_site: BootSite) -> Site:
    """One host behind a proxy."""
    return boot_site()
