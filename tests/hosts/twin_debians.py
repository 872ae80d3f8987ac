"""Two equal Debians with what Ansible's modules need at a host: one for each tool."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hosts import ansible_twin, debian_packages, differential, nspawn
from tests.hosts.machines import keypair
from tests.hosts.nspawn import Debian


@contextmanager
def twin_debians(folder: Path, network: str) -> Iterator[tuple[Debian, Debian]]:
    """Boot both at `NETWORK.1` and `NETWORK.2`; where that cannot be, skip the test with the reason."""
    reason = nspawn.missing() or ansible_twin.missing()
    if reason:
        pytest.skip(reason)
    laid = folder / "tree"
    shutil.copytree(debian_packages.fetched(), laid / debian_packages.AT_HOST.lstrip("/"))
    key = keypair(folder / "client_key")
    running: list[Debian] = []
    try:
        for number in (1, 2):
            # Both have one name: it is in what some modules say.
            place = folder / "machines" / str(number)
            machine = nspawn.start("twin", f"{network}.{number}", place, key, tree=laid)
            running.append(machine)
            differential.prepare(machine, debian_packages.AT_HOST)
        yield running[0], running[1]
    finally:
        for machine in running:
            machine.stop()
