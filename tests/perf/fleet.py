"""Many loopback hosts behind one real sshd: each address has a folder of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cli_run import Edgectl
from tests.hosts import machines
from tests.hosts.machines import Machine

PORT = 2299  # apart from the tests' other servers, since this one listens on every address
PEERS = Path(os.environ.get("EDGECTL_PEERS", "/tmp/peers")) / "bin"
# Which host it is, the login tells by the address it came to; a block for each in sshd_config would be parsed anew
# for every connection.
_LOGIN = 'c=${SSH_CONNECTION% *}; export EDGECTL_HOST_ROOT="/srv/root/${c##* }"'


@dataclass(frozen=True, slots=True)
class Fleet:
    """Many names for one real server; each has a folder of its own."""

    machine: Machine
    addresses: tuple[str, ...]
    home: Path

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield each host's name and address."""
        return ((f"h{number:04}", address) for number, address in enumerate(self.addresses, start=1))

    def some(self, count: int) -> Fleet:
        """Return the first hosts of it, with a home of their own on this side."""
        home = self.home / f"of-{count}"
        home.mkdir(exist_ok=True)
        return Fleet(self.machine, self.addresses[:count], home)

    def edgectl(self) -> Edgectl:
        """Return the command with an inventory of these hosts, forty to a PoP, and their keys pinned."""
        folder = self.home / "inventory"
        folder.mkdir(exist_ok=True)
        pops: dict[str, list[str]] = {}
        for number, (name, address) in enumerate(self.names()):
            pops.setdefault(f"p{number // 40:03}", []).append(
                f"      {name}: {{address: {address}, role: gpu}}\n"
            )
        place = "    metro: FRA\n    region: eu\n    country: DE\n    tz: Europe/Berlin\n    state: live\n"
        (folder / "fleet.yaml").write_text(
            f"defaults: {{ssh: {{user: root, port: {PORT}, key: {self.machine.client_key}}}}}\npops:\n"
            + "".join(f"  {pop}:\n{place}    hosts:\n{''.join(hosts)}" for pop, hosts in pops.items())
        )
        (folder / "known_hosts").write_text("".join(f"{pin}\n" for pin in self.pins()))
        return Edgectl(self.home, folder, {})

    def pins(self) -> Iterator[str]:
        """Yield a line of known_hosts for each address."""
        _, kind, key = self.machine.pin().split()
        return (f"[{address}]:{PORT} {kind} {key}" for address in self.addresses)


@contextmanager
def fleet_of(count: int, folder: Path) -> Iterator[Fleet]:
    """Boot a server that answers for so many hosts, each with an empty folder `/srv/perf/ADDRESS`."""
    addresses = tuple(f"127.63.{number // 200}.{number % 200 + 1}" for number in range(count))
    key = machines.keypair(folder / "client_key")
    names = folder / "addresses"
    names.write_text("\n".join(addresses))
    login = f"printf '%s\\n' '{_LOGIN}' > /root/.bashrc"
    prepare = f"{login} && mkdir -p /srv/perf && cd /srv/perf && xargs mkdir < {names}"
    # sshd opens sixteen sockets at most, so it listens everywhere and lets in whoever comes over loopback.
    machine = machines.start(
        "perf", addresses[0], folder / "machine", key,
        prepare=prepare, extra="UseDNS no\nAllowUsers root@127.*", listen="0.0.0.0", port=PORT,
    )  # fmt: skip
    try:
        yield Fleet(machine, addresses, folder)
    finally:
        machine.stop()
