"""Real machines for the tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli_run import Edgectl
from tests.hosts import machines
from tests.hosts.machines import Machine

Boot = Callable[..., Machine]


@pytest.fixture(scope="session")
def addresses() -> Iterator[str]:
    """Loopback addresses that no other test uses, nor another worker of this test run."""
    network = f"127.{200 + os.getpid() % 50}"
    return (f"{network}.{number // 250}.{number % 250 + 1}" for number in range(60_000))


@pytest.fixture
def boot(tmp_path: Path, addresses: Iterator[str]) -> Iterator[Boot]:
    """Boot machines that end with the test."""
    reason = machines.missing()
    if reason:
        pytest.skip(reason)
    client_key = machines.keypair(tmp_path / "client_key")
    running: list[Machine] = []

    def boot_one(name: str, *, prepare: str = "true", extra: str = "") -> Machine:
        folder = tmp_path / "machines" / name
        machine = machines.start(name, next(addresses), folder, client_key, prepare=prepare, extra=extra)
        running.append(machine)
        return machine

    yield boot_one
    for machine in running:
        machine.stop()


@pytest.fixture
def edgectl(tmp_path: Path) -> Edgectl:
    """The command, at home in an empty folder."""
    home = tmp_path / "home"
    home.mkdir()
    return Edgectl(home, tmp_path / "inventory", {})
