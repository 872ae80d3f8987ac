"""What a lab looks like before it runs: its hosts, their names and addresses, and its files."""

from __future__ import annotations

import ipaddress
import json
import zlib
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from edgectl.errors import InputError

# Metro, region, country and time zone of the PoPs a lab plays, in the order it fills them.
METROS = (
    ("fra", "eu-central", "DE", "Europe/Berlin"),
    ("iad", "us-east", "US", "America/New_York"),
    ("sin", "ap-southeast", "SG", "Asia/Singapore"),
    ("nrt", "ap-northeast", "JP", "Asia/Tokyo"),
    ("gru", "sa-east", "BR", "America/Sao_Paulo"),
    ("syd", "ap-south", "AU", "Australia/Sydney"),
)
_HOSTS_PER_POP = 4
_LARGEST = 200
_FIRST_IN_SUBNET = 11  # the machine itself is 1; the rest of the first ten is for tests


class Backend(StrEnum):
    """What a lab's hosts are."""

    SANDBOX = "sandbox"
    NSPAWN = "nspawn"


class Network(StrEnum):
    """Whether hosts share this machine's network, or have one of the lab's own with a firewall each."""

    SHARED = "shared"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class LabSpec:
    """A lab somebody wants: `hosts` of them four to a PoP, or the PoPs named in `pops` with a count for each.

    Hosts take consecutive loopback addresses from `first_address`, or addresses of `subnet` in a private
    network, all on `port`. `boot_s` is how long a reboot keeps a sandbox away; `disk_mb` how much memory a
    host's disk may take. `cache` is where the nspawn backend keeps its Debian.
    """

    directory: Path
    hosts: int = 12
    pops: tuple[tuple[str, int], ...] = ()
    first_address: str = "127.77.0.1"
    port: int = 2222
    gpus_per_host: int = 2
    boot_s: float = 1.5
    disk_mb: int = 2048
    backend: Backend = Backend.SANDBOX
    network: Network = Network.SHARED
    subnet: str = ""
    cache: str = "/var/cache/edgectl"

    def __post_init__(self) -> None:
        count = sum(count for _, count in self.pops) if self.pops else self.hosts
        if not 1 <= count <= _LARGEST:
            raise InputError(f"a lab has 1 to {_LARGEST} hosts, not {count}")
        if self.network is Network.PRIVATE:
            self._check_private(count)
            return
        if self.subnet:
            raise InputError("a subnet is for a private network", hint="--network private")
        first = ipaddress.IPv4Address(self.first_address)
        if not (first.is_loopback and (first + count).is_loopback):
            raise InputError(
                f"{self.first_address} and the {count} after it are not all loopback addresses (127.0.0.0/8)"
            )

    def _check_private(self, count: int) -> None:
        if self.backend is not Backend.NSPAWN:
            raise InputError("only real machines have a private network", hint="--backend nspawn")
        try:
            subnet = ipaddress.IPv4Network(self.subnet or "10.0.0.0/24")
        except ValueError as error:
            raise InputError(f"{self.subnet} is no range of addresses: {error}") from error
        if subnet.num_addresses <= _FIRST_IN_SUBNET + count:
            raise InputError(f"{self.subnet} is too small for {count} hosts from its {_FIRST_IN_SUBNET}th on")


@dataclass(frozen=True, slots=True)
class LabHost:
    """One host of a lab."""

    name: str
    pop: str
    address: str


def hosts_of(spec: LabSpec) -> tuple[LabHost, ...]:
    """Return the hosts of a lab in the order of their addresses."""
    subnet = ipaddress.IPv4Network(spec.subnet) if spec.subnet else None
    first = subnet[_FIRST_IN_SUBNET] if subnet else ipaddress.IPv4Address(spec.first_address)
    names = [(f"{pop}-r1-n{number:02}", pop) for pop, count in _pops(spec) for number in range(1, count + 1)]
    return tuple(LabHost(name, pop, str(first + offset)) for offset, (name, pop) in enumerate(names))


def _pops(spec: LabSpec) -> tuple[tuple[str, int], ...]:
    if spec.pops:
        return spec.pops
    counts = [min(_HOSTS_PER_POP, spec.hosts - done) for done in range(0, spec.hosts, _HOSTS_PER_POP)]
    codes = [(METROS[place % len(METROS)][0], place // len(METROS) + 1) for place in range(len(counts))]
    return tuple((f"{metro}{number}", count) for (metro, number), count in zip(codes, counts, strict=True))


@dataclass(frozen=True, slots=True)
class LabFiles:
    """Where a lab keeps what: all of it in one folder."""

    directory: Path

    @property
    def mark(self) -> str:
        """Eight characters for names that the machine has only one of: links and cgroups."""
        return f"{zlib.crc32(str(self.directory).encode()):08x}"

    @property
    def spec(self) -> Path:
        """Marks the folder as a lab's; `down` deletes no folder without it."""
        return self.directory / "lab.json"

    @property
    def processes(self) -> Path:
        """The supervisor's and the keeper's process ids and start times."""
        return self.directory / "processes.json"

    @property
    def log(self) -> Path:
        """What the supervisor and the hosts' first processes had to say."""
        return self.directory / "lab.log"

    @property
    def stage(self) -> Path:
        """An empty folder to mount on, inside the lab's own mount namespace."""
        return self.directory / "stage"

    @property
    def client_key(self) -> Path:
        """The private key that opens every host."""
        return self.directory / "client_key"

    @property
    def host_keys(self) -> Path:
        """A private key for each host."""
        return self.directory / "host_keys"

    @property
    def machines(self) -> Path:
        """A folder for each real machine: the files laid over its Debian, and its console."""
        return self.directory / "machines"

    @property
    def cgroups(self) -> Path:
        """The names of the lab's cgroups, which nobody but `down` removes."""
        return self.directory / "cgroups.json"

    @property
    def inventory(self) -> Path:
        """What `-i` takes."""
        return self.directory / "inventory"

    @property
    def known_hosts(self) -> Path:
        """The hosts' keys, pinned."""
        return self.inventory / "known_hosts"


def save_spec(spec: LabSpec) -> None:
    """Write the spec into its folder."""
    values = asdict(spec) | {"directory": str(spec.directory)}
    LabFiles(spec.directory).spec.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def load_spec(directory: Path) -> LabSpec | None:
    """Return the spec of the lab in `directory`; None where there is no lab."""
    path = LabFiles(directory).spec
    if not path.is_file():
        return None
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    pops = tuple((str(name), int(count)) for name, count in values["pops"])
    kinds = {"backend": Backend(values["backend"]), "network": Network(values["network"])}
    return LabSpec(**(values | kinds | {"directory": directory, "pops": pops}))
